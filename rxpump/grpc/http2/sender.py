"""Order of the frames: control frames first, then data of the streams in round-robin order, within the windows."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Final

from rxpump.grpc.http2 import frames
from rxpump.grpc.http2.error_codes import ConnectionFault, ErrorCode, StreamFault
from rxpump.grpc.http2.frames import DEFAULT_FRAME_BYTES, DEFAULT_WINDOW, END_STREAM, MAX_WINDOW, FrameType
from rxpump.grpc.http2.header_encoder import HeaderEncoder
from rxpump.grpc.http2.http2_events import Header
from rxpump.grpc.http2.stream import Action, Http2Stream, Http2StreamState
from rxpump.grpc.http2.stream_table import Closing, Role, StreamTable

_CHUNK_BYTES: Final = 256 * 1024
"""About the most bytes that `take` returns, so that data that the socket does not accept stays in the queues."""

_MAX_DATA_BYTES: Final = 64 * 1024
"""Size of the largest DATA frame to send. It is small, so that no stream delays the others for long."""

_TOO_WIDE: Final = "the window is larger than 2^31-1 bytes"


class Sender:
    """The frames and data that are pending on one connection.

    Control frames and headers are sent in the order in which they were queued. Data is cut into frames only when it
    is sent, because the windows at that time limit their sizes. Trailers are encoded only when they are sent, because
    the peer decodes header blocks in the order of the wire.

    Attributes:
        window: Bytes of data that can be sent on all streams together.
        initial_window: Send window of a new stream.
        control_bytes: Number of bytes of control frames and headers that are pending.
        answered: Number of times that headers or data were queued: the measure of useful work.
    """

    def __init__(self, streams: StreamTable) -> None:
        self.window: int = DEFAULT_WINDOW
        self.initial_window: int = DEFAULT_WINDOW
        self.control_bytes: int = 0
        self.answered: int = 0
        self._max_frame_bytes = DEFAULT_FRAME_BYTES
        self._streams = streams
        self._encoder = HeaderEncoder()
        self._control: list[bytes] = []
        self._queue: deque[Http2Stream] = deque()  # streams that can send, in round-robin order

    def control(self, data: bytes) -> None:
        """Queue a control frame."""
        self._control.append(data)
        self.control_bytes += len(data)

    def headers(self, stream: Http2Stream, headers: Sequence[Header]) -> None:
        """Queue headers. They are sent before all data that is queued later."""
        stream.has_sent_headers = True
        self.answered += 1
        self.control(self._header_frames(stream, headers, 0))

    def data(self, stream: Http2Stream, data: bytes) -> None:
        """Queue data."""
        if data:
            self.answered += 1
            stream.pending.append(data)
            stream.pending_bytes += len(data)
            self._enqueue(stream)

    def end(self, stream: Http2Stream) -> None:
        """End the stream after its pending data."""
        stream.ends_after_pending = True
        self._enqueue(stream)

    def trailers(self, stream: Http2Stream, headers: Sequence[Header]) -> None:
        """Queue trailers. They are sent after the pending data of the stream, and end the stream."""
        self.answered += 1
        stream.trailers = headers
        self.end(stream)

    def drop(self, stream: Http2Stream) -> None:
        """Discard the data and trailers that are pending on a stream."""
        stream.pending.clear()
        stream.pending_bytes = 0
        stream.trailers = None
        stream.ends_after_pending = False
        if stream.is_queued:
            stream.is_queued = False
            self._queue.remove(stream)

    def drop_all(self) -> None:
        """Discard the data and trailers that are pending on every stream."""
        for stream in self._streams.open.values():
            self.drop(stream)

    def set_table_size(self, size: int) -> None:
        """Use a dynamic table that is not larger than the peer allows."""
        self._encoder.set_table_size(size)

    def set_max_frame_bytes(self, size: int) -> None:
        """Send no larger frames than the peer allows."""
        self._max_frame_bytes = min(size, _MAX_DATA_BYTES)

    def set_initial_window(self, size: int) -> None:
        """Change the window of new streams, and by the same difference that of open streams.

        Raises:
            ConnectionFault: A window is too large (RFC 9113, section 6.9.2).
        """
        difference = size - self.initial_window
        self.initial_window = size
        for stream in self._streams.open.values():
            stream.send_window += difference
            if stream.send_window > MAX_WINDOW:
                raise ConnectionFault(ErrorCode.FLOW_CONTROL_ERROR, _TOO_WIDE)
            self._enqueue(stream)

    def widen_connection(self, increment: int) -> None:
        """Add to the window of the connection.

        Raises:
            ConnectionFault: The window is too large (RFC 9113, section 6.9.1).
        """
        self.window += increment
        if self.window > MAX_WINDOW:
            raise ConnectionFault(ErrorCode.FLOW_CONTROL_ERROR, _TOO_WIDE)

    def widen(self, stream: Http2Stream, increment: int) -> None:
        """Add to the window of a stream.

        Raises:
            StreamFault: The window is too large (RFC 9113, section 6.9.1).
        """
        stream.send_window += increment
        if stream.send_window > MAX_WINDOW:
            raise StreamFault(stream.id, ErrorCode.FLOW_CONTROL_ERROR, _TOO_WIDE)
        self._enqueue(stream)

    def take(self) -> bytes:
        """Return the next bytes to send, at most about 256 KiB, or no bytes if nothing can be sent now."""
        if not self._control and not self._queue:
            return b""
        out, self._control, size, self.control_bytes = self._control, [], self.control_bytes, 0
        blocked: list[Http2Stream] = []  # streams that wait only for the window of the connection
        while self._queue and size < _CHUNK_BYTES:
            stream = self._queue.popleft()
            stream.is_queued = False
            if stream.pending and self.window <= 0:
                blocked.append(stream)
            elif stream.can_send_now:
                size += self._send_frame(stream, out)
                if stream.pending or stream.ends_after_pending:
                    self._enqueue(stream)
        for stream in reversed(blocked):
            stream.is_queued = True
            self._queue.appendleft(stream)
        return b"".join(out)

    def _enqueue(self, stream: Http2Stream) -> None:
        if not stream.is_queued and stream.can_send_now:
            stream.is_queued = True
            self._queue.append(stream)

    def _send_frame(self, stream: Http2Stream, out: list[bytes]) -> int:
        """Append the next frame of a stream to `out`; return its approximate size in bytes."""
        if stream.trailers is not None and not stream.pending:
            block = self._header_frames(stream, stream.trailers, END_STREAM)
            out.append(block)
            self._end(stream, out)
            return len(block)
        pending = stream.pending_bytes
        size = min(pending, self._max_frame_bytes, self.window, stream.send_window) if pending else 0
        self.window -= size
        stream.send_window -= size
        parts = stream.take_pending(size)
        is_end = stream.ends_after_pending and not stream.pending and stream.trailers is None
        out.append(frames.frame_header(FrameType.DATA, END_STREAM if is_end else 0, stream.id, size))
        out += parts  # type: ignore[arg-type]  # bytes.join accepts a memoryview
        if is_end:
            self._end(stream, out)
        return frames.HEADER_BYTES + size

    def _header_frames(self, stream: Http2Stream, headers: Sequence[Header], flags: int) -> bytes:
        return frames.header_frames(stream.id, flags, self._encoder.encode(headers), self._max_frame_bytes)

    def _end(self, stream: Http2Stream, out: list[bytes]) -> None:
        """Change the state of a stream that this endpoint has ended.

        A server that has sent its whole response does not need the rest of the request (RFC 9113, section 8.1).
        """
        stream.apply(Action.SEND_END)
        stream.trailers = None
        if self._streams.role is Role.SERVER and stream.state is not Http2StreamState.CLOSED:
            out.append(frames.rst_stream(stream.id, ErrorCode.NO_ERROR))
            self._streams.reset(stream.id, Closing.RESET_HERE)
        self._streams.remove_ended(stream)

    def __repr__(self) -> str:
        waiting = f"{self.control_bytes} bytes of control frames and {len(self._queue)} streams waiting"
        return f"<Sender with {waiting}, window {self.window}>"
