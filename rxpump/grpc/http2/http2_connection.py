"""One HTTP/2 connection, of a client or a server (RFC 9113).

OPEN ──shut_down──▶ SHUTTING_DOWN ──┐
  │                                 ├──abort, fault of the peer, silence──▶ ENDED
  └─────────────────────────────────┘
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from enum import Enum

from rxpump.errors import InvalidArgument
from rxpump.grpc.http2 import frames
from rxpump.grpc.http2.error_codes import CannotOpenStream, CannotSend, ConnectionFault, ErrorCode
from rxpump.grpc.http2.frames import DEFAULT_FRAME_BYTES, DEFAULT_WINDOW, PREFACE, FrameType, Setting
from rxpump.grpc.http2.http2_events import ConnectionEnded, Header, Http2Event
from rxpump.grpc.http2.http2_limits import Http2Limits
from rxpump.grpc.http2.receiver import Receiver
from rxpump.grpc.http2.sender import Sender
from rxpump.grpc.http2.stream import SENDING, Http2Stream
from rxpump.grpc.http2.stream_table import Closing, Role, StreamTable
from rxpump.heartbeat import Heartbeat, Pulse

_PING_DATA = bytes(8)
_MAX_REASON_BYTES = 200


class ConnectionState(Enum):
    """State of a connection."""

    OPEN = "open"
    SHUTTING_DOWN = "shutting down"
    ENDED = "ended"


class Http2Connection:
    """State machine of one connection. It reads no clock and does no input or output.

    The caller passes received bytes to `receive`, and calls `tick` when `deadline` has passed. After each call of any
    method it writes the results of `bytes_to_send` to the socket until they are empty.

    Args:
        role: Side of the connection.
        limits: Http2Limits to announce and enforce.
        now: Current time in seconds, on the clock of all later calls.

    Attributes:
        role: Side of the connection.
        limits: Http2Limits that are announced and enforced.
        state: State of the connection.
    """

    def __init__(self, role: Role, limits: Http2Limits, now: float) -> None:
        self.role: Role = role
        self.limits: Http2Limits = limits
        self.state: ConnectionState = ConnectionState.OPEN
        self._streams = StreamTable(role)
        self._sender = Sender(self._streams)
        self._receiver = Receiver(limits, self._streams, self._sender, now)
        interval = math.inf if limits.keepalive_interval is None else limits.keepalive_interval
        self._heartbeat = Heartbeat(interval, limits.keepalive_timeout, now)
        self._settings_due = now + limits.settings_timeout
        self._sender.control(_first_frames(role, limits))

    @property
    def deadline(self) -> float:
        """Time of the next call of `tick`, or infinity if none is needed. It never becomes earlier."""
        if self.state is ConnectionState.ENDED:
            return math.inf
        if self._receiver.is_acknowledged:
            return self._heartbeat.deadline
        return min(self._heartbeat.deadline, self._settings_due)

    @property
    def may_open(self) -> bool:
        """Whether `open_stream` can open a stream now."""
        return self._obstacle() is None

    @property
    def open_streams(self) -> int:
        """Number of streams that are not closed."""
        return len(self._streams)

    @property
    def stream_limit(self) -> int:
        """Number of streams that the peer allows this client to have open at once."""
        return self._receiver.peer.max_concurrent_streams

    @property
    def buffered_bytes(self) -> int:
        """Number of buffered bytes: of incomplete frames that were received, and of frames that wait to be sent."""
        pending = sum(stream.pending_bytes for stream in self._streams.open.values())
        return self._receiver.held_bytes + self._sender.control_bytes + pending

    @property
    def has_control_frames(self) -> bool:
        """Whether control frames or headers wait to be sent."""
        return self._sender.control_bytes > 0

    # Input -------------------------------------------------------------------------------------------------------

    def receive(self, data: bytes, now: float) -> list[Http2Event]:
        """Apply bytes that the peer sent.

        Args:
            data: Bytes, cut anywhere.
            now: Current time in seconds.

        Returns:
            Events in the order in which they happened. A later event can have closed the stream of an earlier one.
            `ConnectionEnded` is the last event of a connection.
        """
        if self.state is ConnectionState.ENDED:
            return []
        self._heartbeat.note_bytes(now)
        events: list[Http2Event] = []
        try:
            self._receiver.receive(data, now, events)
        except ConnectionFault as fault:
            events.append(self._end(fault.code, fault.reason))
        return events

    def tick(self, now: float) -> list[Http2Event]:
        """Apply the time: send a keepalive PING, or end the connection of a peer that is silent."""
        if self.state is ConnectionState.ENDED:
            return []
        if not self._receiver.is_acknowledged and now >= self._settings_due:
            reason = f"SETTINGS not acknowledged within {self.limits.settings_timeout:g} s"
            return [self._end(ErrorCode.SETTINGS_TIMEOUT, reason)]
        match self._heartbeat.tick(now):
            case Pulse.ASKED:
                self._send_ping()
            case Pulse.DEAD:
                silence = self._heartbeat.interval + self._heartbeat.timeout
                return [self._end(ErrorCode.NO_ERROR, f"no bytes were received for {silence:g} s")]
        return []

    def ping(self) -> None:
        """Send a PING, which the peer acknowledges at once, unless the last one is not acknowledged yet."""
        if self.state is not ConnectionState.ENDED and not self._receiver.awaits_ping:
            self._send_ping()

    @property
    def awaits_ping(self) -> bool:
        """Whether the peer has not acknowledged the last PING yet."""
        return self._receiver.awaits_ping

    def _send_ping(self) -> None:
        self._receiver.awaits_ping = True
        self._sender.control(frames.frame(FrameType.PING, 0, 0, _PING_DATA))

    def note_progress(self) -> None:
        """Start the keepalive interval again, because the peer has accepted bytes and is therefore alive."""
        self._heartbeat.note_bytes()

    # Output ------------------------------------------------------------------------------------------------------

    def bytes_to_send(self) -> bytes:
        """Return the next bytes to send, at most about 256 KiB, or no bytes if nothing can be sent now.

        A caller whose socket accepts no more bytes does not call this method, so that the data stays here, and is
        counted by `pending_bytes`.
        """
        return self._sender.take()

    def open_stream(self, headers: Sequence[Header]) -> int:
        """Open a stream with a request.

        Args:
            headers: Names and values, pseudo-headers first. Names are lower-case.

        Returns:
            The number of the stream.

        Raises:
            CannotOpenStream: `may_open` is false, or this endpoint is a server.
        """
        obstacle = self._obstacle()
        if obstacle is not None:
            raise CannotOpenStream(obstacle)
        stream = Http2Stream(self._streams.next_id, self._sender.initial_window, self.limits.stream_window)
        stream.note_request(headers)
        self._streams.add(stream)
        self._sender.headers(stream, headers)
        return stream.id

    def send_headers(self, stream_id: int, headers: Sequence[Header]) -> None:
        """Send the headers of a response.

        Args:
            stream_id: Number of a stream on which nothing was sent yet.
            headers: Names and values, `:status` first.

        Raises:
            CannotSend: The stream is closed, or headers were sent already.
        """
        stream = self._sending(stream_id)
        if stream.has_sent_headers:
            raise CannotSend(stream_id, "headers were sent already")
        self._sender.headers(stream, headers)

    def send_data(self, stream_id: int, data: bytes) -> None:
        """Send bytes of a body, as the windows of the peer allow.

        Args:
            stream_id: Number of a stream on which headers were sent.
            data: Bytes, which can be split over frames, or share a frame with bytes of other calls.

        Raises:
            CannotSend: The stream is closed, or no headers were sent.
        """
        stream = self._sending(stream_id)
        if not stream.has_sent_headers:
            raise CannotSend(stream_id, "no headers were sent")
        self._sender.data(stream, data)

    def end_stream(self, stream_id: int) -> None:
        """End a stream on this side, after the data that is pending.

        Raises:
            CannotSend: The stream is closed, or no headers were sent.
        """
        stream = self._sending(stream_id)
        if not stream.has_sent_headers:
            raise CannotSend(stream_id, "no headers were sent")
        self._sender.end(stream)

    def send_trailers(self, stream_id: int, headers: Sequence[Header]) -> None:
        """End a stream on this side with headers, after the data that is pending.

        Args:
            stream_id: Number of a stream. If no headers were sent on it, these are the only ones.
            headers: Names and values.

        Raises:
            CannotSend: The stream is closed.
        """
        self._sender.trailers(self._sending(stream_id), headers)

    def is_open(self, stream_id: int) -> bool:
        """Return whether a stream is open in at least one direction."""
        return stream_id in self._streams.open

    def pending_bytes(self, stream_id: int) -> int:
        """Return the number of bytes of data that wait on a stream for a window or the socket."""
        stream = self._streams.open.get(stream_id)
        return stream.pending_bytes if stream else 0

    def acknowledge(self, stream_id: int, size: int) -> None:
        """Allow the peer to send more on a stream.

        The window is widened once half of it is acknowledged. A consumer that waits for the rest of a message must
        acknowledge the part that has arrived, because the message can be larger than the window.

        Args:
            stream_id: Number of a stream. Nothing happens if it is closed.
            size: Number of bytes that were consumed: `DataReceived.flow_bytes`, in one or several parts.

        Raises:
            InvalidArgument: More bytes are acknowledged than were received.
        """
        stream = self._streams.open.get(stream_id)
        if stream is None:
            return
        most = self.limits.stream_window - stream.receive_window - stream.unannounced
        if not 0 <= size <= most:
            raise InvalidArgument("size", size, f"a number of bytes from 0 to {most:,}, which were received")
        self._receiver.acknowledge(stream, size)

    def reset(self, stream_id: int, code: ErrorCode) -> None:
        """End a stream at once, in both directions. Nothing happens if it is closed."""
        if stream_id not in self._streams.open:
            return
        stream = self._streams.reset(stream_id, Closing.RESET_HERE)
        if stream is not None:
            self._sender.drop(stream)
        self._sender.control(frames.rst_stream(stream_id, code))

    def shut_down(self) -> None:
        """Accept no new streams; streams that are open continue.

        The caller closes the connection once `open_streams` is 0 and all bytes are sent.
        """
        if self.state is ConnectionState.OPEN:
            self.state = ConnectionState.SHUTTING_DOWN
            self._receiver.last_accepted = self._last_of_peer
            self._sender.control(frames.goaway(self._last_of_peer, ErrorCode.NO_ERROR))

    def abort(self, code: ErrorCode, reason: str) -> None:
        """End the connection and all its streams; the caller closes it once all bytes are sent."""
        if self.state is not ConnectionState.ENDED:
            self._end(code, reason)

    def _end(self, code: ErrorCode, reason: str) -> ConnectionEnded:
        self.state = ConnectionState.ENDED
        self._sender.drop_all()
        self._streams.open.clear()
        debug = reason.encode("utf-8", "replace")[:_MAX_REASON_BYTES]
        self._sender.control(frames.goaway(self._last_of_peer, code, debug))
        return ConnectionEnded(code, reason)

    @property
    def _last_of_peer(self) -> int:
        return self._streams.last_id if self.role is Role.SERVER else 0

    def _obstacle(self) -> str | None:
        """Return the reason why no stream can be opened, or None."""
        if self.role is Role.SERVER:
            return "servers open none, because push is switched off"
        if self.state is not ConnectionState.OPEN:
            return f"the connection is {self.state.value}"
        if self._receiver.is_going_away:
            return "the peer accepts no new streams (GOAWAY)"
        if len(self._streams) >= self.stream_limit:
            return f"{len(self._streams)} streams are open, and the peer allows {self.stream_limit}"
        if not self._streams.next_id:
            return "the numbers of streams are used up"
        if 2 * self._sender.control_bytes >= self.limits.max_control_bytes:
            return f"{self._sender.control_bytes:,} bytes of control frames wait for the socket"
        return None

    def _sending(self, stream_id: int) -> Http2Stream:
        stream = self._streams.open.get(stream_id)
        if stream is None or stream.state not in SENDING or stream.ends_after_pending:
            raise CannotSend(stream_id, "this side of the stream has ended")
        return stream

    def __repr__(self) -> str:
        who = f"{self.role.name.lower()}, {self.state.value}"
        return f"<Http2Connection of a {who}, {len(self._streams)} streams, {self.buffered_bytes} bytes buffered>"


def _first_frames(role: Role, limits: Http2Limits) -> bytes:
    """Return the bytes that begin a connection (RFC 9113, section 3.4)."""
    settings = {
        Setting.INITIAL_WINDOW_SIZE: limits.stream_window,
        Setting.MAX_HEADER_LIST_SIZE: limits.max_header_list_bytes,
    }
    if role is Role.CLIENT:
        settings = {Setting.ENABLE_PUSH: 0, **settings}
    else:
        settings = {Setting.MAX_CONCURRENT_STREAMS: limits.max_concurrent_streams, **settings}
    if limits.max_frame_bytes != DEFAULT_FRAME_BYTES:
        settings[Setting.MAX_FRAME_SIZE] = limits.max_frame_bytes
    first = PREFACE if role is Role.CLIENT else b""
    first += frames.settings_frame(settings.items())
    if limits.connection_window > DEFAULT_WINDOW:
        first += frames.window_update(0, limits.connection_window - DEFAULT_WINDOW)
    return first
