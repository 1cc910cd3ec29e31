"""One connection of a gRPC client to the server: a socket, an HTTP/2 state machine, and a task for each call."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final, cast

from rxpump.grpc.http2 import Http2Connection, Http2Limits, Role
from rxpump.grpc.http2.error_codes import CannotSend
from rxpump.grpc.http2.http2_connection import ConnectionState
from rxpump.grpc.http2.http2_events import (
    ConnectionEnded,
    DataReceived,
    GoAwayReceived,
    Header,
    HeadersReceived,
    Http2Event,
    StreamReset,
    TrailersReceived,
)
from rxpump.grpc.messages import monitoring, persistent_subscriptions, streams
from rxpump.grpc.messages.methods import MethodKind
from rxpump.grpc.protocol.call_status import HANDLER_FAILED, CallStatus, StatusCode
from rxpump.grpc.protocol.headers import trailers, trailers_only
from rxpump.grpc.protocol.request_reader import RequestReader
from rxpump.model.login_throttle import throttled_address
from rxpump.server.errors import StoreError
from rxpump.server.grpc.authentication import find_user
from rxpump.server.grpc.call import UNSENT_BYTES, Call
from rxpump.server.grpc.call_errors import CallError, plain_error, shutting_down, store_failed
from rxpump.server.grpc.method_table import HANDLERS, find_method, message_limit
from rxpump.server.grpc.response_headers import dated
from rxpump.server.grpc.running_call import RunningCall
from rxpump.server.node import Node
from rxpump.server.store.failures import STORE_FAILURES, describe

_log = logging.getLogger("rxpump.server")

LIMITS: Final = Http2Limits()

MAX_HELD_BYTES: Final = 128 * 1024 * 1024
"""Memory in bytes that the unfinished requests of one connection may take."""

HALF_CLOSE_TIMEOUT: Final = 5.0
"""Seconds that a client may send nothing before its request is complete, if the method has one request message."""

_UNREAD_BYTES: Final = 256 * 1024
_CLOSING: Final = 1.0
"""Seconds in which a client can read the last bytes of a connection."""

_OK: Final = CallStatus(StatusCode.OK)


class GrpcConnection(asyncio.Protocol):
    """One connection of a gRPC client.

    Args:
        node: Store, users and groups of the server.
        begun: Function that is called when the connection has been opened.
        ended: Function that is called when the connection has been closed.
        limits: Limits of HTTP/2.

    Attributes:
        address: Address of the client, for counting failed logins.
        local_address: Address of the server on this connection.
    """

    def __init__(
        self,
        node: Node,
        begun: Callable[[GrpcConnection], None],
        ended: Callable[[GrpcConnection], None],
        limits: Http2Limits = LIMITS,
    ) -> None:
        self._node = node
        self._begun = begun
        self._ended = ended
        self._loop = asyncio.get_running_loop()
        self._trampoline = node.store.trampoline
        self._machine = Http2Connection(Role.SERVER, limits, self._loop.time())
        self._calls: dict[int, RunningCall] = {}
        self._waiting: dict[int, asyncio.Future[None]] = {}  # futures of `drained`, by stream
        self._is_paused = False
        self._will_flush = False
        self._is_closing = False
        self._held = 0
        self._has_login = False
        self._is_counted = not node.is_insecure  # whether the bytes of a client without a login are counted
        self.address: str = ""
        self.local_address: str = ""
        self._timer: asyncio.TimerHandle | None = None

    # Socket -----------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first frames; called by asyncio."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=_UNREAD_BYTES)
        self.address = throttled_address(transport.get_extra_info("peername", [""])[0])
        self.local_address = transport.get_extra_info("sockname", [""])[0]
        self._begun(self)
        self.flush()
        self._set_timer()

    def data_received(self, data: bytes) -> None:
        """Receive bytes; called by asyncio."""
        if not self._is_closing:
            self._trampoline.run(self._apply, self._machine.receive(data, self._loop.time()))

    def pause_writing(self) -> None:
        """Keep bytes in the state machine, because the client does not read; called by asyncio."""
        self._is_paused = True

    def resume_writing(self) -> None:
        """Send again, because the client has read; called by asyncio."""
        self._is_paused = False
        self._machine.note_progress()
        self.flush()

    def connection_lost(self, error: Exception | None) -> None:
        """End all calls; called by asyncio."""
        self._is_closing = True
        if self._timer is not None:
            self._timer.cancel()
        for stream_id in tuple(self._calls):
            self._cancel(stream_id)
        self._node.memory.hold(self, 0)
        self._ended(self)

    def cut(self) -> None:
        """Close the connection at once, because it takes the most memory of the connections without a login."""
        _log.warning("closing %r: connections without a login hold too many bytes", self)
        self._transport.abort()

    def abort(self) -> None:
        """Close the connection at once."""
        self._transport.abort()

    def shut_down(self) -> None:
        """Accept no more calls, and end calls that read. Calls that write can still be answered."""
        self._machine.shut_down()
        for stream_id, running in tuple(self._calls.items()):
            if running.call.method in _READS:
                self._finish(stream_id, shutting_down().status)
        self.flush()
        self._close_if_idle()

    def close(self) -> None:
        """End all calls, inform the client, and close the connection."""
        self._machine.shut_down()
        for stream_id in tuple(self._calls):
            self._finish(stream_id, shutting_down().status)
        self._close_soon()

    def _close_soon(self) -> None:
        """Close the socket once the client has read all bytes, at the latest after `_CLOSING` seconds."""
        if self._is_closing:
            return
        self.flush()
        self._is_closing = True
        self._transport.close()
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(_CLOSING, self._transport.abort)

    def _flush_soon(self) -> None:
        """Send pending bytes at the end of the current work, together with the bytes of other calls."""
        if not self._will_flush:
            self._will_flush = True
            self._trampoline.schedule_last(self.flush)

    def flush(self) -> None:
        """Send pending bytes now."""
        self._will_flush = False
        if self._is_closing:
            return
        while not self._is_paused and not self._transport.is_closing() and (data := self._machine.bytes_to_send()):
            self._transport.write(data)
        for stream_id in [each for each in self._waiting if self._machine.pending_bytes(each) <= UNSENT_BYTES]:
            self._wake(stream_id)

    def _set_timer(self) -> None:
        deadline = self._machine.deadline
        self._timer = None if math.isinf(deadline) else self._loop.call_at(deadline, self._tick)

    def _tick(self) -> None:
        self._trampoline.run(self._apply, self._machine.tick(self._loop.time()))
        if not self._is_closing:
            self._set_timer()

    # Events -----------------------------------------------------------------------------------

    def _apply(self, events: Sequence[Http2Event]) -> None:
        for event in events:
            match event:
                case DataReceived():
                    self._on_data(event)
                case HeadersReceived():
                    self._on_request(event)
                case TrailersReceived(stream_id):
                    running = self._calls.get(stream_id)
                    if running is not None:
                        running.call.reader.end()
                        self._on_progress(running)
                case StreamReset(stream_id):
                    self._cancel(stream_id)
                case GoAwayReceived():
                    self._machine.shut_down()
                    self._close_if_idle()
                case ConnectionEnded(code, reason):
                    _log.info("closing %r: %s: %s", self, code.name, reason)
                    for stream_id in tuple(self._calls):
                        self._cancel(stream_id)
                    self._close_soon()
        self._flush_soon()

    def _on_request(self, event: HeadersReceived) -> None:
        stream_id = event.stream_id
        if not self._machine.is_open(stream_id):
            return
        path = dict(event.headers).get(":path", "")
        reader = RequestReader(event, message_limit(path))
        if reader.refusal is not None:
            self._machine.send_trailers(stream_id, dated(reader.refusal))
            return
        try:
            method = find_method(path)
            user = find_user(self._node, reader.metadata, self.address)
        except CallError as error:
            status = error.status_for(self._node.strictness)
            self._machine.send_trailers(stream_id, dated(trailers_only(status)))
            return
        self._has_login = self._has_login or bool(user.login)
        running = RunningCall(Call(self, stream_id, method, reader, user, self._node))
        self._calls[stream_id] = running
        if reader.timeout is not None:
            running.expiry = self._loop.call_later(reader.timeout, self._expire, stream_id)
        self._on_progress(running)

    def _on_data(self, event: DataReceived) -> None:
        running = self._calls.get(event.stream_id)
        if running is None:
            self._machine.acknowledge(event.stream_id, event.flow_bytes)
            return
        call = running.call
        try:
            call.receive(call.reader.receive(event), event.flow_bytes)
        except CallError as error:
            self._finish(event.stream_id, error.status_for(self._node.strictness))
            return
        self._on_progress(running)

    def _on_progress(self, running: RunningCall) -> None:
        """Start the task of a call if enough of the request has arrived, and note the end of the request."""
        call = running.call
        is_settled = call.reader.is_complete or call.reader.failure is not None
        if is_settled:
            call.note_end()
        if running.task is None and (is_settled or call.method.kind in _STREAMING):
            running.task = self._loop.create_task(self._run(call), name=f"gRPC {call.method}")
        if call.method.kind not in _STREAMING:
            self._wait_for_request(running, is_settled=is_settled)

    def _wait_for_request(self, running: RunningCall, *, is_settled: bool) -> None:
        if running.half_close_timer is not None:
            running.half_close_timer.cancel()
            running.half_close_timer = None
        if not is_settled:
            stream_id = running.call.stream_id
            running.half_close_timer = self._loop.call_later(HALF_CLOSE_TIMEOUT, self._give_up, stream_id)

    # Calls ------------------------------------------------------------------------------------

    async def _run(self, call: Call) -> None:
        try:
            await HANDLERS[call.method.path](call)
            status = _OK
        except CallError as error:
            status = error.status_for(self._node.strictness)
        except StoreError:  # The store is closed when the server stops.
            status = shutting_down().status
        except STORE_FAILURES as failure:
            status = store_failed(describe(failure)).status
        except Exception:
            _log.exception("%r failed", call)
            status = HANDLER_FAILED
        self._finish(call.stream_id, status)

    def _finish(self, stream_id: int, status: CallStatus) -> None:
        """End a call with a status. Do nothing if it has ended."""
        running = self._calls.get(stream_id)
        if running is None:
            return
        call = running.call
        if status.code is StatusCode.OK and not call.has_answered and call.method.kind not in _ANSWER_MANY:
            call.start_response()
        self._forget(running)
        headers = trailers(status) if call.has_answered else dated(trailers_only(status))
        with suppress(CannotSend):
            self._machine.send_trailers(stream_id, headers)
        self._flush_soon()
        self._close_if_idle()

    def _cancel(self, stream_id: int) -> None:
        """End a call whose stream has ended."""
        if (running := self._calls.get(stream_id)) is not None:
            self._forget(running)
            self._close_if_idle()

    def _forget(self, running: RunningCall) -> None:
        stream_id = running.call.stream_id
        del self._calls[stream_id]
        running.stop_timers()
        self.hold(running.call, -running.call.held)
        running.call.end()
        if running.task is not None and running.task is not asyncio.current_task():
            running.task.cancel()
        self._wake(stream_id)

    def _expire(self, stream_id: int) -> None:
        self._finish(stream_id, CallStatus(StatusCode.DEADLINE_EXCEEDED, "Deadline Exceeded"))

    def _give_up(self, stream_id: int) -> None:
        reason = f"The client has not completed its request: it sent nothing for {HALF_CLOSE_TIMEOUT:g} s."
        self._finish(stream_id, CallStatus(StatusCode.INTERNAL, reason))

    def _close_if_idle(self) -> None:
        if self._machine.state is not ConnectionState.OPEN and not self._calls:
            self._loop.call_soon(self._close_soon)

    # Called by the calls ---------------------------------------------------------------------------

    def send_headers(self, stream_id: int, headers: list[Header]) -> None:
        """Send the headers of a response."""
        with suppress(CannotSend):
            self._machine.send_headers(stream_id, dated(headers))
        self._flush_soon()

    def send_data(self, stream_id: int, data: bytes) -> None:
        """Send bytes of a response, now or when the client reads."""
        with suppress(CannotSend):
            self._machine.send_data(stream_id, data)
        self._flush_soon()

    def pending_bytes(self, stream_id: int) -> int:
        """Return the bytes of a response that wait for the client."""
        return self._machine.pending_bytes(stream_id)

    async def drained(self, stream_id: int) -> None:
        """Wait until at most `UNSENT_BYTES` of a response wait for the client."""
        self.flush()
        if self._machine.pending_bytes(stream_id) <= UNSENT_BYTES:
            await asyncio.sleep(0)
            return
        waiter = self._waiting[stream_id] = self._loop.create_future()
        await waiter

    def _wake(self, stream_id: int) -> None:
        waiter = self._waiting.pop(stream_id, None)
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def acknowledge(self, stream_id: int, size: int) -> None:
        """Let the client send more on a stream."""
        self._machine.acknowledge(stream_id, size)
        if self._machine.has_control_frames:
            self._flush_soon()

    def hold(self, call: Call, size: int) -> None:
        """Add to the number of bytes that a call holds in memory.

        Raises:
            CallError: All calls of the connection together hold too many bytes.
        """
        self._held += size
        if self._is_counted and not self._has_login:
            self._node.memory.hold(self, self._held)
        if self._held > MAX_HELD_BYTES and size > 0:
            reason = f"The unfinished requests of the connection take more than {MAX_HELD_BYTES} bytes."
            raise plain_error(StatusCode.RESOURCE_EXHAUSTED, reason)

    def __repr__(self) -> str:
        return f"<GrpcConnection with {len(self._calls)} calls, {self._held} bytes held>"


_READS: Final = (streams.READ, persistent_subscriptions.READ, monitoring.STATS)
_STREAMING: Final = (MethodKind.CLIENT_STREAM, MethodKind.DUPLEX)
_ANSWER_MANY: Final = (MethodKind.SERVER_STREAM, MethodKind.DUPLEX)
