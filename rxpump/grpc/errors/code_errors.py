"""Errors of a status that has only a code and a text."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from rxpump.errors import (
    AccessDenied,
    AppendTooLarge,
    BadRequest,
    InvalidPosition,
    NotAuthenticated,
    NotLeader,
    NotReady,
    NotSupported,
    OperationTimedOut,
    ProjectionExists,
    ProjectionFailed,
    ProjectionNotFound,
    ReadFailed,
    RxPumpError,
    ServerFailed,
    TooBusy,
)
from rxpump.grpc.errors.call_context import CallContext, Effect
from rxpump.grpc.errors.interruptions import interrupted
from rxpump.grpc.errors.unnamed_errors import unnamed_error
from rxpump.grpc.messages import projections
from rxpump.grpc.protocol.call_status import CallStatus, StatusCode

_READ_FAILED: Final = re.compile(r"Unexpected \w*Read\w*Result\b")
_INVALID_POSITION: Final = re.compile(r"\binvalid ?position\b", re.IGNORECASE)
_MESSAGE_TOO_LARGE: Final = re.compile(r"\bmessage (is )?(exceeds|larger|too large)\b", re.IGNORECASE)
"""Texts of servers and proxies that refuse a message because of its size; they differ between libraries of gRPC."""

_NOT_HANDLED: Final = {
    "server is not ready": NotReady,
    "server not ready": NotReady,
    "server is too busy": TooBusy,
    "server is busy": TooBusy,
    "no leader info available in response": NotLeader,
}
"""Class of the error of a request that the server did not begin, by the text of the status in lower case."""

_PROJECTION_ERRORS: Final = (
    (re.compile(r"Projection '.*' not found|Envelope callback .*received NotFound instead"), ProjectionNotFound),
    (re.compile(r"Envelope callback .*received Conflict instead"), ProjectionExists),
    (re.compile(r"Envelope callback .*received OperationFailed instead"), ProjectionFailed),
)
"""Class of the error of a request about a projection, by a pattern of the text of the status."""


def error_of_code(status: CallStatus, call: CallContext) -> RxPumpError:
    """Return the error for the code and the text of a status."""
    not_handled = _NOT_HANDLED.get(status.message.rstrip(".").lower())
    if not_handled is not None:
        return not_handled(call.operation)
    if _is_about_a_projection(call):
        for pattern, error in _PROJECTION_ERRORS:
            if pattern.match(status.message):
                return error(call.name, status.message)
    return _BY_CODE[status.code](status, call)


def _is_about_a_projection(call: CallContext) -> bool:
    return call.method.path.startswith(projections.CREATE.path.removesuffix("Create"))


def _unknown(status: CallStatus, call: CallContext) -> RxPumpError:
    if _READ_FAILED.match(status.message):
        failure = InvalidPosition if _INVALID_POSITION.search(status.message) else ReadFailed
        return failure(call.stream_or_all, status.message)
    return unnamed_error(status, call) or ServerFailed(call.operation, status.message)


def _invalid_argument(status: CallStatus, call: CallContext) -> RxPumpError:
    if _INVALID_POSITION.search(status.message):
        return InvalidPosition(call.stream_or_all, status.message)
    return BadRequest(call.operation, status.message)


def _deadline_exceeded(status: CallStatus, call: CallContext) -> RxPumpError:
    if call.timeout is None or call.effect is Effect.WRITE:
        return interrupted(status.message, call)
    return OperationTimedOut(call.operation, call.timeout, attempts=1)


def _already_exists(status: CallStatus, call: CallContext) -> RxPumpError:
    if _is_about_a_projection(call):
        return ProjectionExists(call.name, status.message)
    return BadRequest(call.operation, status.message)


def _failed_precondition(status: CallStatus, call: CallContext) -> RxPumpError:
    if _is_about_a_projection(call):
        return ProjectionFailed(call.name, status.message)
    return BadRequest(call.operation, status.message)


def _resource_exhausted(status: CallStatus, call: CallContext) -> RxPumpError:
    if not _MESSAGE_TOO_LARGE.search(status.message):
        return TooBusy(call.operation)
    if call.effect is Effect.WRITE:
        return AppendTooLarge(call.stream_or_all)
    return BadRequest(call.operation, status.message)


def _not_found(status: CallStatus, call: CallContext) -> RxPumpError:
    if _is_about_a_projection(call) and call.name:
        return ProjectionNotFound(call.name, status.message)
    return _not_supported(status, call)


def _not_supported(status: CallStatus, call: CallContext) -> RxPumpError:
    alternative = f"use a server of version {call.method.since} or later, with this service enabled"
    return NotSupported(call.operation, "gRPC", f"the server answers {status.message!r}", alternative)


def _internal(status: CallStatus, call: CallContext) -> RxPumpError:
    if call.effect is Effect.WRITE:
        return interrupted(status.message, call)
    return ServerFailed(call.operation, status.message)


def _unavailable(status: CallStatus, call: CallContext) -> RxPumpError:
    if status.is_unprocessed:
        return NotReady(call.operation)
    return interrupted(status.message, call)


def _interrupted(status: CallStatus, call: CallContext) -> RxPumpError:
    return interrupted(status.message, call)


def _bad_request(status: CallStatus, call: CallContext) -> RxPumpError:
    return BadRequest(call.operation, status.message)


def _server_failed(status: CallStatus, call: CallContext) -> RxPumpError:
    return ServerFailed(call.operation, status.message)


def _access_denied(_: CallStatus, call: CallContext) -> RxPumpError:
    return AccessDenied(call.action, call.stream_or_all, call.login)


def _not_authenticated(status: CallStatus, call: CallContext) -> RxPumpError:
    return NotAuthenticated(call.login, status.message)


_BY_CODE: Final[dict[StatusCode, Callable[[CallStatus, CallContext], RxPumpError]]] = {
    StatusCode.OK: _server_failed,
    StatusCode.CANCELLED: _interrupted,
    StatusCode.UNKNOWN: _unknown,
    StatusCode.INVALID_ARGUMENT: _invalid_argument,
    StatusCode.DEADLINE_EXCEEDED: _deadline_exceeded,
    StatusCode.NOT_FOUND: _not_found,
    StatusCode.ALREADY_EXISTS: _already_exists,
    StatusCode.PERMISSION_DENIED: _access_denied,
    StatusCode.RESOURCE_EXHAUSTED: _resource_exhausted,
    StatusCode.FAILED_PRECONDITION: _failed_precondition,
    StatusCode.ABORTED: _interrupted,
    StatusCode.OUT_OF_RANGE: _bad_request,
    StatusCode.UNIMPLEMENTED: _not_supported,
    StatusCode.INTERNAL: _internal,
    StatusCode.UNAVAILABLE: _unavailable,
    StatusCode.DATA_LOSS: _server_failed,
    StatusCode.UNAUTHENTICATED: _not_authenticated,
}
"""Function that makes the error, by status code. NOT_FOUND can come from a proxy if the server lacks the method."""
