"""Apply the frames of the peer, and report events."""

from __future__ import annotations

from collections.abc import Callable

from rxpump.grpc.http2 import frames
from rxpump.grpc.http2.allowance import Allowance
from rxpump.grpc.http2.error_codes import ConnectionFault, ErrorCode, StreamFault, error_code
from rxpump.grpc.http2.frame_reader import FrameReader
from rxpump.grpc.http2.frame_rules import PRIORITY_BYTES, check_frame, header_fragment, without_padding
from rxpump.grpc.http2.frames import ACK, DEFAULT_WINDOW, END_HEADERS, END_STREAM, PREFACE, FrameType, Setting
from rxpump.grpc.http2.header_decoder import HeaderDecoder
from rxpump.grpc.http2.header_rules import (
    MalformedHeaders,
    check_request,
    check_response,
    check_trailers,
    is_informational,
    list_size,
)
from rxpump.grpc.http2.http2_events import (
    DEBUG_BYTES,
    DataReceived,
    GoAwayReceived,
    Header,
    HeadersReceived,
    Http2Event,
    SettingsReceived,
    StreamReset,
    TrailersReceived,
)
from rxpump.grpc.http2.http2_limits import Http2Limits
from rxpump.grpc.http2.peer_settings import PeerSettings, checked_settings
from rxpump.grpc.http2.sender import Sender
from rxpump.grpc.http2.stream import Http2Stream
from rxpump.grpc.http2.stream_table import Closing, Role, StreamTable


class Receiver:
    """Receiving half of one connection.

    Frames that cost the peer little and this endpoint something use up an allowance, so that a flood of them ends the
    connection. A PING frame is free after this endpoint has sent headers or data, because clients measure round trips
    while they receive. A reset is free after this endpoint has sent something on the stream.

    Args:
        limits: Http2Limits of the connection.
        streams: Streams of the connection.
        sender: Sending half, which gets the answers.
        now: Current time in seconds.

    Attributes:
        peer: Settings of the peer.
        is_going_away: Whether the peer accepts no new streams.
        is_acknowledged: Whether the peer has acknowledged the SETTINGS frame of this endpoint.
        awaits_ping: Whether the peer has not acknowledged the last PING frame of this endpoint.
        last_accepted: Highest number of a stream that is accepted, or None while all are.
    """

    def __init__(self, limits: Http2Limits, streams: StreamTable, sender: Sender, now: float) -> None:
        self.peer: PeerSettings = PeerSettings()
        self.is_going_away: bool = False
        self.is_acknowledged: bool = False
        self.awaits_ping: bool = False
        self.last_accepted: int | None = None
        self._limits = limits
        self._streams = streams
        self._sender = sender
        self._reader = FrameReader(PREFACE if streams.role is Role.SERVER else b"", limits.max_frame_bytes)
        self._decoder = HeaderDecoder(limits)
        self._allowance = Allowance(limits.max_cheap_frames, limits.cheap_frames_per_second, now)
        self._window = limits.connection_window
        # The peer can use the default window until it has applied the settings of this endpoint.
        self._extra_window = max(0, DEFAULT_WINDOW - limits.stream_window)
        self._answered_at_ping = 0
        self._now = now
        self._events: list[Http2Event] = []
        self._handlers: dict[int, Callable[[int, int, bytes], None]] = {
            FrameType.DATA: self._on_data,
            FrameType.HEADERS: self._on_headers,
            FrameType.PRIORITY: self._on_priority,
            FrameType.RST_STREAM: self._on_rst_stream,
            FrameType.SETTINGS: self._on_settings,
            FrameType.PUSH_PROMISE: self._on_push_promise,
            FrameType.PING: self._on_ping,
            FrameType.GOAWAY: self._on_goaway,
            FrameType.WINDOW_UPDATE: self._on_window_update,
            FrameType.CONTINUATION: self._on_continuation,
        }

    @property
    def held_bytes(self) -> int:
        """Number of bytes of incomplete frames and header blocks."""
        return self._reader.held_bytes + self._decoder.held_bytes

    def receive(self, data: bytes, now: float, events: list[Http2Event]) -> None:
        """Apply received bytes, and append the resulting events to `events`.

        Raises:
            ConnectionFault: The peer broke a rule in a way that ends the connection.
        """
        self._now = now
        self._events = events
        for kind, flags, stream_id, payload in self._reader.feed(data):
            try:
                self._apply(kind, flags, stream_id, payload)
            except StreamFault as fault:
                self._fail_stream(fault)
                if kind == FrameType.DATA and flags & END_STREAM:
                    # The reader joins frames, so the end can be that of the frame after the faulty one.
                    self._streams.note_end(stream_id)
            if self._sender.control_bytes > self._limits.max_control_bytes:
                reason = f"{self._sender.control_bytes:,} bytes of answers that the peer does not read"
                raise ConnectionFault(ErrorCode.ENHANCE_YOUR_CALM, reason)

    def acknowledge(self, stream: Http2Stream, size: int) -> None:
        """Widen the window of a stream once half of it is acknowledged."""
        stream.unannounced += size
        if 2 * stream.unannounced >= self._limits.stream_window and stream.is_receiving:
            self._sender.control(frames.window_update(stream.id, stream.unannounced))
            stream.receive_window += stream.unannounced
            stream.unannounced = 0

    def _apply(self, kind: int, flags: int, stream_id: int, payload: bytes) -> None:
        if not self.peer.is_known and (kind != FrameType.SETTINGS or flags & ACK):
            raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "the first frame is not SETTINGS")
        expected = self._decoder.stream_id
        if expected is not None and (kind != FrameType.CONTINUATION or stream_id != expected):
            raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "a frame inside a header block")
        handler = self._handlers.get(kind)
        if handler is None:
            self._spend("frames of unknown types")
            return
        check_frame(kind, flags, stream_id, len(payload))
        handler(flags, stream_id, payload)

    def _spend(self, reason: str) -> None:
        """Use the allowance for frames that cost the peer little."""
        if not self._allowance.use(self._now):
            raise ConnectionFault(ErrorCode.ENHANCE_YOUR_CALM, f"too many {reason}")

    def _fail_stream(self, fault: StreamFault) -> None:
        self._spend("faulty streams")
        self._sender.control(frames.rst_stream(fault.stream_id, fault.code))
        stream = self._streams.reset(fault.stream_id, Closing.RESET_HERE)
        if stream is not None:
            self._sender.drop(stream)
            self._events.append(StreamReset(stream.id, fault.code, fault.reason, is_by_peer=False))

    # Frames of streams -------------------------------------------------------------------------------------------

    def _on_data(self, flags: int, stream_id: int, payload: bytes) -> None:
        size = len(payload)
        data = without_padding(FrameType.DATA, flags, payload)
        is_end = bool(flags & END_STREAM)
        self._use_connection_window(size)
        if not data and not is_end:
            self._spend("DATA frames without bytes")
        stream = self._streams.open.get(stream_id)
        if stream is None:
            self._on_closed_stream(FrameType.DATA, stream_id, is_end)
            return
        stream.receive_data(size, len(data), self._extra_window)
        if is_end:
            self._receive_end(stream)
        if data or is_end:
            self._events.append(DataReceived(stream_id, data, size, is_end))
        else:
            self.acknowledge(stream, size)

    def _on_headers(self, flags: int, stream_id: int, payload: bytes) -> None:
        self._decoder.begin(stream_id, flags)
        self._decoder.add(header_fragment(flags, payload))
        if flags & END_HEADERS:
            self._on_header_block(stream_id)

    def _on_continuation(self, flags: int, stream_id: int, payload: bytes) -> None:
        if self._decoder.stream_id is None:
            raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "CONTINUATION outside a header block")
        self._decoder.add(payload)
        if flags & END_HEADERS:
            self._on_header_block(stream_id)

    def _on_header_block(self, stream_id: int) -> None:
        is_end = bool(self._decoder.flags & END_STREAM)
        headers = self._decoder.decode()
        stream = self._streams.open.get(stream_id)
        try:
            if stream is not None:
                stream.check_receiving()
                if stream.has_received_headers:
                    self._on_trailers(stream, headers, is_end)
                else:
                    self._on_response(stream, headers, is_end)
            elif self._streams.role is Role.SERVER and self._streams.is_idle(stream_id) and stream_id % 2:
                self._on_request(stream_id, headers, is_end)
            else:
                self._on_closed_stream(FrameType.HEADERS, stream_id, is_end)
        except MalformedHeaders as error:
            raise StreamFault(stream_id, ErrorCode.PROTOCOL_ERROR, error.reason) from error

    def _on_request(self, stream_id: int, headers: tuple[Header, ...], is_end: bool) -> None:
        if self.last_accepted is not None:
            self._spend("requests after GOAWAY")
            self._streams.reset(stream_id, Closing.RESET_HERE)
            return
        if len(self._streams) >= self._limits.max_concurrent_streams:
            raise StreamFault(stream_id, ErrorCode.REFUSED_STREAM, "more streams than allowed")
        check_request(headers)
        stream = Http2Stream(stream_id, self._sender.initial_window, self._limits.stream_window)
        stream.has_received_headers = True
        stream.expect_length(headers)
        if is_end:
            stream.receive_end()
        self._streams.add(stream)
        is_too_large = list_size(headers) > self._limits.max_header_list_bytes
        self._events.append(HeadersReceived(stream_id, headers, is_end, is_too_large))

    def _on_response(self, stream: Http2Stream, headers: tuple[Header, ...], is_end: bool) -> None:
        self._check_size(stream, headers)
        check_response(headers)
        if is_informational(headers):
            self._spend("interim responses")
            if is_end:
                raise MalformedHeaders("an interim response that ends the stream")
            return
        stream.has_received_headers = True
        stream.expect_length(headers)
        if is_end:
            self._receive_end(stream)
        self._events.append(HeadersReceived(stream.id, headers, is_end))

    def _on_trailers(self, stream: Http2Stream, headers: tuple[Header, ...], is_end: bool) -> None:
        self._check_size(stream, headers)
        check_trailers(headers)
        if not is_end:
            raise MalformedHeaders("trailers that do not end the stream")
        self._receive_end(stream)
        self._events.append(TrailersReceived(stream.id, headers))

    def _check_size(self, stream: Http2Stream, headers: tuple[Header, ...]) -> None:
        most = self._limits.max_header_list_bytes
        if (size := list_size(headers)) > most:
            reason = f"headers of {size:,} bytes, at most {most:,} are allowed"
            raise StreamFault(stream.id, ErrorCode.ENHANCE_YOUR_CALM, reason)

    def _receive_end(self, stream: Http2Stream) -> None:
        stream.receive_end()
        self._streams.remove_ended(stream)

    def _on_closed_stream(self, kind: FrameType, stream_id: int, is_end: bool) -> None:
        """Handle DATA or HEADERS on a stream that is not open (RFC 9113, section 5.1)."""
        if self._streams.is_idle(stream_id):
            raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, f"{kind.name} on the idle stream {stream_id}")
        closing = self._streams.closing(stream_id)
        if closing is Closing.ENDED:
            raise ConnectionFault(ErrorCode.STREAM_CLOSED, f"{kind.name} on stream {stream_id} after its end")
        if closing is Closing.RESET_BY_PEER:
            raise StreamFault(stream_id, ErrorCode.STREAM_CLOSED, f"{kind.name} after RST_STREAM")
        if closing is Closing.RESET_HERE and is_end:
            self._streams.note_end(stream_id)
        elif closing is None or kind is FrameType.HEADERS:
            self._spend(f"{kind.name} frames on closed streams")
        if closing is None and self._streams.role is Role.SERVER:
            if kind is FrameType.HEADERS:
                raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, f"a request on the old stream {stream_id}")
            raise StreamFault(stream_id, ErrorCode.STREAM_CLOSED, "DATA on a closed stream")

    def _on_priority(self, flags: int, stream_id: int, payload: bytes) -> None:
        self._spend("PRIORITY frames")
        if len(payload) == PRIORITY_BYTES:
            return
        reason = f"PRIORITY with a payload of {len(payload)} bytes"
        if stream_id in self._streams.open:
            raise StreamFault(stream_id, ErrorCode.FRAME_SIZE_ERROR, reason)
        raise ConnectionFault(ErrorCode.FRAME_SIZE_ERROR, reason)

    def _on_rst_stream(self, flags: int, stream_id: int, payload: bytes) -> None:
        if self._streams.is_idle(stream_id):
            raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, f"RST_STREAM on the idle stream {stream_id}")
        can_be_first = self._streams.closing(stream_id) in {Closing.ENDED, Closing.RESET_HERE}
        stream = self._streams.reset(stream_id, Closing.RESET_BY_PEER)
        if not (can_be_first if stream is None else stream.has_sent_headers):
            self._spend("resets")
        if stream is None:
            return
        self._sender.drop(stream)
        code = error_code(frames.read_long(payload))
        is_unprocessed = code == ErrorCode.REFUSED_STREAM and self._streams.role is Role.CLIENT
        self._events.append(StreamReset(stream_id, code, "the peer reset the stream", is_unprocessed))

    def _on_push_promise(self, flags: int, stream_id: int, payload: bytes) -> None:
        raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "PUSH_PROMISE, which is switched off")

    # Frames of the connection ------------------------------------------------------------------------------------

    def _on_window_update(self, flags: int, stream_id: int, payload: bytes) -> None:
        increment = frames.read_long(payload) & frames.MAX_WINDOW
        if stream_id and self._streams.is_idle(stream_id):
            raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, f"WINDOW_UPDATE on the idle stream {stream_id}")
        if not stream_id and not increment:
            raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "WINDOW_UPDATE by 0 bytes")
        if not stream_id:
            self._sender.widen_connection(increment)
            return
        stream = self._streams.open.get(stream_id)
        if stream is None:
            return
        if not increment:
            raise StreamFault(stream_id, ErrorCode.PROTOCOL_ERROR, "WINDOW_UPDATE by 0 bytes")
        self._sender.widen(stream, increment)

    def _on_settings(self, flags: int, stream_id: int, payload: bytes) -> None:
        if flags & ACK:
            if self.is_acknowledged:
                self._spend("acknowledgements of SETTINGS")
            self.is_acknowledged = True
            self._extra_window = 0
            return
        self._spend("SETTINGS frames")
        values, table_sizes = checked_settings(payload, self._streams.role)
        self.peer.update(values)
        for size in table_sizes:
            self._sender.set_table_size(size)
        if Setting.MAX_FRAME_SIZE in values:
            self._sender.set_max_frame_bytes(values[Setting.MAX_FRAME_SIZE])
        if Setting.INITIAL_WINDOW_SIZE in values:
            self._sender.set_initial_window(values[Setting.INITIAL_WINDOW_SIZE])
        self._sender.control(frames.frame(FrameType.SETTINGS, ACK, 0))
        self._events.append(SettingsReceived())

    def _on_ping(self, flags: int, stream_id: int, payload: bytes) -> None:
        if flags & ACK:
            if not self.awaits_ping:
                self._spend("acknowledgements of PING")
            self.awaits_ping = False
            return
        if self._sender.answered == self._answered_at_ping:
            self._spend("PING frames")
        self._answered_at_ping = self._sender.answered
        self._sender.control(frames.frame(FrameType.PING, ACK, 0, payload))

    def _on_goaway(self, flags: int, stream_id: int, payload: bytes) -> None:
        self._spend("GOAWAY frames")
        last, number, debug = frames.read_goaway(payload)
        code = error_code(number)
        self.is_going_away = True
        self._events.append(GoAwayReceived(last, code, debug[:DEBUG_BYTES]))
        if self._streams.role is Role.SERVER:
            return
        for unprocessed in [each for each in self._streams.open if each > last]:
            stream = self._streams.reset(unprocessed, Closing.RESET_BY_PEER)
            if stream is not None:
                self._sender.drop(stream)
            reason = "the peer does not process the stream (GOAWAY)"
            self._events.append(StreamReset(unprocessed, code, reason, is_unprocessed=True))

    def _use_connection_window(self, size: int) -> None:
        """Use the window of the connection, and restore it once half of it is used.

        The window is restored on receipt, because one consumer that pauses must not hold back the others. The windows
        of the streams bound the number of buffered bytes.
        """
        self._window -= size
        if self._window < 0:
            raise ConnectionFault(ErrorCode.FLOW_CONTROL_ERROR, "more DATA than the window of the connection")
        whole = self._limits.connection_window
        if 2 * self._window <= whole:
            self._sender.control(frames.window_update(0, whole - self._window))
            self._window = whole

    def __repr__(self) -> str:
        return f"<Receiver holding {self.held_bytes} bytes>"
