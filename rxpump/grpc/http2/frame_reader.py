"""Split a byte stream into frames (RFC 9113, section 4.1)."""

from __future__ import annotations

from collections.abc import Iterator

from rxpump.grpc.http2.error_codes import ConnectionFault, ErrorCode
from rxpump.grpc.http2.frames import END_STREAM, FRAME_HEADER, HEADER_BYTES, MAX_STREAM_ID, PADDED, FrameType

Frame = tuple[int, int, int, bytes]
"""Type, flags, stream id and payload of a frame."""


class FrameReader:
    """Reader of the frames of one connection.

    Adjacent DATA frames of a stream are returned as one frame, because the work that follows costs the same for a
    large frame as for a small one. Frames that are padded or empty are returned as they are.

    Args:
        preface: Bytes that must come before the first frame.
        max_frame_bytes: Size of the largest payload that is accepted.

    Attributes:
        held_bytes: Number of bytes of an incomplete frame.
    """

    __slots__ = ("_chunks", "_max_frame_bytes", "_missing", "_preface", "held_bytes")

    def __init__(self, preface: bytes, max_frame_bytes: int) -> None:
        self._preface = preface
        self._max_frame_bytes = max_frame_bytes
        self._chunks: list[bytes] = []
        self._missing = 0  # bytes to wait for before joining chunks, because joining each takes quadratic time
        self.held_bytes: int = 0

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Return an iterator over the frames that are complete now that `data` has arrived.

        Raises:
            ConnectionFault: The bytes are not the preface. The iterator raises it after the frames before a frame
                that is too large.
        """
        if self._chunks:
            self._chunks.append(data)
            self.held_bytes += len(data)
            self._missing -= len(data)
            if self._missing > 0:
                return iter(())
            data = b"".join(self._chunks)
        start = 0
        if self._preface:
            if not data.startswith(self._preface[: len(data)]):
                raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "the first bytes are not the preface of HTTP/2")
            start = len(self._preface)
            if len(data) < start:
                self._hold(data, start - len(data))
                return iter(())
            self._preface = b""
        return self._read(data, start)

    def _read(self, data: bytes, at: int) -> Iterator[Frame]:
        """Yield the complete frames of `data` from index `at`, and buffer the rest."""
        end, most, unpack = len(data), self._max_frame_bytes, FRAME_HEADER.unpack_from
        missing = HEADER_BYTES
        fault: ConnectionFault | None = None
        run: list[bytes] = []  # payloads of adjacent DATA frames of the stream `run_id`
        run_id = 0
        while end - at >= HEADER_BYTES:
            upper, lower, kind, flags, stream_id = unpack(data, at)
            size = upper << 8 | lower
            if size > most:
                fault = _too_large(size, most, is_http_1=data.startswith(b"HTTP/1", at))
                at = end  # Nothing more is read.
                break
            stop = at + HEADER_BYTES + size
            if stop > end:
                missing = HEADER_BYTES + size
                break
            payload = data[at + HEADER_BYTES : stop]
            at = stop
            stream_id &= MAX_STREAM_ID
            extends = kind == FrameType.DATA and size and not flags & PADDED
            if run and not (extends and stream_id == run_id):
                yield FrameType.DATA, 0, run_id, b"".join(run)
                run.clear()
            if not extends:
                yield kind, flags, stream_id, payload
                continue
            run.append(payload)
            run_id = stream_id
            if flags & END_STREAM:
                yield FrameType.DATA, END_STREAM, run_id, b"".join(run)
                run.clear()
        if at < end or self._chunks:
            self._hold(data[at:], missing - (end - at))
        if run:
            yield FrameType.DATA, 0, run_id, b"".join(run)
        if fault is not None:
            raise fault

    def _hold(self, rest: bytes, missing: int) -> None:
        self._chunks = [rest] if rest else []
        self.held_bytes = len(rest)
        self._missing = missing

    def __repr__(self) -> str:
        return f"<FrameReader holding {self.held_bytes} bytes>"


def _too_large(size: int, most: int, *, is_http_1: bool) -> ConnectionFault:
    """Return the fault of a frame that is too large. The first bytes of HTTP/1.1 look like such a frame."""
    if is_http_1:
        return ConnectionFault(ErrorCode.HTTP_1_1_REQUIRED, "the peer uses HTTP/1.1, not HTTP/2")
    return ConnectionFault(ErrorCode.FRAME_SIZE_ERROR, f"a frame of {size:,} bytes, at most {most:,} are allowed")
