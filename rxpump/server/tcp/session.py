"""One client's connection: bytes in, answers out, and a watch on both.

A session takes no more from its client than it can hold. It works on a few packages, then lets other
sessions have their turn; it stops, and stops reading, while the client does not read its answers or
while too many bytes of its writes wait to be committed. What its subscriptions are told is not held
back: a client that leaves too much of that unread is cut, and nobody else waits for it; except that a
persistent subscription, which can wait, does. So its memory is
bounded by the limits below and one frame, whatever the client does. Anybody can open many connections, so that those
without a login are also bounded together: see rxpump.server.tcp.connection_memory.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Final, cast
from uuid import uuid4

from rxpump.heartbeat import Heartbeat, Pulse
from rxpump.server.access.login_throttle import throttled_address
from rxpump.server.node import Node
from rxpump.server.tcp.conversation import Conversation
from rxpump.server.tcp.handlers.table import Pending
from rxpump.server.tcp.reply_buffer import MAX_UNSENT_BYTES, ReplyBuffer
from rxpump.server.tcp.request import NO_ID
from rxpump.tcp.wire.commands import Command
from rxpump.tcp.wire.framing import Framer
from rxpump.tcp.wire.package import Package

_log = logging.getLogger("rxpump.server")

_UNREAD_BYTES: Final = 1024 * 1024  # answers that the client has not read; over this it gets no more
_UNCOMMITTED_BYTES: Final = 16 * 1024 * 1024  # writes of this client that wait for the disk
_REQUEST_BYTES: Final = 256  # what a waiting write takes besides its payload, about
_UNCOUNTED_BYTES: Final = 64 * 1024  # held by a connection without a login that are not worth an account
_CLOSING: Final = 1.0  # seconds that a client has to end its side of the connection
_TURN: Final = 0.002  # seconds that one session works before others get their turn


class Session(asyncio.Protocol):
    """One client. `begun` is called once it is connected, `ended` when its connection is gone."""

    def __init__(
        self,
        node: Node,
        make_heartbeat: Callable[[float], Heartbeat],
        begun: Callable[[Session], None],
        ended: Callable[[Session], None],
    ) -> None:
        self.conversation: Conversation = Conversation(node, self.send)
        self._make_heartbeat = make_heartbeat
        self._begun = begun
        self._ended = ended
        self._framer = Framer()
        self._received: deque[Package] = deque()
        self._received_bytes = 0
        self._memory = node.memory
        self._is_counted = False
        self._is_paused = False
        self._has_turn = False
        self._is_stopping = False
        self._has_ended = False
        self._is_unread = False
        self._uncommitted = 0
        self._unsent_at_tick = self._taken_at_tick = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The client is there (asyncio's protocol)."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one without being an instance of it
        self._transport.set_write_buffer_limits(high=_UNREAD_BYTES)
        self.conversation.address = throttled_address(self._transport.get_extra_info("peername", [""])[0])
        self._outbox = ReplyBuffer(self._transport)
        self._loop = asyncio.get_running_loop()
        self._heartbeat = self._make_heartbeat(self._loop.time())
        self._timer = self._loop.call_at(self._heartbeat.deadline, self._tick)
        self._begun(self)

    def connection_lost(self, error: Exception | None) -> None:
        """The client is gone (asyncio's protocol)."""
        self._timer.cancel()
        self._release()
        self.conversation.close()
        self._ended(self)

    def stop(self) -> None:
        """Take nothing more from the client; answers that are due still leave."""
        self._is_stopping = True
        self._release()
        if not self._transport.is_closing():
            self._transport.pause_reading()

    def close(self) -> None:
        """Stop, send what is to be sent, then close in order.

        A socket that is closed with bytes unread resets the connection, and the client may then not read what it was
        sent last. So what it still sends is discarded until it ends its side as well, for `_CLOSING` seconds at most.
        """
        self.stop()
        if self._has_ended or self._transport.is_closing():
            return
        self._outbox.flush()
        if not self._transport.can_write_eof():
            self._transport.close()  # TLS shuts down by itself
            return
        self._has_ended = True
        try:
            self._transport.write_eof()
        except OSError:  # the client has reset the connection
            self._transport.abort()
            return
        self._transport.resume_reading()
        self._timer.cancel()
        self._timer = self._loop.call_later(_CLOSING, self._transport.abort)

    def say_goodbye(self) -> None:
        """Close, and tell the client first that its subscriptions are over."""
        self.conversation.say_goodbye()
        self.close()

    def abort(self) -> None:
        """Stop, and close at once."""
        self.stop()
        self._transport.abort()

    def cut(self) -> None:
        """Close at once, because connections without a login hold too much and this one holds the most."""
        _log.warning("%r is cut: connections without a login hold more than %d bytes", self, self._memory.limit)
        self.abort()

    def _release(self) -> None:
        """Release what was received and is not answered, without waiting for the garbage collector."""
        self._received.clear()
        self._received_bytes = 0
        self._framer.clear()
        self._memory.hold(self, 0)

    # In ---------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        """Bytes have come (asyncio's protocol)."""
        if self._is_stopping:
            return
        self._heartbeat.heard()
        packages = self._framer.feed(data)
        self._received += packages
        self._received_bytes += sum(len(package.payload) for package in packages)
        self._count()
        if not self._has_turn:
            self._work()
            self._count()

    def _work(self) -> None:
        """Answer some of what was received, and see to it that the rest gets its turn."""
        self._has_turn = False
        until = self._loop.time() + _TURN
        while self._received and not self._is_full():
            package = self._received.popleft()
            self._received_bytes -= len(package.payload)
            self._answer(package)
            if self._loop.time() >= until:
                break
        if self._is_stopping:
            return
        self._is_paused = bool(self._received) or self._is_full()
        if self._is_paused:
            self._transport.pause_reading()
            if not self._is_full():
                self._has_turn = True
                self._loop.call_soon(self._work)
        elif self._framer.failure is not None:
            self._give_up(f"Invalid TCP frame received. Error: {self._framer.failure}.")
        else:
            self._transport.resume_reading()

    def _is_full(self) -> bool:
        most = 0 if self._memory.is_scarce and not self.conversation.has_login else _UNCOMMITTED_BYTES
        return self._is_unread or self._uncommitted > most

    @property
    def held(self) -> int:
        """Bytes that the server holds for the client: requests not answered, answers not read, subscriptions."""
        requests = self._framer.held + self._received_bytes + self._uncommitted
        return requests + self._outbox.unsent + self.conversation.subscriptions.held

    def _count(self) -> None:
        """Enter what is held into the account of the connections without a login."""
        if self._is_stopping:
            return
        held = 0 if self.conversation.has_login else self.held
        if held > _UNCOUNTED_BYTES or self._is_counted:
            self._is_counted = held > _UNCOUNTED_BYTES
            self._memory.hold(self, held if self._is_counted else 0)

    def _answer(self, package: Package) -> None:
        try:
            pending = self.conversation.receive(package)
        except Exception:
            _log.exception("answering %r failed", package)
            self.conversation.refuse(package)
            self.close()
            return
        if pending is not None:
            size = _REQUEST_BYTES + len(package.payload)
            self._uncommitted += size
            pending.add_done_callback(partial(self._committed, size))

    def _committed(self, size: int, _pending: Pending) -> None:
        self._uncommitted -= size
        self._count()
        if self._is_paused and not self._has_turn:
            self._work()

    # Out --------------------------------------------------------------------------------------

    def send(self, frames: bytes) -> None:
        """Send frames; cut a client that has left too much unread."""
        if self._has_ended or self._transport.is_closing():
            return
        if self._outbox.unsent > MAX_UNSENT_BYTES:
            _log.warning("%r is cut: it does not read", self)
            self.abort()
            return
        self._outbox.put(frames)
        if self._outbox.unsent > _UNCOUNTED_BYTES:
            self._count()

    def pause_writing(self) -> None:
        """The client leaves answers unread (asyncio's protocol)."""
        self._is_unread = True
        self.conversation.consumers.pause()

    def resume_writing(self) -> None:
        """The client has read (asyncio's protocol)."""
        self._is_unread = False
        self._heartbeat.heard()
        self._count()
        self.conversation.consumers.resume()
        if not self._has_turn:
            self._work()

    def _give_up(self, why: str) -> None:
        self.send(Package(Command.BAD_REQUEST, NO_ID, why.encode()).encode())
        self.close()

    # Time -------------------------------------------------------------------------------------

    def _tick(self) -> None:
        if self._shows_life():
            self._heartbeat.heard()
        pulse = self._heartbeat.tick(self._loop.time())
        if pulse is Pulse.ASKED:
            self.send(Package(Command.HEARTBEAT_REQUEST, uuid4().bytes_le).encode())
        if pulse is Pulse.DEAD:
            _log.info("%r is cut: nothing was heard from it", self)
            self.abort()
            return
        self._timer = self._loop.call_at(self._heartbeat.deadline, self._tick)

    def _shows_life(self) -> bool:
        """Whether the client reads, or it is we who do not listen to it."""
        had_unsent, taken = self._unsent_at_tick > 0, self._taken_at_tick
        self._unsent_at_tick, self._taken_at_tick = self._outbox.unsent, self._outbox.taken
        is_reading = had_unsent and self._taken_at_tick > taken  # though new events may have made up for it
        return is_reading or (self._is_full() and not self._is_unread)

    def __repr__(self) -> str:
        if not hasattr(self, "_outbox"):  # with TLS, a connection is there only after its handshake
            return "<Session, not connected yet>"
        return f"<Session {self.conversation!r}, {self._outbox.unsent} bytes unsent, {self.held} held>"
