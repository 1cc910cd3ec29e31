"""Bounds on the memory and the work that a peer can cause."""

from __future__ import annotations

from dataclasses import dataclass

from rxpump.errors import InvalidArgument
from rxpump.grpc.http2.frames import DEFAULT_FRAME_BYTES, DEFAULT_WINDOW, MAX_FRAME_BYTES, MAX_WINDOW

_LONG = 2**32 - 1
_RANGES = {
    "max_concurrent_streams": (0, _LONG),
    "stream_window": (1, MAX_WINDOW),
    "connection_window": (DEFAULT_WINDOW, MAX_WINDOW),
    "max_frame_bytes": (DEFAULT_FRAME_BYTES, MAX_FRAME_BYTES),
    "max_header_list_bytes": (1, _LONG),
    "max_header_block_bytes": (1, _LONG),
    "max_cheap_frames": (1, _LONG),
    "max_control_bytes": (1, _LONG),
}
"""Lowest and highest value of each limit that is a whole number."""


@dataclass(frozen=True, slots=True)
class Http2Limits:
    """Limits of one connection, which this endpoint announces and enforces.

    Attributes:
        max_concurrent_streams: Number of streams that the peer can have open at once.
        stream_window: Bytes of DATA that the peer can send on a stream before they are acknowledged.
        connection_window: Bytes of DATA that can be in flight on all streams together, at least 65,535.
        max_frame_bytes: Size of the largest frame that is accepted, from 16,384 to 16,777,215 bytes.
        max_header_list_bytes: Size of the largest header list that is served (RFC 9113, section 6.5.2). A list of
            more than twice this size ends the connection.
        max_header_block_bytes: Size of the largest compressed header block. A larger block ends the connection.
        max_cheap_frames: Number of frames that cost the peer little (PING, SETTINGS, RST_STREAM, PRIORITY, DATA
            without bytes, faulty streams) that the peer can send at once.
        cheap_frames_per_second: Number of such frames that the peer can send in the long run.
        max_control_bytes: Bytes of answers that are pending because the peer does not read. More end the connection.
        keepalive_interval: Seconds of silence after which a PING frame is sent, or None to send none.
        keepalive_timeout: Seconds of further silence that end the connection.
        settings_timeout: Seconds in which the peer must acknowledge the SETTINGS frame.

    Raises:
        InvalidArgument: A limit is outside its range.
    """

    max_concurrent_streams: int = 100
    stream_window: int = 1024 * 1024
    connection_window: int = 16 * 1024 * 1024
    max_frame_bytes: int = DEFAULT_FRAME_BYTES
    max_header_list_bytes: int = 32 * 1024
    max_header_block_bytes: int = 64 * 1024
    max_cheap_frames: int = 1000
    cheap_frames_per_second: float = 200.0
    max_control_bytes: int = 256 * 1024
    keepalive_interval: float | None = 10.0
    keepalive_timeout: float = 10.0
    settings_timeout: float = 30.0

    def __post_init__(self) -> None:
        for name, (lowest, highest) in _RANGES.items():
            value = getattr(self, name)
            if not isinstance(value, int) or not lowest <= value <= highest:
                raise InvalidArgument(name, value, f"a whole number from {lowest:,} to {highest:,}")
        for name in ("cheap_frames_per_second", "keepalive_interval", "keepalive_timeout", "settings_timeout"):
            value = getattr(self, name)
            if not (value is None and name == "keepalive_interval") and not value > 0:
                raise InvalidArgument(name, value, "a number over 0")
