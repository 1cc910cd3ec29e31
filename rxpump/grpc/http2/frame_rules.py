"""Rules for the stream and the size of each type of frame (RFC 9113, section 6)."""

from __future__ import annotations

from enum import Enum
from typing import Final, NamedTuple

from rxpump.grpc.http2.error_codes import ConnectionFault, ErrorCode
from rxpump.grpc.http2.frames import ACK, MAX_FRAME_BYTES, PADDED, PRIORITY_FLAG, FrameType

PRIORITY_BYTES: Final = 5
"""Size of the priority fields, which are deprecated and ignored (RFC 9113, section 5.3.2)."""


class FramePlace(Enum):
    """Streams on which a frame can be sent."""

    CONNECTION = "stream 0"
    STREAM = "a stream"
    EITHER = "stream 0 or a stream"


class FrameRule(NamedTuple):
    """Rule for one type of frame.

    Attributes:
        place: Where the frame can be sent.
        least: Size of the smallest payload.
        most: Size of the largest payload.
        multiple: Number that divides the size.
    """

    place: FramePlace
    least: int = 0
    most: int = MAX_FRAME_BYTES
    multiple: int = 1


FRAME_RULES: Final[dict[int, FrameRule]] = {
    FrameType.DATA: FrameRule(FramePlace.STREAM),
    FrameType.HEADERS: FrameRule(FramePlace.STREAM),
    FrameType.PRIORITY: FrameRule(FramePlace.STREAM),
    FrameType.RST_STREAM: FrameRule(FramePlace.STREAM, 4, 4),
    FrameType.SETTINGS: FrameRule(FramePlace.CONNECTION, multiple=6),
    FrameType.PUSH_PROMISE: FrameRule(FramePlace.STREAM, 4),
    FrameType.PING: FrameRule(FramePlace.CONNECTION, 8, 8),
    FrameType.GOAWAY: FrameRule(FramePlace.CONNECTION, 8),
    FrameType.WINDOW_UPDATE: FrameRule(FramePlace.EITHER, 4, 4),
    FrameType.CONTINUATION: FrameRule(FramePlace.STREAM),
}
"""Rule of each type. A PRIORITY frame of another size ends only its stream (RFC 9113, section 6.3)."""


def check_frame(kind: int, flags: int, stream_id: int, size: int) -> None:
    """Check the stream and the size of a frame of a known type.

    Raises:
        ConnectionFault: The frame is on a stream or has a size that its type does not allow.
    """
    place, least, most, multiple = FRAME_RULES[kind]
    if (place is FramePlace.STREAM and not stream_id) or (place is FramePlace.CONNECTION and stream_id):
        name = FrameType(kind).name
        raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, f"{name} on stream {stream_id}, not on {place.value}")
    if kind == FrameType.SETTINGS and flags & ACK:
        most = 0
    if not least <= size <= most or size % multiple:
        raise ConnectionFault(ErrorCode.FRAME_SIZE_ERROR, f"{FrameType(kind).name} with a payload of {size} bytes")


def without_padding(kind: FrameType, flags: int, payload: bytes) -> bytes:
    """Return the payload of a DATA or HEADERS frame without its padding (RFC 9113, section 6.1).

    Raises:
        ConnectionFault: The padding is longer than the payload.
    """
    if not flags & PADDED:
        return payload
    if not payload:
        raise ConnectionFault(ErrorCode.FRAME_SIZE_ERROR, f"padded {kind.name} without the length of the padding")
    if payload[0] >= len(payload):
        raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, f"{kind.name} with more padding than payload")
    return payload[1 : len(payload) - payload[0]]


def header_fragment(flags: int, payload: bytes) -> bytes:
    """Return the fragment of a header block in a HEADERS frame, without padding and priority.

    Raises:
        ConnectionFault: The payload is too short for its padding or priority.
    """
    payload = without_padding(FrameType.HEADERS, flags, payload)
    if not flags & PRIORITY_FLAG:
        return payload
    if len(payload) < PRIORITY_BYTES:
        raise ConnectionFault(ErrorCode.FRAME_SIZE_ERROR, "HEADERS with a priority that is cut off")
    return payload[PRIORITY_BYTES:]
