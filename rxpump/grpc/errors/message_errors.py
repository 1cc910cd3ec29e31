"""Errors that a server sends as ordinary messages: of an append, of a batch, and of a read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from rxpump.errors import (
    AccessDenied,
    AppendTooLarge,
    BadRequest,
    EventTooLarge,
    InvalidTransaction,
    RxPumpError,
    ServerFailed,
    ServerTimeout,
    StreamDeleted,
    StreamNotFound,
    WrongExpectedVersion,
)
from rxpump.grpc.errors.call_context import CallContext
from rxpump.grpc.errors.code_errors import error_of_code
from rxpump.grpc.errors.detail_errors import parse_detail
from rxpump.grpc.messages import streams
from rxpump.grpc.protocol.call_status import CallStatus, StatusCode

_NO_EVENTS: Final = -1
_NO_STREAM: Final = (1 << 64) - 1
"""The version -1 as an unsigned number."""

_CODES: Final = frozenset(StatusCode)


def error_of_append(refusal: Any, call: CallContext) -> WrongExpectedVersion:
    """Return the error of an append that found its stream at another version.

    Args:
        refusal: `wrong_expected_version` of an AppendResponse. In version 20.6.0 it had other fields.
        call: Description of the append.
    """
    field = refusal.WhichOneof("current") or refusal.WhichOneof("current_20_6_0")
    return WrongExpectedVersion(call.stream_or_all, call.expected_version, _version(refusal, field))


def error_of_read(call: CallContext) -> StreamNotFound:
    """Return the error of a read that was answered by `stream_not_found`."""
    return StreamNotFound(call.stream_or_all)


def error_of_batch(error: Any, call: CallContext) -> RxPumpError:
    """Return the error of one batch.

    Args:
        error: `error` of a BatchAppendResponse. It is an error even if its code is 0.
        call: Description of the batch.
    """
    for detail in error.details:
        make = _BY_DETAIL.get(detail.type_url.rpartition(".")[2])
        if make is not None:
            return make(detail.value, call)
    if (make := _BY_DETAIL.get(error.message)) is not None:  # The message of an error is the type of its detail.
        return make(b"", call)
    code = StatusCode(error.code) if error.code in _CODES else StatusCode.UNKNOWN
    return error_of_code(CallStatus(code, error.message), call)


def _version(message: Any, field: str | None) -> int | None:
    """Return the version in a field of a message, None if there is no field."""
    if field is None:
        return None
    value = getattr(message, field)
    if not isinstance(value, int):  # The server sends an Empty if the stream does not exist.
        return _NO_EVENTS
    return _NO_EVENTS if value == _NO_STREAM else value


def _wrong_expected_version(detail: bytes, call: CallContext) -> WrongExpectedVersion:
    found = parse_detail(streams.WrongExpectedVersion, detail)
    return WrongExpectedVersion(
        call.stream_or_all, call.expected_version, _version(found, found.WhichOneof("current"))
    )


def _too_large(detail: bytes, call: CallContext) -> AppendTooLarge:
    found = parse_detail(streams.MaximumAppendSizeExceeded, detail)
    return AppendTooLarge(call.stream_or_all, found.max_append_size or None)


def _event_too_large(detail: bytes, call: CallContext) -> EventTooLarge:
    found = parse_detail(streams.MaximumAppendEventSizeExceeded, detail)
    limit, size = found.max_append_event_size or None, found.proposed_event_size or None
    return EventTooLarge(call.stream_or_all, limit, size, found.event_id)


def _bad_request(detail: bytes, call: CallContext) -> BadRequest:
    return BadRequest(call.operation, parse_detail(streams.BadRequest, detail).message)


_BY_DETAIL: Final[dict[str, Callable[[bytes, CallContext], RxPumpError]]] = {
    "WrongExpectedVersion": _wrong_expected_version,
    "StreamDeleted": lambda _, call: StreamDeleted(call.stream_or_all),
    "AccessDenied": lambda _, call: AccessDenied(call.action, call.stream_or_all, call.login),
    "Timeout": lambda _, call: ServerTimeout(call.stream_or_all, "Timeout"),
    "MaximumAppendSizeExceeded": _too_large,
    "MaximumAppendEventSizeExceeded": _event_too_large,
    "BadRequest": _bad_request,
    "InvalidTransaction": lambda _, call: InvalidTransaction(call.stream_or_all),
    "Unknown": lambda _, call: ServerFailed(call.operation, "Unknown"),
}
"""Function that makes the error, by the type of the detail."""
