"""Frames as bytes (RFC 9113, sections 4.1 and 6)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import IntEnum
from struct import Struct
from typing import Final

PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
"""First bytes that a client sends (RFC 9113, section 3.4)."""

HEADER_BYTES: Final = 9
DEFAULT_WINDOW: Final = 65_535
DEFAULT_FRAME_BYTES: Final = 16_384
MAX_FRAME_BYTES: Final = 16_777_215
MAX_WINDOW: Final = 2**31 - 1
MAX_STREAM_ID: Final = 2**31 - 1


class FrameType(IntEnum):
    """Type of a frame. Frames of other types are ignored (RFC 9113, section 4.1)."""

    DATA = 0x0
    HEADERS = 0x1
    PRIORITY = 0x2
    RST_STREAM = 0x3
    SETTINGS = 0x4
    PUSH_PROMISE = 0x5
    PING = 0x6
    GOAWAY = 0x7
    WINDOW_UPDATE = 0x8
    CONTINUATION = 0x9


END_STREAM: Final = 0x1
ACK: Final = 0x1
END_HEADERS: Final = 0x4
PADDED: Final = 0x8
PRIORITY_FLAG: Final = 0x20


class Setting(IntEnum):
    """Identifier of a setting (RFC 9113, section 6.5.2). Unknown settings are ignored."""

    HEADER_TABLE_SIZE = 0x1
    ENABLE_PUSH = 0x2
    MAX_CONCURRENT_STREAMS = 0x3
    INITIAL_WINDOW_SIZE = 0x4
    MAX_FRAME_SIZE = 0x5
    MAX_HEADER_LIST_SIZE = 0x6


FRAME_HEADER: Final = Struct(">HBBBL")
"""Upper 16 and lower 8 bits of the size, type, flags, and stream id with its reserved bit."""

_SETTING = Struct(">HL")
_LONG = Struct(">L")
_TWO_LONGS = Struct(">LL")


def frame_header(kind: FrameType, flags: int, stream_id: int, size: int) -> bytes:
    """Return the nine bytes before a payload of `size` bytes."""
    return FRAME_HEADER.pack(size >> 8, size & 0xFF, kind, flags, stream_id)


def frame(kind: FrameType, flags: int, stream_id: int, payload: bytes = b"") -> bytes:
    """Return a frame as bytes."""
    return frame_header(kind, flags, stream_id, len(payload)) + payload


def settings_frame(values: Iterable[tuple[Setting, int]]) -> bytes:
    """Return a SETTINGS frame as bytes."""
    return frame(FrameType.SETTINGS, 0, 0, b"".join(_SETTING.pack(*pair) for pair in values))


def read_settings(payload: bytes) -> Iterator[tuple[int, int]]:
    """Yield the identifier and the value of each setting in the payload of a SETTINGS frame."""
    yield from _SETTING.iter_unpack(payload)


def window_update(stream_id: int, increment: int) -> bytes:
    """Return a WINDOW_UPDATE frame as bytes."""
    return frame(FrameType.WINDOW_UPDATE, 0, stream_id, _LONG.pack(increment))


def rst_stream(stream_id: int, code: int) -> bytes:
    """Return a RST_STREAM frame as bytes."""
    return frame(FrameType.RST_STREAM, 0, stream_id, _LONG.pack(code))


def goaway(last_stream_id: int, code: int, debug: bytes = b"") -> bytes:
    """Return a GOAWAY frame as bytes."""
    return frame(FrameType.GOAWAY, 0, 0, _TWO_LONGS.pack(last_stream_id, code) + debug)


def read_long(payload: bytes) -> int:
    """Return the number that four bytes encode."""
    (number,) = _LONG.unpack(payload)
    return int(number)


def read_goaway(payload: bytes) -> tuple[int, int, bytes]:
    """Return the last stream id, the error code and the debug data in the payload of a GOAWAY frame."""
    last, code = _TWO_LONGS.unpack_from(payload)
    return last & MAX_STREAM_ID, code, payload[8:]


def header_frames(stream_id: int, flags: int, block: bytes, max_bytes: int) -> bytes:
    """Return a HEADERS frame as bytes, followed by CONTINUATION frames if the block needs them.

    Args:
        stream_id: Number of the stream.
        flags: END_STREAM or 0; END_HEADERS is added to the last frame.
        block: Encoded header block.
        max_bytes: Size of the largest payload that the peer accepts.
    """
    if len(block) <= max_bytes:
        return frame(FrameType.HEADERS, flags | END_HEADERS, stream_id, block)
    parts = [block[start : start + max_bytes] for start in range(0, len(block), max_bytes)]
    kinds = [FrameType.HEADERS] + [FrameType.CONTINUATION] * (len(parts) - 1)
    all_flags = [flags] + [0] * (len(parts) - 1)
    all_flags[-1] |= END_HEADERS
    return b"".join(map(frame, kinds, all_flags, [stream_id] * len(parts), parts))
