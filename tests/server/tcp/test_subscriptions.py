"""Subscriptions on sockets: ends, slow clients, and large numbers of subscriptions."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest

from rxpump import Credentials
from rxpump.server import EmbeddedServer, SqliteStore
from rxpump.server.store.changes import Appended
from rxpump.server.tcp import batch_frames
from rxpump.server.tcp.reply_buffer import MAX_UNSENT_BYTES, ReplyBuffer
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.commands import Command
from rxpump.tcp.wire.limits import MAX_EVENT_BYTES
from tests.calls import record_calls
from tests.raw_client import ADMIN, RawClient
from tests.server.store.driving import append
from tests.server.talk import event_of

KIB = 1024


async def subscribe(client: RawClient, stream: str = "s", user: Credentials | None = None) -> bytes:
    """Subscribe, and return the id of the subscription."""
    ask = schema.SubscribeToStream(event_stream_id=stream)
    confirmation = await client.ask(Command.SUBSCRIBE_TO_STREAM, ask, user=user)
    assert confirmation.command == Command.SUBSCRIPTION_CONFIRMATION
    return confirmation.correlation_id


async def write(client: RawClient, *data: str, stream: str = "s") -> None:
    message = schema.WriteEvents(event_stream_id=stream, expected_version=-2, events=map(event_of, data))
    reply = await client.ask_for(schema.WriteEventsCompleted, Command.WRITE_EVENTS, message)
    assert reply.result == 0


async def appear(client: RawClient, count: int) -> list[tuple[bytes, int]]:
    """Return the next `count` packages, which must be events, as (subscription, number)."""
    appeared = []
    for _ in range(count):
        package = await client.expect_package()
        assert package.command == Command.STREAM_EVENT_APPEARED, package
        event = schema.StreamEventAppeared.FromString(package.payload).event.event
        appeared.append((package.correlation_id, event.event_number))
    return appeared


async def test_a_disconnected_client_has_no_subscriptions(memory_server: EmbeddedServer) -> None:
    async with RawClient.to(memory_server) as stays, RawClient.to(memory_server) as goes:
        kept = await subscribe(stays)
        for stream in ("s", "s", "t", ""):
            await subscribe(goes, stream, ADMIN)
        assert repr(memory_server.store.feed) == "<Feed of 3 streams to 5 followers>"
        goes.writer.write_eof()
        assert await goes.receive() is None
        assert repr(memory_server.store.feed) == "<Feed of 1 streams to 1 followers>"
        async with RawClient.to(memory_server) as writer:
            await write(writer, "0")
        assert await appear(stays, 1) == [(kept, 0)]


async def test_a_server_that_stops_ends_each_subscription_and_then_closes() -> None:
    server = EmbeddedServer(SqliteStore.in_memory())
    await server.start()
    async with RawClient.to(server) as client:
        ids = [await subscribe(client, stream, ADMIN) for stream in ("s", "s", "")]
        last = server.store.append(append("t", [event_of("0")]))
        await server.stop()
        assert last.result() == Appended(0, 0, 64)
        assert await appear(client, 1) == [(ids[2], 0)]
        ended = [await client.expect_package() for _ in ids]
        assert sorted(each.correlation_id for each in ended) == sorted(ids)
        assert {(each.command, each.payload) for each in ended} == {(Command.SUBSCRIPTION_DROPPED, b"")}
        assert await client.receive() is None


async def test_a_batch_is_one_write_to_each_client(
    memory_server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushes = []
    flush = ReplyBuffer.flush

    def watched_flush(buffer: ReplyBuffer) -> None:
        if buffer._frames:
            flushes.append(buffer)
        flush(buffer)

    async with RawClient.to(memory_server) as one, RawClient.to(memory_server) as two:
        for client in (one, one, one, two):
            await subscribe(client)
        async with RawClient.to(memory_server) as writer:
            monkeypatch.setattr(ReplyBuffer, "flush", watched_flush)
            await write(writer, *map(str, range(100)))
        assert len(await appear(one, 300)) == 300
        assert len(await appear(two, 100)) == 100
    assert len(flushes) == len(set(flushes)) == 3  # two batches, and then the reply to the write


async def test_a_write_is_encoded_once_for_a_thousand_subscriptions(
    memory_server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A write is encoded once for its stream and once for all streams, not a thousand times."""
    calls = record_calls(monkeypatch, batch_frames, "shared_frames")
    async with RawClient.to(memory_server) as client, RawClient.to(memory_server) as writer:
        ids = [await subscribe(client, user=ADMIN) for _ in range(900)]
        ids += [await subscribe(client, "", user=ADMIN) for _ in range(100)]
        await write(writer, "0")
        await write(writer, "1", "2")
        first, rest = await appear(client, 1000), await appear(client, 2000)
        assert sorted(first) == sorted((each, 0) for each in ids)
        for each in ids:
            assert [number for id, number in rest if id == each] == [1, 2]
        assert len(calls) == 4
        for each in ids:
            client.send(Command.UNSUBSCRIBE_FROM_STREAM, id=each)
        for each in ids:
            package = await client.expect_package()
            assert (package.command, package.correlation_id) == (Command.SUBSCRIPTION_DROPPED, each)
        assert repr(memory_server.store.feed) == "<Feed of 0 streams to 0 followers>"


@pytest.fixture
def most_unsent(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Return a function that returns the largest number of unread bytes of one client so far."""
    most, put = 0, ReplyBuffer.put

    def watched_put(buffer: ReplyBuffer, frame: bytes) -> None:
        nonlocal most
        put(buffer, frame)
        most = max(most, buffer.unsent)

    monkeypatch.setattr(ReplyBuffer, "put", watched_put)
    return lambda: most


async def test_only_a_client_that_does_not_read_is_disconnected(
    memory_server: EmbeddedServer, most_unsent: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    size, count = 512 * KIB, 80  # in total 40 MiB
    async with RawClient.to(memory_server) as slow, RawClient.to(memory_server) as quick:
        await subscribe(slow)
        id = await subscribe(quick)
        slow.pause_reading()
        async with RawClient.to(memory_server) as writer:
            with caplog.at_level(logging.WARNING, "rxpump.server"):
                for number in range(count):
                    await write(writer, "x" * size)
                    assert await appear(quick, 1) == [(id, number)]
        assert "the client does not read" in caplog.text
        assert repr(memory_server.store.feed) == "<Feed of 1 streams to 1 followers>"
        assert MAX_UNSENT_BYTES < most_unsent() < MAX_UNSENT_BYTES + 2 * size
        slow.resume_reading()
        met = 0
        while await slow.receive() is not None:
            met += 1
        assert 0 < met < count


async def test_the_largest_event_disconnects_no_client(memory_server: EmbeddedServer) -> None:
    async with RawClient.to(memory_server) as client, RawClient.to(memory_server) as writer:
        id = await subscribe(client)
        client.pause_reading()
        await write(writer, "x" * (MAX_EVENT_BYTES - 2))
        await write(writer, "x" * 9 * KIB * KIB)
        client.resume_reading()
        assert await appear(client, 2) == [(id, 0), (id, 1)]
