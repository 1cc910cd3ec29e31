"""Consumer groups on a server with timers and sockets."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from rxpump.server import EmbeddedServer, SqliteStore
from rxpump.server.groups import group
from rxpump.server.store.appender import AppendRequest
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.commands import Command
from tests.raw_client import ADMIN, RawClient
from tests.server.groups.clients import group_of, settings_of

APPEARED = Command.PERSISTENT_SUBSCRIPTION_STREAM_EVENT_APPEARED


async def create(client: RawClient, **settings: int) -> None:
    completed = await client.ask_for(
        schema.CreatePersistentSubscriptionCompleted,
        Command.CREATE_PERSISTENT_SUBSCRIPTION,
        settings_of("s", "g", settings),
        user=ADMIN,
    )
    assert completed.result == 0


async def connect(client: RawClient, slots: int) -> bytes:
    ask = schema.ConnectToPersistentSubscription(
        event_stream_id="s", subscription_id="g", allowed_in_flight_messages=slots
    )
    id = client.send(Command.CONNECT_TO_PERSISTENT_SUBSCRIPTION, ask)
    assert (await client.expect_package()).command == Command.PERSISTENT_SUBSCRIPTION_CONFIRMATION
    return id


async def next_event(client: RawClient) -> Any:
    while (package := await client.expect_package()).command != APPEARED:
        assert package.command == Command.HEARTBEAT_REQUEST
        client.send(Command.HEARTBEAT_RESPONSE, id=package.correlation_id)
    return schema.PersistentSubscriptionStreamEventAppeared.FromString(package.payload)


def ack(client: RawClient, id: bytes, *events: Any) -> None:
    ids = [each.event.event.event_id for each in events]
    message = schema.PersistentSubscriptionAckEvents(subscription_id="s::g", processed_event_ids=ids)
    client.send(Command.PERSISTENT_SUBSCRIPTION_ACK_EVENTS, message, id=id)


async def write(store: SqliteStore, count: int, size: int = 10) -> None:
    events = [schema.NewEvent(event_id=uuid4().bytes_le, event_type="T", data=b"x" * size) for _ in range(count)]
    await store.append(AppendRequest("s", -2, events))


async def test_unsettled_events_are_retried_then_parked() -> None:
    store = SqliteStore.in_memory()
    async with EmbeddedServer(store, persistent_tick=0.01) as server, RawClient.to(server) as client:
        await write(store, 1)
        await create(client, message_timeout_milliseconds=20, max_retry_count=2)
        await connect(client, 10)
        assert [(await next_event(client)).retry_count for _ in range(3)] == [0, 1, 2]
        parked = "$persistentsubscription-s::g-parked"
        watch = schema.SubscribeToStream(event_stream_id=parked)
        client.send(Command.SUBSCRIBE_TO_STREAM, watch, user=ADMIN)
        while (package := await client.expect_package()).command != Command.STREAM_EVENT_APPEARED:
            assert package.command == Command.SUBSCRIPTION_CONFIRMATION
        event = schema.StreamEventAppeared.FromString(package.payload).event.event
        assert (event.event_stream_id, event.data) == (parked, b"0@s")
        assert b"Reached retry count of 2" in event.metadata


async def test_a_checkpoint_is_written_in_time() -> None:
    store = SqliteStore.in_memory()
    async with EmbeddedServer(store, persistent_tick=0.01) as server, RawClient.to(server) as client:
        await write(store, 3)
        await create(client, checkpoint_after_time=1, checkpoint_min_count=3)
        watch = schema.SubscribeToStream(event_stream_id="$persistentsubscription-s::g-checkpoint")
        await client.ask(Command.SUBSCRIBE_TO_STREAM, watch, user=ADMIN)
        id = await connect(client, 10)
        ack(client, id, *[await next_event(client) for _ in range(3)])
        package = await client.expect_package()
        assert package.command == Command.STREAM_EVENT_APPEARED
        assert schema.StreamEventAppeared.FromString(package.payload).event.event.data == b"2"


async def test_large_slots_do_not_disconnect_the_client(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pending events have 40 MB, more than the 26 MB of unread bytes that end a connection."""
    monkeypatch.setattr(group, "MAX_PENDING_BYTES", 100_000_000)
    store = SqliteStore.in_memory()
    async with EmbeddedServer(store) as server, RawClient.to(server) as client, RawClient.to(server) as other:
        for _ in range(4):
            await write(store, 100, size=100_000)
        await create(client)
        id = await connect(client, 100_000)
        running = group_of(server.groups)
        while not client.has_unread_bytes or running.group.wanted:
            await asyncio.sleep(0)
        assert (await other.ask(Command.PING, b"x")).payload == b"x"
        for number in range(400):
            event = await next_event(client)
            assert event.event.event.event_number == number
            ack(client, id, event)


async def test_a_disconnected_client_leaves_no_consumers() -> None:
    store = SqliteStore.in_memory()
    async with EmbeddedServer(store) as server:
        async with RawClient.to(server) as client:
            await write(store, 1)
            await create(client)
            await connect(client, 10)
            await next_event(client)
        async with RawClient.to(server) as client:
            await connect(client, 10)
            assert (await next_event(client)).retry_count == 1
            running = group_of(server.groups)
            assert len(running.group.consumers) == 1
