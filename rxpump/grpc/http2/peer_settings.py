"""Settings of the peer (RFC 9113, section 6.5.2)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from rxpump.grpc.http2.error_codes import ConnectionFault, ErrorCode
from rxpump.grpc.http2.frames import DEFAULT_FRAME_BYTES, MAX_FRAME_BYTES, MAX_WINDOW, Setting, read_settings
from rxpump.grpc.http2.stream_table import Role

_RANGES: Final = {
    Setting.ENABLE_PUSH: (0, 1, ErrorCode.PROTOCOL_ERROR),
    Setting.INITIAL_WINDOW_SIZE: (0, MAX_WINDOW, ErrorCode.FLOW_CONTROL_ERROR),
    Setting.MAX_FRAME_SIZE: (DEFAULT_FRAME_BYTES, MAX_FRAME_BYTES, ErrorCode.PROTOCOL_ERROR),
}
"""Lowest and highest value of each setting, and the error code for any other value."""

_STREAMS_BEFORE_SETTINGS: Final = 100
"""Streams to open before the peer has announced a limit: the least that RFC 9113, section 6.5.2 recommends."""

_UNLIMITED: Final = 2**32 - 1


@dataclass(slots=True)
class PeerSettings:
    """Settings that the peer has announced, without those that the `Sender` keeps.

    Attributes:
        max_concurrent_streams: Number of streams that this endpoint can have open at once.
        max_header_list_bytes: Size of the largest header list that the peer serves.
        is_known: Whether the first SETTINGS frame has arrived.
    """

    max_concurrent_streams: int = field(default=_STREAMS_BEFORE_SETTINGS)
    max_header_list_bytes: int = field(default=_UNLIMITED)
    is_known: bool = False

    def update(self, values: dict[int, int]) -> None:
        """Apply the values of a SETTINGS frame."""
        if not self.is_known:
            self.is_known = True
            self.max_concurrent_streams = _UNLIMITED
        self.max_concurrent_streams = values.get(Setting.MAX_CONCURRENT_STREAMS, self.max_concurrent_streams)
        self.max_header_list_bytes = values.get(Setting.MAX_HEADER_LIST_SIZE, self.max_header_list_bytes)


def checked_settings(payload: bytes, role: Role) -> tuple[dict[int, int], list[int]]:
    """Check the payload of a SETTINGS frame.

    Args:
        payload: The payload.
        role: Role of the endpoint that received the frame.

    Returns:
        The last value of each setting, and the sizes of the header table that an encoder must announce: the smallest
        and the last (RFC 7541, section 4.2).

    Raises:
        ConnectionFault: A value is out of range.
    """
    values: dict[int, int] = {}
    table_sizes: list[int] = []
    for identifier, value in read_settings(payload):
        lowest, highest, code = _RANGES.get(identifier, (0, _UNLIMITED, ErrorCode.PROTOCOL_ERROR))  # type: ignore[call-overload]
        if identifier == Setting.ENABLE_PUSH and role is Role.CLIENT:
            highest = 0
        if not lowest <= value <= highest:
            raise ConnectionFault(code, f"the setting {Setting(identifier).name} is {value:,}")
        if identifier == Setting.HEADER_TABLE_SIZE:
            table_sizes = [min(value, *table_sizes), value] if table_sizes else [value]
        values[identifier] = value
    return values, table_sizes
