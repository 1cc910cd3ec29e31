"""Statuses of calls, and their counterparts in HTTP and HTTP/2."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from rxpump.grpc.http2.error_codes import ErrorCode
from rxpump.grpc.http2.http2_events import Header, StreamReset
from rxpump.grpc.protocol.call_metadata import Metadata, decode_message, decode_metadata


class StatusCode(IntEnum):
    """Result of a call."""

    OK = 0
    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16


@dataclass(frozen=True, slots=True)
class CallStatus:
    """Status of a call that ended.

    Attributes:
        code: Result.
        message: Description for a person; it can be empty.
        metadata: Names and values that the server sent with the status.
        is_unprocessed: Whether the server certainly did nothing for the call, so that it can be repeated.
        http_status: HTTP status that decided the code, None if something else did.
        is_interrupted: Whether the call ended without a status of the server, as after a lost connection.
    """

    code: StatusCode
    message: str = ""
    metadata: Metadata = ()
    is_unprocessed: bool = False
    http_status: str | None = None
    is_interrupted: bool = False


HANDLER_FAILED: Final = CallStatus(StatusCode.UNKNOWN, "Exception was thrown by handler.")
"""Status of a call whose handler failed on the server (docs/protocol/grpc.md)."""

_NUMBERS: Final = frozenset(StatusCode)

_BY_HTTP_STATUS: Final = {
    "400": StatusCode.INTERNAL,
    "401": StatusCode.UNAUTHENTICATED,
    "403": StatusCode.PERMISSION_DENIED,
    "404": StatusCode.UNIMPLEMENTED,
    "429": StatusCode.UNAVAILABLE,
    "502": StatusCode.UNAVAILABLE,
    "503": StatusCode.UNAVAILABLE,
    "504": StatusCode.UNAVAILABLE,
}
"""Code of a response without `grpc-status`, by its HTTP status; any other is UNKNOWN."""

_INTERRUPTED: Final = frozenset(("200", "429", "502", "503", "504"))
"""HTTP statuses of a response without `grpc-status` that ends a call early. A proxy sends all but the first."""

_BY_ERROR_CODE: Final[dict[int, StatusCode]] = {
    ErrorCode.NO_ERROR: StatusCode.INTERNAL,
    ErrorCode.PROTOCOL_ERROR: StatusCode.INTERNAL,
    ErrorCode.INTERNAL_ERROR: StatusCode.INTERNAL,
    ErrorCode.FLOW_CONTROL_ERROR: StatusCode.INTERNAL,
    ErrorCode.SETTINGS_TIMEOUT: StatusCode.INTERNAL,
    ErrorCode.FRAME_SIZE_ERROR: StatusCode.INTERNAL,
    ErrorCode.REFUSED_STREAM: StatusCode.UNAVAILABLE,
    ErrorCode.CANCEL: StatusCode.CANCELLED,
    ErrorCode.COMPRESSION_ERROR: StatusCode.INTERNAL,
    ErrorCode.CONNECT_ERROR: StatusCode.INTERNAL,
    ErrorCode.ENHANCE_YOUR_CALM: StatusCode.RESOURCE_EXHAUSTED,
    ErrorCode.INADEQUATE_SECURITY: StatusCode.PERMISSION_DENIED,
}
"""Code of a stream that was reset, by its error code; any other is UNKNOWN."""


def status_of_headers(headers: tuple[Header, ...], http_status: str) -> CallStatus:
    """Return the status that trailers carry.

    Args:
        headers: The trailers, or the only headers of a response without a body.
        http_status: Value of `:status`, which counts if there is no `grpc-status`.
    """
    fields = dict(headers)
    number = fields.get("grpc-status")
    if number is None:
        code = _BY_HTTP_STATUS.get(http_status, StatusCode.UNKNOWN)
        message = f"HTTP status {http_status} without grpc-status"
        is_interrupted = http_status in _INTERRUPTED
        return CallStatus(
            code, message, decode_metadata(headers), http_status=http_status, is_interrupted=is_interrupted
        )
    number = number.strip()
    is_known = number.isascii() and number.isdigit() and len(number) <= 2 and int(number) in _NUMBERS
    code = StatusCode(int(number)) if is_known else StatusCode.UNKNOWN
    return CallStatus(code, decode_message(fields.get("grpc-message", "")), decode_metadata(headers))


def status_of_reset(reset: StreamReset) -> CallStatus:
    """Return the status of a call whose stream was reset."""
    name = reset.code.name if isinstance(reset.code, ErrorCode) else f"error {reset.code}"
    message = f"the stream ended with {name}: {reset.reason}"
    if reset.is_unprocessed:
        return CallStatus(StatusCode.UNAVAILABLE, message, is_unprocessed=True)
    code = _BY_ERROR_CODE.get(reset.code, StatusCode.UNKNOWN)
    return CallStatus(code, message, is_interrupted=reset.is_by_peer)
