"""One connection over a fake socket: the bytes that it writes, and the results of requests."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from rxpump.errors import ConnectionClosed, OperationTimedOut, RequestInterrupted
from rxpump.settings import Settings
from rxpump.tcp.connection import Connection
from rxpump.tcp.protocol.client_protocol import ClientProtocol
from rxpump.tcp.protocol.lost_connections import MAX_BLAME
from rxpump.tcp.protocol.pending_requests import PendingRequests
from rxpump.tcp.protocol.request import Request
from rxpump.tcp.send_buffer import PIECE_BYTES
from rxpump.tcp.wire.commands import Command
from rxpump.tcp.wire.framing import Framer
from rxpump.tcp.wire.package import Package
from rxpump.telemetry import Telemetry
from rxpump.testing import VirtualTimeLoop
from tests.tcp.protocol.driving import Ask, AskOnce


class Socket(asyncio.Transport):
    """A transport that records written bytes. After `capacity` bytes it pauses writing, as asyncio does."""

    def __init__(self, connection: Connection, capacity: int = 1 << 30) -> None:
        super().__init__()
        self.connection = connection
        self.capacity = capacity
        self.writes: list[bytes] = []
        self.end = ""
        self.ended = asyncio.Event()
        self._framer = Framer()

    def write(self, data: Any) -> None:
        self.writes.append(bytes(data))
        self.capacity -= len(data)
        if self.capacity < 0:
            self.connection.pause_writing()

    def get_write_buffer_size(self) -> int:
        return max(0, -self.capacity)

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.end = "shut down"
        self.ended.set()

    def close(self) -> None:
        self.end = "closed"
        self.ended.set()

    def abort(self) -> None:
        self.end = "aborted"
        self.ended.set()

    def take(self) -> list[Package]:
        """Return the packages that were completed since the last time."""
        written, self.writes = b"".join(self.writes), []
        return self._framer.feed(written)


class Played:
    """A connection that is ready, its pending requests and its socket."""

    def __init__(
        self, capacity: int = 1 << 30, settings: Settings | None = None, make_socket: type[Socket] = Socket
    ) -> None:
        settings = settings or Settings()
        self.pending = PendingRequests(settings)
        self.connection = connect(self.pending, settings)
        self.socket = make_socket(self.connection, capacity)
        self.connection.connection_made(self.socket)
        self.reply(self.socket.take()[0], Command.CLIENT_IDENTIFIED)

    def ask(self, operation: Ask) -> Request:
        return self.pending.submit(operation, asyncio.get_running_loop().create_future())

    def reply(self, to: Package, command: int = Command.PONG) -> None:
        self.connection.data_received(Package(command, to.correlation_id, b"done").encode())


class Guided:
    """An owner of a connection that follows no hint and counts the refusals."""

    def __init__(self) -> None:
        self.refusals = 0

    def may_follow(self, leader: tuple[str, int]) -> bool:
        self.refusals += 1
        return False

    def note_refusal(self, reason: str) -> None:
        self.refusals += 1


def connect(pending: PendingRequests, settings: Settings) -> Connection:
    protocol = ClientProtocol("tcp://node", settings, None, asyncio.get_running_loop().time())
    return Connection(protocol, pending, Guided(), Telemetry())


async def test_a_single_request_is_sent_at_once() -> None:
    played = Played()
    played.ask(Ask("a"))
    played.connection.wake()
    assert [package.payload for package in played.socket.take()] == [b"a"]


async def test_requests_after_a_sent_one_are_sent_together() -> None:
    played = Played()
    for name in ("a", "b", "c", "d"):
        played.ask(Ask(name))
        played.connection.wake()
    assert [package.payload for package in played.socket.take()] == [b"a"]
    await asyncio.sleep(0)
    assert len(played.socket.writes) == 1
    assert [package.payload for package in played.socket.take()] == [b"b", b"c", b"d"]


async def test_requests_before_a_wake_are_sent_together() -> None:
    played = Played()
    for name in ("a", "b"):
        played.ask(Ask(name))
    played.connection.wake()
    assert played.socket.writes == []
    await asyncio.sleep(0)
    assert [package.payload for package in played.socket.take()] == [b"a", b"b"]


async def test_a_reply_releases_the_next_request_at_once() -> None:
    played = Played()
    a = played.ask(Ask("a"))
    played.connection.wake()
    await asyncio.sleep(0)
    played.ask(Ask("b"))
    played.reply(played.socket.take()[0])
    assert await a.owner == b"done"
    assert [package.payload for package in played.socket.take()] == [b"b"], "with no turn of the loop between"


async def test_a_full_socket_pauses_the_sending_of_requests() -> None:
    played = Played(capacity=1_500_000)
    for _ in range(6):
        played.ask(Ask("x" * 600_000))
    played.connection.wake()
    await asyncio.sleep(0)
    assert len(played.socket.take()) == 2, "the third fits in part"
    played.connection.wake()
    await asyncio.sleep(0)
    assert played.socket.take() == []
    assert repr(played.pending).startswith("<PendingRequests 3 in flight, 3 waiting")
    played.socket.capacity = 1 << 30
    played.connection.resume_writing()
    assert len(played.socket.take()) == 4


async def test_a_large_frame_leaves_in_pieces() -> None:
    played = Played()
    played.ask(Ask("x" * 1_000_000))
    played.connection.wake()
    await asyncio.sleep(0)
    assert len(played.socket.writes) == 8
    assert max(len(piece) for piece in played.socket.writes) == PIECE_BYTES
    assert len(played.socket.take()) == 1


async def test_heartbeats_are_answered_while_the_socket_is_full() -> None:
    played = Played()
    played.connection.pause_writing()
    played.reply(Package(0, bytes(range(16))), Command.HEARTBEAT_REQUEST)
    assert [package.command for package in played.socket.take()] == [Command.HEARTBEAT_RESPONSE]


async def test_heartbeat_responses_follow_the_frame_in_progress() -> None:
    played = Played(capacity=200_000)
    for _ in range(2):
        played.ask(Ask("x" * 1_000_000))
    played.connection.wake()
    await asyncio.sleep(0)
    played.reply(Package(0, bytes(range(16))), Command.HEARTBEAT_REQUEST)
    played.socket.capacity = 1 << 30
    played.connection.resume_writing()
    commands = [package.command for package in played.socket.take()]
    assert commands == [Command.PING, Command.HEARTBEAT_RESPONSE, Command.PING]


HASTY = Settings(heartbeat_interval=0.01, heartbeat_timeout=0.01)


class Draining(Socket):
    """A socket whose peer reads one byte each time the size of the buffer is read."""

    looks = 0

    def get_write_buffer_size(self) -> int:
        self.looks += 1
        self.capacity += 1
        if self.looks == 10:
            self.ended.set()
        return super().get_write_buffer_size()


@pytest.mark.parametrize(("make_socket", "end"), [(Draining, ""), (Socket, "aborted")])
async def test_sent_bytes_keep_the_connection(make_socket: type[Socket], end: str) -> None:
    played = Played(100, HASTY, make_socket)
    played.ask(Ask("x" * 1000))
    played.connection.wake()
    await played.socket.ended.wait()
    assert played.socket.end == end


PATIENT = Settings(timeout=7.0, heartbeat_interval=1000.0)


async def play_a_slow_reply() -> None:
    played = Played(settings=PATIENT)
    page, lost = played.ask(Ask("page")), played.ask(Ask("lost"))
    played.connection.wake()
    await asyncio.sleep(0)
    to_page, _ = played.socket.take()
    reply = Package(Command.PONG, to_page.correlation_id, bytes(100)).encode()
    for begin in range(0, len(reply), 25):
        played.connection.data_received(reply[begin : begin + 25])
        await asyncio.sleep(5)
    assert isinstance(lost.owner.exception(), OperationTimedOut)
    assert await page.owner == bytes(100)


async def play_a_slow_request() -> None:
    played = Played(200_000, PATIENT)
    large = played.ask(Ask("x" * 1_000_000))
    played.connection.wake()
    for _ in range(10):
        await asyncio.sleep(5)
        played.socket.capacity += 1000
    assert not large.is_settled
    await asyncio.sleep(14)
    assert isinstance(large.owner.exception(), OperationTimedOut)


@pytest.mark.parametrize("play", [play_a_slow_reply, play_a_slow_request])
def test_parts_that_move_slowly_are_waited_for(play: Callable[[], Coroutine[Any, Any, None]]) -> None:
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(play())


@pytest.mark.parametrize(("capacity", "end"), [(1 << 30, "shut down"), (100, "aborted")])
async def test_unread_bytes_do_not_keep_a_socket_open(capacity: int, end: str) -> None:
    played = Played(capacity)
    played.ask(Ask("x" * 200))
    played.connection.wake()
    await asyncio.sleep(0)
    played.connection.end("the client was closed")
    assert played.socket.end == end


async def test_a_lost_socket_requeues_requests_without_a_reply() -> None:
    played = Played()
    again, once = played.ask(Ask("again")), played.ask(AskOnce("once"))
    played.connection.wake()
    await asyncio.sleep(0)
    played.connection.eof_received()
    assert not played.connection.closed.done()
    played.connection.connection_lost(None)
    reason = played.connection.closed.result()
    assert str(reason) == "the connection to tcp://node is closed: the server ended the connection"
    error = once.owner.exception()
    assert isinstance(error, RequestInterrupted)
    assert (error.operation, error.reason) == ("once", "the server ended the connection")
    assert not again.owner.done()
    assert repr(played.pending) == "<PendingRequests 0 in flight, 1 waiting, 0 retrying>"


async def test_the_error_of_the_system_is_the_reason_of_a_loss() -> None:
    played = Played()
    played.connection.connection_lost(ConnectionResetError("Connection reset by peer"))
    assert "the connection was lost: Connection reset by peer" in str(played.connection.closed.result())


async def test_a_request_of_the_last_turn_is_sent_before_the_end() -> None:
    played = Played()
    played.ask(Ask("a"))
    played.connection.wake()
    played.connection.end("the client was closed")
    assert [package.payload for package in played.socket.take()] == [b"a"]
    assert played.socket.end == "shut down"


async def test_nothing_is_sent_on_a_connection_that_is_ending() -> None:
    played = Played()
    played.connection.end("the client was closed")
    played.ask(AskOnce("once"))
    played.connection.wake()
    await asyncio.sleep(0)
    assert played.socket.take() == []


async def test_a_connection_that_was_never_ready_requeues_nothing() -> None:
    played = Played()
    once = played.ask(AskOnce("once"))
    played.connection.wake()
    await asyncio.sleep(0)
    late = connect(played.pending, Settings())
    late.connection_made(Socket(late))
    late.connection_lost(None)
    assert isinstance(late.closed.result(), ConnectionClosed)
    played.reply(played.socket.take()[0])
    assert await once.owner == b"done"


async def test_a_reply_to_a_cancelled_caller_settles_the_request() -> None:
    played = Played()
    gone = played.ask(Ask("gone"))
    played.connection.wake()
    await asyncio.sleep(0)
    gone.owner.cancel()  # The request is not withdrawn yet, because the task that awaited it has not run.
    played.reply(played.socket.take()[0])
    assert gone.is_settled


async def test_a_lost_connection_is_released() -> None:
    played = Played()
    played.connection.connection_lost(None)
    alive = weakref.ref(played.connection)
    del played
    gc.collect()
    assert alive() is None


async def test_the_request_of_an_interrupted_reply_is_blamed() -> None:
    played = Played()
    page, small = played.ask(Ask("page")), played.ask(Ask("small"))
    played.connection.wake()
    await asyncio.sleep(0)
    to_page, _ = played.socket.take()
    played.connection.data_received(Package(Command.PONG, to_page.correlation_id, bytes(100)).encode()[:50])
    played.connection.connection_lost(None)
    assert (page.losses, page.blame) == (1, 1)
    assert (small.losses, small.blame) == (1, 0)


async def test_the_request_that_was_sent_in_part_is_blamed() -> None:
    played = Played(capacity=200_000)
    small, large = played.ask(Ask("small")), played.ask(Ask("x" * 1_000_000))
    played.connection.wake()
    await asyncio.sleep(0)
    played.connection.connection_lost(None)
    assert (large.losses, large.blame) == (1, 1)
    assert (small.losses, small.blame) == (1, 0)


async def test_has_settled_is_whether_a_reply_settled_a_request() -> None:
    played = Played()
    played.ask(AskOnce("once"))
    played.connection.wake()
    await asyncio.sleep(0)
    played.connection.connection_lost(None)
    assert not played.connection.has_settled, "which ended with the connection"

    played = Played()
    played.ask(Ask("a"))
    played.connection.wake()
    await asyncio.sleep(0)
    played.reply(played.socket.take()[0])
    assert played.connection.has_settled

    played = Played()
    asked = played.ask(Ask("a"))
    asked.losses = asked.blame = MAX_BLAME - 1
    played.connection.wake()
    await asyncio.sleep(0)
    played.connection.connection_lost(None)
    assert asked.is_settled
    assert played.connection.has_settled
