"""Error codes of HTTP/2 (RFC 9113, section 7), and the exceptions that carry them."""

from __future__ import annotations

from enum import IntEnum


class ErrorCode(IntEnum):
    """Reason for the end of a stream or a connection."""

    NO_ERROR = 0x0
    PROTOCOL_ERROR = 0x1
    INTERNAL_ERROR = 0x2
    FLOW_CONTROL_ERROR = 0x3
    SETTINGS_TIMEOUT = 0x4
    STREAM_CLOSED = 0x5
    FRAME_SIZE_ERROR = 0x6
    REFUSED_STREAM = 0x7
    CANCEL = 0x8
    COMPRESSION_ERROR = 0x9
    CONNECT_ERROR = 0xA
    ENHANCE_YOUR_CALM = 0xB
    INADEQUATE_SECURITY = 0xC
    HTTP_1_1_REQUIRED = 0xD


def error_code(number: int) -> ErrorCode | int:
    """Return the code with a number; an unknown number stays a number (RFC 9113, section 7)."""
    try:
        return ErrorCode(number)
    except ValueError:
        return number


class ConnectionFault(Exception):
    """The peer broke a rule in a way that ends the connection (RFC 9113, section 5.4.1).

    Attributes:
        code: Code that the GOAWAY frame carries.
        reason: Description of the fault.
    """

    def __init__(self, code: ErrorCode, reason: str) -> None:
        super().__init__(f"{code.name}: {reason}")
        self.code: ErrorCode = code
        self.reason: str = reason


class StreamFault(Exception):
    """The peer broke a rule in a way that ends one stream (RFC 9113, section 5.4.2).

    Attributes:
        stream_id: Number of the stream.
        code: Code that the RST_STREAM frame carries.
        reason: Description of the fault.
    """

    def __init__(self, stream_id: int, code: ErrorCode, reason: str) -> None:
        super().__init__(f"stream {stream_id}: {code.name}: {reason}")
        self.stream_id: int = stream_id
        self.code: ErrorCode = code
        self.reason: str = reason


class CannotOpenStream(Exception):
    """This endpoint cannot open a stream on the connection now.

    Attributes:
        reason: Description of the obstacle.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"no stream can be opened: {reason}")
        self.reason: str = reason


class CannotSend(Exception):
    """This endpoint cannot send the frame on the stream.

    Attributes:
        stream_id: Number of the stream.
        reason: Description of the obstacle.
    """

    def __init__(self, stream_id: int, reason: str) -> None:
        super().__init__(f"stream {stream_id}: {reason}")
        self.stream_id: int = stream_id
        self.reason: str = reason
