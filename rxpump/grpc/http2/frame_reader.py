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
        """Yield the frames that are complete now that `data` has arrived.

        Raises:
            ConnectionFault: The bytes are not the preface, or a frame is too large. The frames before were yielded.
        """
        if self._chunks:
            self._chunks.append(data)
            self.held_bytes += len(data)
            self._missing -= len(data)
            if self._missing > 0:
                return
            data = b"".join(self._chunks)
        start = 0
        if self._preface:
            if not data.startswith(self._preface[: len(data)]):
                raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "the first bytes are not the preface of HTTP/2")
            start = len(self._preface)
            if len(data) < start:
                self._hold(data, start - len(data))
                return
            self._preface = b""
        yield from self._read(data, start)

    def _read(self, data: bytes, at: int) -> Iterator[Frame]:
        """Yield the complete frames of `data` from index `at`, and buffer the rest."""
        end, unpack = len(data), FRAME_HEADER.unpack_from
        missing = HEADER_BYTES
        run: list[bytes] = []  # payloads of adjacent DATA frames of the stream `run_id`
        run_id = 0
        while end - at >= HEADER_BYTES:
            upper, lower, kind, flags, stream_id = unpack(data, at)
            size = upper << 8 | lower
            stop = at + HEADER_BYTES + size
            is_too_large = size > self._max_frame_bytes
            if stop > end and not is_too_large:
                missing = HEADER_BYTES + size
                break
            stream_id &= MAX_STREAM_ID
            extends = kind == FrameType.DATA and size and not flags & PADDED and not is_too_large
            if run and not (extends and stream_id == run_id):
                yield FrameType.DATA, 0, run_id, b"".join(run)
                run.clear()
            if is_too_large and data.startswith(b"HTTP/1", at):
                raise ConnectionFault(ErrorCode.HTTP_1_1_REQUIRED, "the peer uses HTTP/1.1, not HTTP/2")
            if is_too_large:
                reason = f"a frame of {size:,} bytes, at most {self._max_frame_bytes:,} are allowed"
                raise ConnectionFault(ErrorCode.FRAME_SIZE_ERROR, reason)
            payload = data[at + HEADER_BYTES : stop]
            at = stop
            if not extends:
                yield kind, flags, stream_id, payload
                continue
            run.append(payload)
            run_id = stream_id
            if flags & END_STREAM:
                yield FrameType.DATA, END_STREAM, run_id, b"".join(run)
                run.clear()
        self._hold(data[at:], missing - (end - at))
        if run:
            yield FrameType.DATA, 0, run_id, b"".join(run)

    def _hold(self, rest: bytes, missing: int) -> None:
        self._chunks = [rest] if rest else []
        self.held_bytes = len(rest)
        self._missing = missing

    def __repr__(self) -> str:
        return f"<FrameReader holding {self.held_bytes} bytes>"
