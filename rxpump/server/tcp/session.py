"""One connection of a client: receive bytes, answer requests, and bound the memory for requests and replies.

A session handles a few requests, and then lets other sessions run. It stops reading while the client does not read
its replies, or while too many bytes of its writes wait to be committed. Events of subscriptions are not held back: if
too many bytes of them are unread, the connection is closed, so that no other client waits. Deliveries of consumer
groups wait instead. The memory of a session is therefore bounded by the limits below and one frame.

A client without a login can open many connections. Those without a login are also bounded together (see
`rxpump.server.connection_memory`).
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
from rxpump.model.login_throttle import throttled_address
from rxpump.server.node import Node
from rxpump.server.tcp.conversation import Conversation
from rxpump.server.tcp.handlers.table import Pending
from rxpump.server.tcp.reply_buffer import MAX_UNSENT_BYTES, ReplyBuffer
from rxpump.server.tcp.request import NO_ID
from rxpump.tcp.wire.commands import Command
from rxpump.tcp.wire.framing import Framer
from rxpump.tcp.wire.package import Package

_log = logging.getLogger("rxpump.server")

_UNREAD_BYTES: Final = 1024 * 1024
"""Bytes of unread replies above which no further request is handled."""

_UNCOMMITTED_BYTES: Final = 16 * 1024 * 1024
"""Bytes of writes that may wait to be committed."""

_REQUEST_BYTES: Final = 256
"""Bytes of memory that a waiting write takes besides its payload."""

_UNCOUNTED_BYTES: Final = 64 * 1024
"""Bytes up to which the memory of a connection without a login is not counted."""

_CLOSING: Final = 1.0
"""Seconds in which a client must close its side of the connection."""

_SLICE: Final = 0.002
"""Seconds for which a session handles requests before other sessions run."""


class Session(asyncio.Protocol):
    """One connection.

    Args:
        node: Store, users and groups, which all sessions of a server share.
        make_heartbeat: Function that returns a heartbeat, given the time in seconds.
        begun: Function that is called when the connection is open.
        ended: Function that is called when the connection is closed.
    """

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
        self._trampoline = node.store.trampoline
        self._is_counted = False
        self._is_paused = False
        self._is_scheduled = False
        self._is_stopping = False
        self._has_ended = False
        self._is_unread = False
        self._uncommitted = 0
        self._unsent_at_tick = self._taken_at_tick = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start the heartbeat of a new connection; called by asyncio."""
        # The transport of uvloop is not a subclass of asyncio.Transport.
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=_UNREAD_BYTES)
        host, port, *_ = self._transport.get_extra_info("peername", ("", 0))
        self.conversation.address = throttled_address(host)
        self.conversation.consumers.address = f"{host}:{port}"
        self._reply_buffer = ReplyBuffer(self._transport, self._trampoline)
        self._loop = asyncio.get_running_loop()
        self._heartbeat = self._make_heartbeat(self._loop.time())
        self._timer = self._loop.call_at(self._heartbeat.deadline, self._tick)
        self._begun(self)

    def connection_lost(self, error: Exception | None) -> None:
        """Free the memory of the connection; called by asyncio when it is closed."""
        self._timer.cancel()
        self._release()
        self.conversation.close()
        self._ended(self)

    def stop(self) -> None:
        """Stop reading. Replies to earlier requests are still sent."""
        self._is_stopping = True
        self._release()
        if not self._transport.is_closing():
            self._transport.pause_reading()

    def close(self) -> None:
        """Stop reading, send all replies, and then close the connection in order.

        If a socket is closed with unread bytes, the connection is reset, and the client can lose the last replies. So
        all bytes that the client still sends are discarded until it closes its side, for at most `_CLOSING` seconds.
        """
        self.stop()
        if self._has_ended or self._transport.is_closing():
            return
        self._reply_buffer.flush()
        if not self._transport.can_write_eof():
            self._transport.close()  # asyncio performs the shutdown of TLS.
            return
        self._has_ended = True
        try:
            self._transport.write_eof()
        except OSError:  # The client has reset the connection.
            self._transport.abort()
            return
        self._transport.resume_reading()
        self._timer.cancel()
        self._timer = self._loop.call_later(_CLOSING, self._transport.abort)

    def drop_subscriptions_and_close(self) -> None:
        """Send the client the end of each of its subscriptions, and then close the connection."""
        self.conversation.end_subscriptions()
        self.close()

    def abort(self) -> None:
        """Close the connection at once."""
        self.stop()
        self._transport.abort()

    def cut(self) -> None:
        """Close the connection at once, because it takes the most memory of the connections without a login."""
        _log.warning("closing %r: connections without a login hold more than %d bytes", self, self._memory.limit)
        self.abort()

    def _release(self) -> None:
        """Free the requests that were not handled, without waiting for the garbage collector."""
        self._received.clear()
        self._received_bytes = 0
        self._framer.clear()
        self._memory.hold(self, 0)

    # Requests----------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        """Receive bytes; called by asyncio."""
        if not self._is_stopping:
            self._trampoline.run(self._receive, data)

    def _receive(self, data: bytes) -> None:
        self._heartbeat.note_bytes()
        packages = self._framer.feed(data)
        self._received += packages
        self._received_bytes += sum(len(package.payload) for package in packages)
        self._count()
        if not self._is_scheduled:
            self._work()
            self._count()

    def _work(self) -> None:
        """Handle requests for one time slice, and schedule another time slice for the rest."""
        self._is_scheduled = False
        until = self._loop.time() + _SLICE
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
                self._is_scheduled = True
                self._loop.call_soon(self._trampoline.run, self._work)
        elif self._framer.failure is not None:
            self._give_up(f"Invalid TCP frame received. Error: {self._framer.failure}.")
        else:
            self._transport.resume_reading()

    def _is_full(self) -> bool:
        most = 0 if self._memory.is_scarce and not self.conversation.has_login else _UNCOMMITTED_BYTES
        return self._is_unread or self._uncommitted > most

    @property
    def held(self) -> int:
        """Bytes that the connection takes: unhandled requests, unread replies, and subscriptions."""
        requests = self._framer.held + self._received_bytes + self._uncommitted
        return requests + self._reply_buffer.unsent + self.conversation.subscriptions.held

    def _count(self) -> None:
        """Report the memory of this connection if it has no login."""
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
        if self._is_paused and not self._is_scheduled:
            self._work()

    # Replies ----------------------------------------------------------------------------------

    def send(self, frames: bytes) -> None:
        """Send frames. If the client has left too many bytes unread, close the connection instead."""
        if self._has_ended or self._transport.is_closing():
            return
        if self._reply_buffer.unsent > MAX_UNSENT_BYTES:
            _log.warning("closing %r: the client does not read", self)
            self.abort()
            return
        self._reply_buffer.put(frames)
        if self._reply_buffer.unsent > _UNCOUNTED_BYTES:
            self._count()

    def pause_writing(self) -> None:
        """Stop handling requests, because the client does not read; called by asyncio."""
        self._is_unread = True
        self.conversation.consumers.pause()

    def resume_writing(self) -> None:
        """Handle requests again, because the client has read; called by asyncio."""
        self._is_unread = False
        self._heartbeat.note_bytes()
        self._count()
        self.conversation.consumers.resume()
        if not self._is_scheduled:
            self._work()

    def _give_up(self, why: str) -> None:
        self.send(Package(Command.BAD_REQUEST, NO_ID, why.encode()).encode())
        self.close()

    # Time -------------------------------------------------------------------------------------

    def _tick(self) -> None:
        if self._is_alive():
            self._heartbeat.note_bytes()
        pulse = self._heartbeat.tick(self._loop.time())
        if pulse is Pulse.ASKED:
            self.send(Package(Command.HEARTBEAT_REQUEST, uuid4().bytes_le).encode())
        if pulse is Pulse.DEAD:
            _log.info("closing %r: no heartbeat arrived", self)
            self.abort()
            return
        self._timer = self._loop.call_at(self._heartbeat.deadline, self._tick)

    def _is_alive(self) -> bool:
        """Return whether the connection must not be closed for silence.

        That is so if the client has read bytes, or if this session itself has stopped reading, so that it cannot see
        heartbeats.
        """
        had_unsent, taken = self._unsent_at_tick > 0, self._taken_at_tick
        self._unsent_at_tick, self._taken_at_tick = self._reply_buffer.unsent, self._reply_buffer.taken
        # `unsent` cannot be compared, because new events increase it.
        is_reading = had_unsent and self._taken_at_tick > taken
        return is_reading or (self._is_full() and not self._is_unread)

    def __repr__(self) -> str:
        if not hasattr(self, "_reply_buffer"):  # With TLS, the connection opens after the handshake.
            return "<Session, not connected yet>"
        return f"<Session {self.conversation!r}, {self._reply_buffer.unsent} bytes unsent, {self.held} held>"
