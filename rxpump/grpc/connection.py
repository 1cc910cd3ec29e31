"""One connection to a server: a socket, an HTTP/2 state machine, and the calls that run on it.

The state machine decides what is sent. The connection only moves bytes between it and the socket, and events to the
calls. Frames of one iteration of the event loop are sent in one write, and one timer serves all deadlines of the
machine.

The buffer of the operating system is kept small where that is possible. Bytes that are sent therefore show that the
server is alive, like bytes that arrive.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable
from typing import Any, Final, cast

from rxpump.errors import ConnectionClosed, NotLeader, RxPumpError
from rxpump.grpc.call import Call
from rxpump.grpc.errors.call_context import CallContext
from rxpump.grpc.errors.status_errors import error_of_status, leader_of_status
from rxpump.grpc.features import ServerFeatures
from rxpump.grpc.http2 import ErrorCode, Http2Connection, Http2Limits, Role
from rxpump.grpc.http2.http2_connection import ConnectionState
from rxpump.grpc.http2.http2_events import (
    ConnectionEnded,
    DataReceived,
    GoAwayReceived,
    HeadersReceived,
    Http2Event,
    SettingsReceived,
    StreamReset,
    TrailersReceived,
)
from rxpump.grpc.protocol.call_status import CallStatus, StatusCode
from rxpump.grpc.protocol.headers import request_headers
from rxpump.grpc.tls import HTTP2
from rxpump.network.earliest_timer import EarliestTimer

_UNSENT_LIMIT: Final = getattr(socket, "TCP_NOTSENT_LOWAT", None)
"""Socket option that bounds the unsent bytes in the buffer of the operating system; not every system has it."""

_UNSENT_BYTES: Final = 128 * 1024
"""Bytes that the buffer of the operating system may hold before they are sent."""

CLOSING_SECONDS: Final = 1.0
"""Seconds in which the last bytes must be sent when the connection is closed."""

SILENT_SECONDS: Final = 0.5
"""Seconds without received bytes after which a server that shuts down will probably answer no more calls."""


class Observer:
    """Object that is notified of changes of connections. The methods of this class do nothing."""

    def changed(self, connection: GrpcConnection) -> None:
        """Handle that another call can be opened on a connection, or that no call can be opened any more."""

    def named_leader(self, connection: GrpcConnection, leader: tuple[str, int]) -> None:
        """React to a refused call. The node has sent the host and the port of the leader."""

    def refused(self, connection: GrpcConnection) -> None:
        """Handle that the node has refused a call because it is not ready to serve it."""

    def moved_bytes(self, received: int, sent: int) -> None:
        """Handle that bytes were received or sent."""


class GrpcConnection(asyncio.Protocol):
    """One connection to a server over one socket.

    Args:
        address: Address of the node, for errors.
        authority: Host and port for the `:authority` header of requests.
        scheme: "https" if the connection uses TLS, otherwise "http".
        limits: Limits of the HTTP/2 connection.
        observer: Object that is notified of changes of the connection.

    Attributes:
        machine: State machine of the connection.
        ready: Future that is done when calls can be opened.
        closed: Future of the error with which the connection was closed.
        is_going_away: Whether the server has announced that it shuts down. It accepts no new calls.
        has_answered: Whether the server has sent messages or statuses of calls, since this was last set to False.
        features: Methods of the server.
        received_at: Time at which the connection last received bytes.
    """

    def __init__(
        self,
        address: str,
        authority: str,
        scheme: str,
        limits: Http2Limits,
        observer: Observer,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self.machine: Http2Connection = Http2Connection(Role.CLIENT, limits, self._loop.time())
        self.ready: asyncio.Future[None] = self._loop.create_future()
        self.closed: asyncio.Future[RxPumpError] = self._loop.create_future()
        self.is_going_away: bool = False
        self.has_answered: bool = False
        self.features: ServerFeatures = ServerFeatures.before_21_10()
        self.received_at: float = self._loop.time()
        self._address = address
        self._authority = authority
        self._scheme = scheme
        self._observer = observer
        self._calls: dict[int, Call] = {}
        self._draining: set[Call] = set()
        self._socket: asyncio.Transport | None = None
        self._timer = EarliestTimer(self._on_timer)
        self._abort_timer: asyncio.TimerHandle | None = None
        self._silence_timer: asyncio.TimerHandle | None = None
        self._pong = asyncio.Event()
        self._is_flush_due = False
        self._may_write = True
        self._written = 0
        self._unsent_at_timer = self._taken_at_timer = 0
        self._failure: RxPumpError | None = None

    @property
    def address(self) -> str:
        """Address of the node."""
        return self._address

    @property
    def may_open(self) -> bool:
        """Whether `open` can open a call now."""
        return self._failure is None and self.ready.done() and self.machine.may_open

    @property
    def calls(self) -> int:
        """Number of calls that are running."""
        return len(self._calls)

    def open(
        self,
        context: CallContext,
        metadata: Iterable[tuple[str, str | bytes]] = (),
        *,
        timeout: float | None = None,
        ends_on_goaway: bool = False,
    ) -> Call:
        """Open a call. `may_open` must be true.

        Args:
            context: Description of the call, which contains its method.
            metadata: Names and values to send with the request.
            timeout: Seconds until the server ends the call, or None for no limit.
            ends_on_goaway: Whether the call ends as soon as the server announces that it shuts down.

        Raises:
            CannotOpenStream: No call can be opened now.
            InvalidArgument: The metadata or the timeout cannot be sent.
        """
        headers = request_headers(self._scheme, self._authority, context.method.path, timeout, metadata)
        call = Call(self, self.machine.open_stream(headers), context, ends_on_goaway=ends_on_goaway)
        self._calls[call.stream_id] = call
        self.wake()
        return call

    def close(self, error: RxPumpError) -> None:
        """End all calls with an error, send a GOAWAY frame, and close the socket."""
        self._fail(error)
        self.machine.abort(ErrorCode.NO_ERROR, str(error))
        self.flush()

    def close_when_idle(self) -> None:
        """Close the socket as soon as no call is running. No new calls can be opened."""
        self.is_going_away = True
        self._close_if_idle()

    # Called by the calls ------------------------------------------------------------------------------------------

    def wake(self) -> None:
        """Send the pending bytes at the end of this iteration of the event loop."""
        if not self._is_flush_due:
            self._is_flush_due = True
            self._loop.call_soon(self._flush_if_due)

    def call_ended(self, call: Call) -> None:
        """Remove a call that has ended, and notify the observer."""
        self._calls.pop(call.stream_id, None)
        self._draining.discard(call)
        if call.status is not None:
            self._note_refusal(call.status, call)
        self._observer.changed(self)
        if self.is_going_away:
            self._close_if_idle()

    def _note_refusal(self, status: CallStatus, call: Call) -> None:
        if status.code is StatusCode.OK:
            return
        leader = leader_of_status(status, call.context)
        is_unavailable = status.code is StatusCode.UNAVAILABLE and not status.is_unprocessed
        if leader is not None:
            self._observer.named_leader(self, leader)
        elif is_unavailable or isinstance(error_of_status(status, call.context), NotLeader):
            self.note_refusal()

    def note_refusal(self) -> None:
        """Notify the observer that the node has refused a request for now."""
        self._observer.refused(self)

    def call_draining(self, call: Call) -> None:
        """Wake the task that waits in `Call.drain` when bytes of the call have been sent."""
        self._draining.add(call)

    async def round_trip(self) -> None:
        """Wait until the server has received all bytes that were sent before, or the connection is lost.

        The acknowledgement of a PING shows it. One of an earlier PING does not, and must arrive first.
        """
        for _ in range(2 if self.machine.awaits_ping else 1):
            self.machine.ping()
            self.flush()
            while self.machine.awaits_ping and self._failure is None:
                self._pong.clear()
                await self._pong.wait()

    # Called by asyncio --------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first frames; called by asyncio."""
        self._socket = cast(asyncio.Transport, transport)
        system_socket = transport.get_extra_info("socket")
        if system_socket is not None and _UNSENT_LIMIT is not None:
            system_socket.setsockopt(socket.IPPROTO_TCP, _UNSENT_LIMIT, _UNSENT_BYTES)
        tls: Any = transport.get_extra_info("ssl_object")
        if tls is not None and tls.selected_alpn_protocol() != HTTP2:
            self._lose("the server does not use HTTP/2 with TLS on this port (it did not accept the protocol h2)")
            self._socket.abort()
            return
        self.flush()
        self._timer.set(self.machine.deadline)

    def data_received(self, data: bytes) -> None:
        """Pass the received bytes to the state machine, and its events to their calls; called by asyncio."""
        self._observer.moved_bytes(len(data), 0)
        calls = self._calls
        self._is_flush_due = True  # This method flushes at its end.
        self.received_at = now = self._loop.time()
        for event in self.machine.receive(data, now):
            match event:
                case DataReceived() | HeadersReceived() | TrailersReceived() | StreamReset():
                    call = calls.get(event.stream_id)
                    if call is not None:
                        self.has_answered = True
                        call.receive(event)
                case _:
                    self._apply(event)
        if not self.machine.awaits_ping:
            self._pong.set()
        self.flush()

    def pause_writing(self) -> None:
        """Keep frames in the machine, because the server does not read; called by asyncio."""
        self._may_write = False

    def resume_writing(self) -> None:
        """Send again, because the server reads; called by asyncio."""
        self._may_write = True
        self.machine.note_progress()
        self.flush()

    def connection_lost(self, exc: Exception | None) -> None:
        """End the calls; called by asyncio when the socket is closed."""
        self._lose(f"the connection was lost: {exc or 'closed by the server'}")
        self._socket = None
        self._timer.cancel()
        for timer in (self._abort_timer, self._silence_timer):
            if timer is not None:
                timer.cancel()
        assert self._failure is not None
        self.closed.set_result(self._failure)

    # Between the machine and asyncio -------------------------------------------------------------------------------

    def _apply(self, event: Http2Event) -> None:
        """Apply an event that concerns the whole connection."""
        match event:
            case SettingsReceived():
                if self.machine.may_open and not self.ready.done():
                    self.ready.set_result(None)
                self._observer.changed(self)
            case GoAwayReceived():
                self._on_goaway(event)
            case ConnectionEnded():
                self._lose(event.reason)

    def _on_goaway(self, event: GoAwayReceived) -> None:
        self.is_going_away = True
        code = event.code.name if isinstance(event.code, ErrorCode) else f"error {event.code}"
        debug = f", {event.debug.decode('utf-8', 'replace')!r}" if event.debug else ""
        error = ConnectionClosed(self._address, f"the server shuts the connection down ({code}{debug})")
        self._end_calls([call for call in self._calls.values() if call.ends_on_goaway], error)
        self._observer.changed(self)
        self._close_if_idle()
        if self._silence_timer is None:
            self._silence_timer = self._loop.call_later(SILENT_SECONDS, self._on_silence, error)

    def _on_silence(self, error: ConnectionClosed) -> None:
        """End the calls that can be repeated if a server that shuts down has sent nothing for SILENT_SECONDS.

        A server that stops leaves its last calls without an answer, until it closes the connection some seconds later
        (docs/protocol/grpc.md, section 5.16). Other calls wait for that, because it would be unknown whether the
        server has executed them.
        """
        silent_at = self.received_at + SILENT_SECONDS
        if self._loop.time() < silent_at:
            self._silence_timer = self._loop.call_at(silent_at, self._on_silence, error)
        else:
            self._end_calls([call for call in self._calls.values() if call.context.method.is_repeatable], error)

    def _end_calls(self, calls: Iterable[Call], error: ConnectionClosed) -> None:
        """Cancel calls on the server, and end them with `error`."""
        for call in calls:
            self.machine.reset(call.stream_id, ErrorCode.CANCEL)
            call.lost(error)

    def _close_if_idle(self) -> None:
        if not self._calls and self._failure is None:
            self.close(ConnectionClosed(self._address, "the server shuts the connection down"))

    def _lose(self, reason: str) -> None:
        if self._failure is None:
            self._fail(ConnectionClosed(self._address, reason))

    def _fail(self, error: RxPumpError) -> None:
        if self._failure is not None:
            return
        self._failure = error
        self._pong.set()
        calls = tuple(self._calls.values())
        for call in calls:
            call.lost(error, is_suspect=len(calls) == 1 or self.machine.pending_bytes(call.stream_id) > 0)
        self._observer.changed(self)

    def _flush_if_due(self) -> None:
        """Flush, unless the bytes were sent meanwhile."""
        if self._is_flush_due:
            self.flush()

    def flush(self) -> None:
        """Send the pending bytes now, and wake the tasks that wait in `Call.drain`."""
        self._is_flush_due = False
        transport = self._socket
        if transport is None:
            return
        while self._may_write and not transport.is_closing() and (data := self.machine.bytes_to_send()):
            transport.write(data)
            self._written += len(data)
            self._observer.moved_bytes(0, len(data))
        if self._failure is not None or self.machine.state is ConnectionState.ENDED:
            self._shut_down()
            return
        for call in tuple(self._draining):
            self._draining.discard(call)
            call.resume_sending()

    def _shut_down(self) -> None:
        """Close the socket once the last bytes have been sent, at the latest after CLOSING_SECONDS."""
        assert self._socket is not None
        if not self._socket.is_closing():
            self._socket.close()
            self._timer.cancel()
            self._abort_timer = self._loop.call_later(CLOSING_SECONDS, self._socket.abort)

    def _on_timer(self) -> None:
        self._note_progress()
        for event in self.machine.tick(self._loop.time()):
            self._apply(event)
        self.flush()
        self._timer.set(self.machine.deadline)

    def _note_progress(self) -> None:
        """Report that the server is alive, if bytes that were buffered at the last call have left since."""
        unsent = 0 if self._socket is None else self._socket.get_write_buffer_size()
        taken = self._written - unsent
        if self._unsent_at_timer and taken > self._taken_at_timer:
            self.machine.note_progress()
        self._unsent_at_timer, self._taken_at_timer = unsent, taken

    def __repr__(self) -> str:
        if self._failure is not None:
            state = f"closed: {self._failure}"
        else:
            state = "going away" if self.is_going_away else "open" if self.ready.done() else "connecting"
        return f"<GrpcConnection to {self._address} {state}, {len(self._calls)} calls>"


async def first_of(*waiting: asyncio.Future[Any]) -> None:
    """Wait until one of some futures is done."""
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
