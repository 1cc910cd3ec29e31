"""One connection to a server: a socket, a ClientProtocol, and the requests that it sends.

The protocol and the requests decide what is sent. The connection only moves bytes between them and the socket. A
request is sent at once if no other is waiting or in flight. Otherwise the frames of one iteration of the event loop
are sent in one write. One timer serves both.

The socket receives one piece at a time, and the buffer of the operating system is kept small where that is possible.
Bytes that can be sent therefore show that the server is alive, like bytes that arrive.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable
from typing import Final, Protocol, cast

from rxpump.errors import FrameTooLarge, RequestInterrupted, RxPumpError, ServerError
from rxpump.network.earliest_timer import EarliestTimer
from rxpump.tcp.protocol.client_protocol import ClientProtocol, ProtocolState
from rxpump.tcp.protocol.pending_requests import PendingRequests
from rxpump.tcp.protocol.request import Request
from rxpump.tcp.send_buffer import PIECE_BYTES, SendBuffer
from rxpump.telemetry import Telemetry

_UNSENT_LIMIT: Final = getattr(socket, "TCP_NOTSENT_LOWAT", None)
"""Socket option that bounds the unsent bytes in the buffer of the operating system; not every system has it."""


CLOSING_SECONDS: Final = 1.0
"""Seconds in which the server must confirm the end of subscriptions, and close its side of the connection."""


class Guide(Protocol):
    """Decides what to do after refusals of a node. TcpReconnector implements it."""

    def may_follow(self, leader: tuple[str, int]) -> bool:
        """Return whether to connect to the node that a follower has named as the leader."""

    def note_refusal(self, reason: str) -> None:
        """Record that the node has refused a request for now."""


class Connection(asyncio.Protocol):
    """One connection to a server over one socket.

    Args:
        protocol: Protocol of the connection.
        pending: Requests that are sent over it.
        guide: Decides about refusals of the node.
        telemetry: Counters of the client.

    Attributes:
        ready: Future that is done when requests can be sent.
        closed: Future of the error with which the socket was closed.
        has_settled: Whether a request was settled on this connection.
    """

    def __init__(
        self, protocol: ClientProtocol, pending: PendingRequests, guide: Guide, telemetry: Telemetry
    ) -> None:
        self._telemetry = telemetry
        self._loop = asyncio.get_running_loop()
        self._protocol = protocol
        self._pending = pending
        self._guide = guide
        self._socket: asyncio.Transport | None = None
        self._send_buffer = SendBuffer()
        self._written = 0
        self._unsent_at_timer = self._taken_at_timer = 0
        self._timer = EarliestTimer(self._on_timer)
        self._abort_timer: asyncio.TimerHandle | None = None
        self._is_flush_due = False
        self._is_shut_down = False
        self._may_write = True
        self.has_settled: bool = False
        self.ready: asyncio.Future[None] = self._loop.create_future()
        self.closed: asyncio.Future[RxPumpError] = self._loop.create_future()

    @property
    def lost_while(self) -> ProtocolState | None:
        """State of the protocol in which the socket was closed, or None."""
        return self._protocol.lost_while

    def wake(self) -> None:
        """Send a single waiting request at once, and several at the end of this iteration of the event loop."""
        if self._is_flush_due:
            return
        if self._pending.has_one_alone:
            self._flush()
        else:
            self._is_flush_due = True
            self._loop.call_soon(self._flush)

    def flush(self) -> None:
        """Send all waiting frames now."""
        self._flush()

    def end(self, reason: str) -> None:
        """Send the frames that were queued in this iteration of the event loop, then close the socket in order."""
        self._flush()
        self._protocol.lost(reason)
        self._shut_down()

    # Called by asyncio ------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start the protocol; called by asyncio."""
        self._socket = cast(asyncio.Transport, transport)
        system_socket = transport.get_extra_info("socket")
        if system_socket is not None and _UNSENT_LIMIT is not None:
            system_socket.setsockopt(socket.IPPROTO_TCP, _UNSENT_LIMIT, PIECE_BYTES)
        self._flush()

    def data_received(self, data: bytes) -> None:
        """Receive bytes, settle the requests that they answer, and send waiting frames; called by asyncio."""
        if self._is_shut_down:
            return
        self._telemetry.bytes_received += len(data)
        now = self._loop.time()
        pending = self._pending
        earlier = pending.last_refusal
        for package in self._protocol.receive(data):
            request = pending.receive(package, now)
            if request is not None:
                self.has_settled = True
                settle(request)
        if self._protocol.receiving is not None:
            pending.note_part(self._protocol.receiving, now)
        refusal = pending.last_refusal
        if refusal is not earlier and refusal is not None:
            self._consult(refusal)
        if self._protocol.has_changed or pending.has_unsent:
            self._flush()

    def _consult(self, refusal: ServerError) -> None:
        """Report a refusal to the guide. Close the connection if the node has named a leader to connect to."""
        leader = self._pending.redirect
        if leader is None:
            self._guide.note_refusal(f"could not serve a request ({type(refusal).__name__})")
        elif self._guide.may_follow(leader):
            self._protocol.lost("another node leads: {}:{}".format(*leader))
        else:
            self._pending.redirect = None

    def pause_writing(self) -> None:
        """Keep requests in the queue, because the server does not read; called by asyncio."""
        self._may_write = False

    def resume_writing(self) -> None:
        """Send again, because the server reads; called by asyncio."""
        self._may_write = True
        self._protocol.progressed()
        self._flush()

    def eof_received(self) -> None:
        """Close the connection, because the server has closed its side; called by asyncio."""
        self._protocol.lost("the server ended the connection")

    def connection_lost(self, exc: Exception | None) -> None:
        """Queue the requests in flight again; called by asyncio when the socket is closed."""
        self._protocol.lost(f"the connection was lost: {exc or 'closed'}")
        self._socket = None
        self._timer.cancel()
        if self._abort_timer is not None:
            self._abort_timer.cancel()
        failure = self._protocol.failure
        assert failure is not None
        if self.ready.done():  # Before `ready` is done, no request was sent.
            interrupted = (self._send_buffer.begun, self._protocol.receiving)
            lost = self._pending.disconnected(failure, [id for id in interrupted if id is not None])
            self.has_settled = self.has_settled or any(
                request.error is not failure and not isinstance(request.error, RequestInterrupted) for request in lost
            )
            settle_all(lost)
        self.closed.set_result(failure)

    # Between the protocol and asyncio ------------------------------------------------------------------------

    def _flush(self) -> None:
        """Apply changes of the protocol, send the waiting frames of the requests, and set the timer."""
        self._is_flush_due = False
        if self._socket is None or self._is_shut_down:
            return
        if self._protocol.has_changed:
            self._apply_protocol()
        if self._protocol.failure is not None:
            return
        buffer = self._send_buffer
        while self._may_write:
            if not buffer.frames:  # The order of requests can change until they are taken.
                buffer.frames += self._pending.send(self._loop.time())
            piece = buffer.take()
            if piece is None:
                break
            self._write(piece)
            if not buffer.frames and not self._pending.has_unsent:
                break
        self._timer.set(self._pending.deadline)

    def _shut_down(self) -> None:
        """Close this side of the connection, and discard all bytes that arrive until the server closes its side.

        If a socket is closed with unread bytes, the connection is reset, and the server can lose the last messages.
        """
        if self._socket is None or self._is_shut_down:
            return
        if self._socket.get_write_buffer_size() or self._send_buffer:
            self._socket.abort()  # A server that does not read must not keep the socket open.
            return
        if not self._socket.can_write_eof():
            self._socket.close()  # asyncio performs the shutdown of TLS.
            return
        self._is_shut_down = True
        try:
            self._socket.write_eof()
        except OSError:  # The server has reset the connection.
            self._socket.abort()
            return
        self._timer.cancel()
        self._abort_timer = self._loop.call_later(CLOSING_SECONDS, self._socket.abort)

    def _write(self, piece: bytes | memoryview) -> None:
        assert self._socket is not None
        self._written += len(piece)
        self._telemetry.bytes_sent += len(piece)
        self._socket.write(piece)

    def _apply_protocol(self) -> None:
        """Apply a change of the state of the protocol, and send its frames before those of the requests."""
        if self._protocol.state is ProtocolState.READY and not self.ready.done():
            self._pending.connected()
            self.ready.set_result(None)
        failure = self._protocol.failure
        if isinstance(failure, FrameTooLarge) and failure.correlation_id is not None:
            # The same request would have the same reply, which is too large, so it must not be sent again.
            request = self._pending.fail(failure.correlation_id, failure)
            if request is not None:
                settle(request)
        if out := self._protocol.bytes_to_send():
            if self._send_buffer.begun is None:
                self._write(b"".join(out))
            else:
                self._send_buffer.put_first(out)
        self._timer.set(self._protocol.deadline)
        if self._protocol.state is ProtocolState.CLOSED:
            self._shut_down()

    def _on_timer(self) -> None:
        self._note_progress()
        now = self._loop.time()
        self._protocol.tick(now)
        if self._protocol.state is ProtocolState.CLOSED and self._socket is not None:
            self._socket.abort()  # A silent server would not close its side.
            return
        settle_all(self._pending.tick(now))
        self._timer.set(self._protocol.deadline)
        self._flush()

    def _note_progress(self) -> None:
        """Report to the protocol that the server is alive, if bytes were sent since the last call."""
        unsent = 0 if self._socket is None else self._socket.get_write_buffer_size()
        taken = self._written - unsent
        if self._unsent_at_timer and taken > self._taken_at_timer:
            self._protocol.progressed()
            if self._send_buffer.begun is not None:
                self._pending.note_part(self._send_buffer.begun, self._loop.time())
        self._unsent_at_timer, self._taken_at_timer = unsent, taken

    def __repr__(self) -> str:
        return f"<Connection {self._protocol!r} {self._pending!r}>"


def settle(request: Request) -> None:
    """Set the result of the future of a settled request."""
    future: asyncio.Future[object] = request.owner
    if future.done():
        return
    if request.error is not None:
        future.set_exception(request.error)
    else:
        future.set_result(request.value)


def settle_all(requests: Iterable[Request]) -> None:
    """Set the results of the futures of settled requests."""
    for request in requests:
        settle(request)
