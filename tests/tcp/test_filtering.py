"""A filter has the same results whether the server or the client applies it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from rxpump.errors import AccessDenied, BadRequest
from rxpump.model.filters import EventFilter
from rxpump.model.positions import FIRST_POSITION, Position, StreamDirection
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.codes import ReadAllResult
from rxpump.tcp.wire.commands import Command
from rxpump.tcp.wire.package import Package
from tests.tcp.conftest import MakeClient
from tests.tcp.scripted_server import Peer, ScriptedServer

PONIES = EventFilter(type_prefix="Pony")
FORWARD = StreamDirection.FORWARD


def event(position: int, type: str = "PonyJumped") -> Any:
    record = schema.EventRecord(event_stream_id="s", event_number=position, event_type=type, event_id=bytes(16))
    return schema.ResolvedEvent(event=record, commit_position=position, prepare_position=position)


def filtered_page(peer: Peer, to: Package, *events: Any, following: int = 900, is_end: bool = False) -> None:
    message = schema.FilteredReadAllEventsCompleted(
        events=events, next_commit_position=following, next_prepare_position=0, is_end_of_stream=is_end
    )
    peer.reply(to, Command.FILTERED_READ_ALL_EVENTS_FORWARD_COMPLETED, message)


def plain_page(peer: Peer, to: Package, *events: Any, following: int = 900) -> None:
    message = schema.ReadAllEventsCompleted(events=events, next_commit_position=following, next_prepare_position=0)
    peer.reply(to, Command.READ_ALL_EVENTS_FORWARD_COMPLETED, message)


def positions(events: Sequence[Any]) -> list[int]:
    return [each.position.commit for each in events]


async def read(client: Any, where: EventFilter = PONIES, **options: Any) -> Any:
    return await client.read_all_page(
        FIRST_POSITION, 10, FORWARD, **{"resolve_links": False, "where": where, **options}
    )


async def test_the_client_filters_the_events_of_the_server_again(client_of: MakeClient) -> None:
    async def script(peer: Peer) -> None:
        await peer.handshake()
        request = await peer.request(Command.FILTERED_READ_ALL_EVENTS_FORWARD)
        assert list(schema.FilteredReadAllEvents.FromString(request.payload).filter.data) == [r"^Pony|^\$>"]
        filtered_page(peer, request, event(100), event(200, "$>"), event(300))
        await peer.until_gone()

    async with ScriptedServer(script) as server:
        client = client_of(server)
        await client.open()
        page = await read(client, resolve_links=True)
        assert (positions(page), page.next_position, page.is_last) == ([100, 300], Position(900, 0), False)


async def test_filters_are_tried_once_on_each_connection(client_of: MakeClient) -> None:
    is_back = asyncio.Event()

    async def old(peer: Peer) -> None:
        await peer.handshake()
        peer.reply(await peer.request(Command.FILTERED_READ_ALL_EVENTS_FORWARD), Command.BAD_REQUEST, b"What?")
        for _ in range(2):
            plain_page(peer, await peer.request(Command.READ_ALL_EVENTS_FORWARD), event(100, "Cow"), event(200))
        confirmation = schema.SubscriptionConfirmation(last_commit_position=50)
        request = await peer.request(Command.SUBSCRIBE_TO_STREAM)
        peer.reply(request, Command.SUBSCRIPTION_CONFIRMATION, confirmation)
        peer.pong(await peer.request())
        peer.cut()

    async def new(peer: Peer) -> None:
        await peer.handshake()
        is_back.set()
        peer.pong(await peer.request())
        filtered_page(peer, await peer.request(Command.FILTERED_READ_ALL_EVENTS_FORWARD), event(300))
        await peer.until_gone()

    async with ScriptedServer(old, new) as server:
        client = client_of(server)
        await client.open()
        page = await read(client)
        assert (positions(page), page.is_last) == ([200], False)
        assert positions(await read(client)) == [200]
        await client.subscribe(None, resolve_links=False, where=PONIES)
        await client.ping()
        await is_back.wait()
        await client.ping()
        assert positions(await read(client)) == [300], "another connection may lead to another server"


async def test_an_error_of_the_read_without_its_filter_is_raised(client_of: MakeClient) -> None:
    async def script(peer: Peer) -> None:
        await peer.handshake()
        peer.reply(await peer.request(Command.FILTERED_READ_ALL_EVENTS_FORWARD), Command.BAD_REQUEST)
        peer.reply(await peer.request(Command.READ_ALL_EVENTS_FORWARD), Command.BAD_REQUEST, b"Oh.")
        await peer.until_gone()

    async with ScriptedServer(script) as server:
        client = client_of(server)
        await client.open()
        with pytest.raises(BadRequest, match=r"Oh\."):
            await read(client)


async def test_a_filter_that_the_server_refuses_runs_in_the_client(client_of: MakeClient) -> None:
    async def script(peer: Peer) -> None:
        await peer.handshake()
        error = schema.FilteredReadAllEventsCompleted(result=ReadAllResult.ERROR, error="Too much.")
        peer.reply(
            await peer.request(Command.FILTERED_READ_ALL_EVENTS_FORWARD),
            Command.FILTERED_READ_ALL_EVENTS_FORWARD_COMPLETED,
            error,
        )
        plain_page(peer, await peer.request(Command.READ_ALL_EVENTS_FORWARD), event(100, "Cow"), event(200))
        filtered_page(peer, await peer.request(Command.FILTERED_READ_ALL_EVENTS_FORWARD), event(300))
        await peer.until_gone()

    async with ScriptedServer(script) as server:
        client = client_of(server)
        await client.open()
        assert positions(await read(client)) == [200]
        assert positions(await read(client, EventFilter(type_prefix="P"))) == [300], "the next one may not be"


async def test_a_refused_filtered_read_raises_access_denied(client_of: MakeClient) -> None:
    async def script(peer: Peer) -> None:
        await peer.handshake()
        denied = schema.ReadAllEventsCompleted(result=ReadAllResult.ACCESS_DENIED)
        request = await peer.request(Command.FILTERED_READ_ALL_EVENTS_FORWARD)
        peer.reply(request, Command.READ_ALL_EVENTS_FORWARD_COMPLETED, denied)
        await peer.until_gone()

    async with ScriptedServer(script) as server:
        client = client_of(server)
        await client.open()
        with pytest.raises(AccessDenied):
            await read(client)


async def test_a_filter_that_no_server_can_apply_is_not_sent(client_of: MakeClient) -> None:
    async def script(peer: Peer) -> None:
        await peer.handshake()
        plain_page(peer, await peer.request(Command.READ_ALL_EVENTS_FORWARD), event(100), event(200, "Pony7"))
        await peer.until_gone()

    async with ScriptedServer(script) as server:
        client = client_of(server)
        await client.open()
        assert positions(await read(client, EventFilter(type_regex=r"\d"))) == [200]


async def test_a_filtered_subscription_has_the_examined_position(client_of: MakeClient) -> None:
    async def script(peer: Peer) -> None:
        await peer.handshake()
        request = await peer.request(Command.FILTERED_SUBSCRIBE_TO_STREAM)
        asked = schema.FilteredSubscribeToStream.FromString(request.payload)
        assert (asked.event_stream_id, asked.checkpoint_interval > 0) == ("", True)
        confirmation = schema.SubscriptionConfirmation(last_commit_position=50)
        peer.reply(request, Command.SUBSCRIPTION_CONFIRMATION, confirmation)
        peer.reply(request, Command.STREAM_EVENT_APPEARED, schema.StreamEventAppeared(event=event(100)))
        peer.reply(request, Command.STREAM_EVENT_APPEARED, schema.StreamEventAppeared(event=event(200, "$>")))
        peer.pong(await peer.request())
        checkpoint = schema.CheckpointReached(commit_position=500, prepare_position=500)
        peer.reply(request, Command.CHECKPOINT_REACHED, checkpoint)
        peer.pong(await peer.request())
        stale = schema.CheckpointReached(commit_position=400, prepare_position=400)
        peer.reply(request, Command.CHECKPOINT_REACHED, stale)
        peer.reply(request, Command.STREAM_EVENT_APPEARED, schema.StreamEventAppeared(event=event(600)))
        await peer.until_gone_silently()

    async with ScriptedServer(script) as server:
        client = client_of(server)
        await client.open()
        subscription = await client.subscribe(None, resolve_links=True, where=PONIES)
        assert subscription.examined is None
        seen: list[int] = []
        while subscription.examined != Position(200, 200):
            seen += positions(await subscription.next())
        assert seen == [100]
        await client.ping()
        assert list(await subscription.next()) == []
        assert subscription.examined == Position(500, 500)
        await client.ping()
        assert positions(await subscription.next()) == [600]
        assert subscription.examined == Position(600, 600)


async def test_without_server_filters_each_event_moves_the_position(client_of: MakeClient) -> None:
    async def script(peer: Peer) -> None:
        await peer.handshake()
        peer.reply(await peer.request(Command.FILTERED_SUBSCRIBE_TO_STREAM), Command.BAD_REQUEST)
        request = await peer.request(Command.SUBSCRIBE_TO_STREAM)
        confirmation = schema.SubscriptionConfirmation(last_commit_position=50)
        peer.reply(request, Command.SUBSCRIPTION_CONFIRMATION, confirmation)
        peer.reply(request, Command.STREAM_EVENT_APPEARED, schema.StreamEventAppeared(event=event(100, "Cow")))
        await peer.until_gone_silently()

    async with ScriptedServer(script) as server:
        client = client_of(server)
        await client.open()
        subscription = await client.subscribe(None, resolve_links=True, where=PONIES)
        assert list(await subscription.next()) == []
        assert subscription.examined == Position(100, 100)
