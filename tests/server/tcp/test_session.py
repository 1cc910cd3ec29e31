"""A session on a simulated transport and on a socket."""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
from collections.abc import AsyncIterator, Callable
from typing import Any, cast

import pytest

from rxpump.heartbeat import Heartbeat, Pulse
from rxpump.model.credentials import Credentials
from rxpump.server import EmbeddedServer, SqliteStore
from rxpump.server.access.users import DEFAULT_ACCOUNTS, Users
from rxpump.server.connection_memory import ConnectionMemory
from rxpump.server.node import Node
from rxpump.server.store.appender import AppendRequest
from rxpump.server.store.changes import Appended
from rxpump.server.store.feed import Feed
from rxpump.server.tcp import session
from rxpump.server.tcp.handlers import table
from rxpump.server.tcp.reply_buffer import MAX_UNSENT_BYTES, ReplyBuffer
from rxpump.server.tcp.request import Request
from rxpump.server.tcp.session import Session
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.commands import Command
from rxpump.tcp.wire.framing import Framer
from rxpump.tcp.wire.package import Package
from tests.raw_client import ADMIN, RawClient
from tests.server.talk import ID, event_of

MIB = 1024 * 1024
PING = Package(Command.PING, ID, b"x")


class Transport(asyncio.Transport):
    """A transport that keeps the written bytes. `unread` of them are regarded as not read by the client."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self.unread = 0
        self.reads = True
        self.end: str | None = None
        self.has_ended = False

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        self.writes.append(bytes(data))

    def get_write_buffer_size(self) -> int:
        return self.unread

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def pause_reading(self) -> None:
        self.reads = False

    def resume_reading(self) -> None:
        self.reads = True

    def is_closing(self) -> bool:
        return self.end is not None

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.has_ended = True

    def close(self) -> None:
        self.end = self.end or "closed"

    def abort(self) -> None:
        self.end = "aborted"

    def packages(self) -> list[Package]:
        return Framer().feed(b"".join(self.writes))


class Store:
    """An empty store that commits when the test calls `commit`."""

    def __init__(self, empty: SqliteStore) -> None:
        self.read, self.commits, self.trampoline = empty.read, empty.commits, empty.trampoline
        self.feed = Feed(empty.read)
        self.waiting: list[Callable[[Appended], None]] = []

    def submit(self, request: AppendRequest, settle: Callable[[Appended], None]) -> None:
        self.waiting.append(settle)

    def commit(self, count: int) -> None:
        for _ in range(count):
            self.waiting.pop(0)(Appended(0, 0, 64))


def node_of(empty: SqliteStore) -> Node:
    return Node(cast(SqliteStore, Store(empty)), Users(DEFAULT_ACCOUNTS))


class PlayedSession(Session):
    """A session on a simulated transport."""

    def __init__(self, node: Node) -> None:
        super().__init__(node, lambda now: Heartbeat(1000, 1000, now), lambda _: None, lambda _: None)
        self.played = Transport()
        self.connection_made(self.played)

    @property
    def store(self) -> Store:
        store: object = self.conversation._node.store
        assert isinstance(store, Store)
        return store


@pytest.fixture(autouse=True)
def no_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a session handle all requests at once, also if the machine is slow."""
    monkeypatch.setattr(session, "_SLICE", 1000.0)


@pytest.fixture
async def one() -> AsyncIterator[PlayedSession]:
    empty = SqliteStore.in_memory()
    one = PlayedSession(node_of(empty))
    yield one
    one.connection_lost(None)
    await empty.close()


async def next_iteration() -> None:
    """Run one iteration of the event loop."""
    for _ in range(3):
        await asyncio.sleep(0)


def write_of(size: int) -> Package:
    event = event_of("x" * size)
    return Package(
        Command.WRITE_EVENTS, ID, schema.WriteEvents(event_stream_id="s", events=[event]).SerializeToString()
    )


def test_replies_to_requests_that_arrive_together_are_one_write(one: PlayedSession) -> None:
    one.data_received(PING.encode() * 5)
    assert len(one.played.writes) == 1
    assert len(one.played.packages()) == 5


async def test_a_store_in_memory_commits_when_the_write_arrives() -> None:
    store = SqliteStore.in_memory()
    one, other = (PlayedSession(Node(store, Users(DEFAULT_ACCOUNTS))) for _ in range(2))
    subscription = schema.SubscribeToStream(event_stream_id="s").SerializeToString()
    other.data_received(Package(Command.SUBSCRIBE_TO_STREAM, ID, subscription).encode())
    write = schema.WriteEvents(event_stream_id="s", expected_version=-2, events=[event_of("x")]).SerializeToString()
    one.data_received(Package(Command.WRITE_EVENTS, ID, write).encode() * 3)
    assert store.commits.count == 1
    assert [each.command for each in one.played.packages()] == [Command.WRITE_EVENTS_COMPLETED] * 3
    assert len(one.played.writes) == 1
    delivered = [each.command for each in other.played.packages()]
    assert delivered == [
        Command.SUBSCRIPTION_CONFIRMATION,
        Command.STREAM_EVENT_APPEARED,
    ]  # The others are repetitions.
    for each in (one, other):
        each.connection_lost(None)
    await store.close()


async def test_a_busy_session_does_not_block_the_loop(one: PlayedSession, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "_SLICE", 0.0)
    one.data_received(PING.encode() * 3)
    assert len(one._received) == 2
    assert not one.played.reads
    one.data_received(PING.encode())  # These bytes were already in flight.
    assert len(one._received) == 3
    for _ in range(5):
        await next_iteration()
    assert len(one.played.packages()) == 4
    assert one.played.reads


async def test_writes_that_are_not_committed_are_bounded(one: PlayedSession) -> None:
    one.data_received(write_of(MIB).encode() * 40)
    store = one.store
    assert len(store.waiting) == 16
    assert not one.played.reads
    assert one._is_alive()  # The session does not read, so the client must not be regarded as silent.
    store.commit(10)
    await next_iteration()
    assert len(store.waiting) == 16
    for _ in range(4):
        store.commit(len(store.waiting))
        await next_iteration()
    assert len(one.played.packages()) == 40
    assert one.played.reads


async def test_a_session_reads_nothing_while_replies_are_unread(one: PlayedSession) -> None:
    one.pause_writing()
    one.data_received(PING.encode() * 3)
    await next_iteration()
    assert one.played.writes == []
    assert not one.played.reads
    one.resume_writing()
    await next_iteration()
    assert len(one.played.packages()) == 3
    assert one.played.reads


async def test_a_client_with_too_much_unread_is_disconnected(
    one: PlayedSession, caplog: pytest.LogCaptureFixture
) -> None:
    one.played.unread = MAX_UNSENT_BYTES
    one.send(PING.encode())
    assert one.played.end is None
    with caplog.at_level(logging.CRITICAL):
        one.send(PING.encode())
    assert one.played.end == "aborted"


def let_time_pass(one: PlayedSession) -> None:
    one._heartbeat.deadline = 0
    one._timer.cancel()
    one._tick()


async def test_silence_after_a_heartbeat_ends_the_connection(one: PlayedSession) -> None:
    let_time_pass(one)
    await next_iteration()
    [question] = one.played.packages()
    assert question.command == Command.HEARTBEAT_REQUEST
    let_time_pass(one)
    assert one.played.end == "aborted"


@pytest.mark.parametrize("sign", [PING, Package(Command.HEARTBEAT_RESPONSE, ID)])
async def test_any_received_bytes_keep_the_connection(one: PlayedSession, sign: Package) -> None:
    let_time_pass(one)
    one.data_received(sign.encode())
    let_time_pass(one)
    assert one._heartbeat.pulse is Pulse.LISTENING
    assert one.played.end is None


async def test_a_client_that_reads_slowly_is_kept(one: PlayedSession) -> None:
    one.pause_writing()
    for unread in (5 * MIB, 4 * MIB, 3 * MIB):
        one.played.unread = unread
        let_time_pass(one)
    assert one.played.end is None
    for _ in range(3):
        let_time_pass(one)
    assert one.played.end == "aborted"


async def test_a_client_that_reads_as_fast_as_it_sends_is_kept(one: PlayedSession) -> None:
    one.played.unread = 5 * MIB
    for _ in range(5):
        one.send(bytes(MIB))
        let_time_pass(one)
        one._reply_buffer.flush()
    assert one.played.end is None


async def test_an_internal_error_ends_the_connection(
    one: PlayedSession, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(request: Request, store: Node) -> None:
        raise ZeroDivisionError

    monkeypatch.setitem(table.HANDLERS, Command.PING, fail)
    with caplog.at_level(logging.CRITICAL):
        one.data_received(PING.encode() + write_of(1).encode())
    [refusal] = one.played.packages()
    assert (refusal.command, refusal.correlation_id) == (Command.BAD_REQUEST, ID)
    assert one.played.has_ended
    assert one.played.reads, "bytes that still arrive are discarded"
    assert one.store.waiting == []


async def test_requests_before_invalid_bytes_are_answered(one: PlayedSession) -> None:
    one.data_received(PING.encode() + bytes(4))
    pong, refusal = one.played.packages()
    assert pong.command == Command.PONG
    assert (refusal.command, refusal.correlation_id) == (Command.BAD_REQUEST, bytes(16))
    assert refusal.payload.startswith(b"Invalid TCP frame received.")
    assert one.played.has_ended
    assert one.played.reads, "bytes that still arrive are discarded"


async def test_the_repr_shows_the_state(one: PlayedSession) -> None:
    assert repr(one) == "<Session <Conversation with None, as $all>, 0 bytes unsent, 0 held>"


# On a real socket --------------------------------------------------------------------------------


async def test_invalid_bytes_end_only_their_connection(memory_server: EmbeddedServer) -> None:
    async with RawClient.to(memory_server) as good, RawClient.to(memory_server) as bad:
        bad.writer.write(b"GET / HTTP/1.1\r\n\r\n")
        refusal = await bad.expect_package()
        assert refusal.command == Command.BAD_REQUEST
        assert await bad.receive() is None
        assert (await good.ask(Command.PING)).command == Command.PONG


async def test_a_frame_can_arrive_byte_by_byte(memory_server: EmbeddedServer) -> None:
    async with RawClient.to(memory_server) as client:
        for byte in PING.encode():
            client.writer.write(bytes([byte]))
            await client.writer.drain()
        assert (await client.expect_package()).payload == b"x"


async def test_a_client_that_never_reads_is_disconnected(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client requests 500 MB. The server buffers little more than one page of it."""
    most, put = 0, ReplyBuffer.put

    def watched_put(buffer: ReplyBuffer, frame: bytes) -> None:
        nonlocal most
        put(buffer, frame)
        most = max(most, buffer.unsent)

    monkeypatch.setattr(ReplyBuffer, "put", watched_put)
    async with EmbeddedServer(SqliteStore.in_memory(), heartbeat_interval=0.05, heartbeat_timeout=0.05) as server:
        async with RawClient.to(server) as client:
            events = [event_of("x" * MIB) for _ in range(10)]
            for event in events:
                await client.ask(
                    Command.WRITE_EVENTS, schema.WriteEvents(event_stream_id="s", expected_version=-2, events=[event])
                )
            client.pause_reading()
            read = schema.ReadStreamEvents(event_stream_id="s", max_count=10)
            for _ in range(50):
                client.send(Command.READ_STREAM_EVENTS_FORWARD, read)
            await server._all_ended.wait()
        assert most < 8 * MIB
        async with RawClient.to(server) as other:
            assert (await other.ask(Command.PING)).command == Command.PONG


# Memory -------------------------------------------------------------------------------------


def unfinished(size: int) -> bytes:
    """Return a frame without its last byte."""
    return Package(Command.PING, ID, bytes(size)).encode()[:-1]


@pytest.mark.parametrize("end", ["connection_lost", "stop"])
async def test_a_closed_session_releases_its_unfinished_frame(one: PlayedSession, end: str) -> None:
    piece = unfinished(MIB)
    references = sys.getrefcount(piece)
    gc.disable()
    try:
        one.data_received(piece)
        assert (sys.getrefcount(piece) > references, one.held > MIB) == (True, True)
        getattr(one, end)(*([None] if end == "connection_lost" else []))
        assert (sys.getrefcount(piece), one.held) == (references, 0)
    finally:
        gc.enable()


class Senders:
    """Creates sessions of one server, whose connections can buffer 10 MiB together."""

    def __init__(self, empty: SqliteStore) -> None:
        self.node = node_of(empty)
        self.node.memory = ConnectionMemory(limit=10 * MIB)
        self.made: list[PlayedSession] = []

    def __call__(self) -> PlayedSession:
        self.made.append(PlayedSession(self.node))
        return self.made[-1]


@pytest.fixture
async def senders() -> AsyncIterator[Senders]:
    empty = SqliteStore.in_memory()
    senders = Senders(empty)
    yield senders
    for each in senders.made:
        each.connection_lost(None)
    assert senders.node.memory.total == 0
    await empty.close()


async def test_connections_without_a_login_are_bounded_together(senders: Senders) -> None:
    small, large, third = senders(), senders(), senders()
    small.data_received(unfinished(MIB))
    large.data_received(unfinished(6 * MIB))
    third.data_received(unfinished(2 * MIB))
    assert 9 * MIB < senders.node.memory.total < 10 * MIB
    small.data_received(bytes(1))
    small.data_received(unfinished(3 * MIB))
    assert [each.played.end for each in (small, large, third)] == [None, "aborted", None]
    assert (large.held, small.held > 3 * MIB) == (0, True)
    assert 5 * MIB < senders.node.memory.total < 6 * MIB
    assert repr(senders.node.memory).endswith("held by 2 connections, limit 10485760>")


async def test_a_logged_in_user_has_a_limit_of_its_own(senders: Senders) -> None:
    user = senders()
    user.data_received(Package(Command.AUTHENTICATE, ID, b"", ADMIN).encode())
    user.data_received(unfinished(20 * MIB))
    assert (senders.node.memory.total, user.played.end) == (0, None)


async def test_a_wrong_password_is_no_login(senders: Senders) -> None:
    stranger = senders()
    stranger.data_received(Package(Command.PING, ID, b"", Credentials("admin", "wrong")).encode())
    stranger.data_received(unfinished(20 * MIB))
    assert (senders.node.memory.total, stranger.played.end) == (0, "aborted")


async def test_a_complete_frame_does_not_count(senders: Senders) -> None:
    client = senders()
    client.data_received(unfinished(MIB))
    client.data_received(bytes(1))
    await next_iteration()
    assert senders.node.memory.total == 0


async def test_uncommitted_writes_of_all_sessions_are_bounded(senders: Senders) -> None:
    """While the memory limit is reached, each connection has at most one write that is not committed."""
    first, second = senders(), senders()
    for client in (first, second):
        client.data_received(write_of(2 * MIB).encode() * 2)
    assert [len(each._received) for each in (first, second)] == [0, 1]
    assert (second.played.reads, senders.node.memory.total > 8 * MIB) == (False, True)
    store = first.store
    while store.waiting:
        store.commit(1)
        await next_iteration()
    assert [len(each._received) for each in (first, second)] == [0, 0]
    assert second.played.reads


async def test_unread_replies_count(senders: Senders) -> None:
    client = senders()
    client.played.unread = 4 * MIB
    client.data_received(PING.encode())
    assert senders.node.memory.total >= 4 * MIB
    client.played.unread = 0
    await next_iteration()
    client.resume_writing()
    assert senders.node.memory.total == 0


async def test_subscriptions_count_and_long_names_are_cut(senders: Senders) -> None:
    client = senders()
    hello = schema.IdentifyClient(version=1, connection_name="n" * MIB).SerializeToString()
    client.data_received(Package(Command.IDENTIFY_CLIENT, ID, hello).encode())
    assert (len(client.conversation.client_name or ""), senders.node.memory.total) == (1000, 0)
    subscribe = schema.SubscribeToStream(event_stream_id="s" * MIB).SerializeToString()
    client.data_received(Package(Command.SUBSCRIBE_TO_STREAM, ID, subscribe).encode())
    await next_iteration()
    assert senders.node.memory.total > MIB
