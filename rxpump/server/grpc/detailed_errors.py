"""Errors of the v2 services, whose status has messages as details (docs/protocol/grpc.md, section 4.4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from rxpump.grpc.messages import status, streams_v2
from rxpump.grpc.messages.methods import Method
from rxpump.grpc.protocol.call_status import CallStatus, StatusCode
from rxpump.model.positions import ExpectedVersion
from rxpump.server.grpc.call_errors import CallError, not_committed
from rxpump.server.store.changes import NotCommitted, TimedOut
from rxpump.server.store.multi_append import SOFT_DELETED, TOMBSTONED, Violation

_GENERAL: Final = "kurrent.rpc"
_STREAMS: Final = "kurrentdb.protocol.v2.streams.errors"
_TOMBSTONED: Final = (
    "Stream '{}' has been tombstoned. It has been permanently removed from the system and cannot be restored."
)
_TWICE: Final = (
    "Stream '{}' already has a different group of messages in this session. Appends for the same stream must"
    " currently be grouped together and not interleaved with appends for other streams."
)
_AWAITED: Final = {TimedOut.COMMIT: "for commit", TimedOut.FORWARD: "to be forwarded to the leader"}
_NO_STREAM: Final = int(ExpectedVersion.NO_STREAM)
_ANY: Final = int(ExpectedVersion.ANY)
_STREAM_EXISTS: Final = int(ExpectedVersion.STREAM_EXISTS)


def detailed_error(
    code: StatusCode, message: str, reason: str, details: Sequence[tuple[str, Any]] = (), domain: str = "streams"
) -> CallError:
    """Return an error with details.

    Args:
        code: Status code.
        message: Text of the status.
        reason: Name of the error.
        details: Name and message of each further detail.
        domain: Part of the server in which the error occurred.
    """
    info = status.ErrorInfo(reason=reason, domain=domain)
    packed = [
        {"type_url": f"type.googleapis.com/{name}", "value": detail.SerializeToString()}
        for name, detail in (("google.rpc.ErrorInfo", info), *details)
    ]
    whole = status.Status(code=code.value, message=message, details=packed)
    return CallError(CallStatus(code, message, (("grpc-status-details-bin", whole.SerializeToString()),)))


def bad_request(message_name: str, violations: Sequence[tuple[str, str]]) -> CallError:
    """Return the error of a request that is malformed.

    Args:
        message_name: Name of the message.
        violations: Field and text of each fault, at least one.
    """
    texts = [text for _, text in violations]
    rest = f" {texts[0]}" if len(texts) == 1 else "".join(f"\n -- {text}" for text in texts) + "\n"
    fields = [{"field": field, "description": text} for field, text in violations]
    detail = status.BadRequestDetails(field_violations=fields)
    return detailed_error(
        StatusCode.INVALID_ARGUMENT,
        f"The '{message_name}' is invalid:{rest}",
        "BAD_REQUEST",
        [("google.rpc.BadRequest", detail)],
        "server",
    )


def revision_conflict(stream: str, expected: int | None, actual: int) -> CallError:
    """Return the error of a stream at another version.

    Args:
        stream: Name of the stream.
        expected: Version that the request names; None if it names none. A real server then names 0.
        actual: Version of the stream.
    """
    detail = streams_v2.StreamRevisionConflictDetails(
        stream=stream, expected_revision=expected, actual_revision=actual
    )
    return detailed_error(
        StatusCode.FAILED_PRECONDITION,
        f"Append failed due to a revision conflict on stream '{stream}'. Expected revision: {expected or 0}."
        f" Actual revision: {actual}.",
        "STREAM_REVISION_CONFLICT",
        [(f"{_STREAMS}.StreamRevisionConflictErrorDetails", detail)],
    )


def stream_tombstoned(stream: str) -> CallError:
    """Return the error of a tombstoned stream."""
    return _of_stream(StatusCode.FAILED_PRECONDITION, _TOMBSTONED, "STREAM_TOMBSTONED", "StreamTombstoned", stream)


def stream_twice(stream: str) -> CallError:
    """Return the error of a session with two requests for one stream."""
    name = "StreamAlreadyInAppendSession"
    return _of_stream(StatusCode.ABORTED, _TWICE, "STREAM_ALREADY_IN_APPEND_SESSION", name, stream)


def no_requests() -> CallError:
    """Return the error of a session without requests."""
    message = "Append session started, but no append requests were sent before ending the session."
    return detailed_error(StatusCode.FAILED_PRECONDITION, message, "APPEND_SESSION_NO_REQUESTS")


def record_too_large(stream: str, record_id: str, size: int, limit: int) -> CallError:
    """Return the error of a record that is too large."""
    detail = streams_v2.AppendRecordSizeExceededDetails(stream=stream, record_id=record_id, size=size, max_size=limit)
    return detailed_error(
        StatusCode.INVALID_ARGUMENT,
        f"The size of record {record_id} ({_in_units(size)}) exceeds the maximum allowed size of"
        f" {_in_units(limit)} bytes by {_in_units(size - limit)}",
        "APPEND_RECORD_SIZE_EXCEEDED",
        [(f"{_STREAMS}.AppendRecordSizeExceededErrorDetails", detail)],
    )


def transaction_too_large(size: int, limit: int, records: int) -> CallError:
    """Return the error of an append whose first `records` records together are too large."""
    detail = streams_v2.AppendTransactionSizeExceededDetails(size=size, max_size=limit)
    return detailed_error(
        StatusCode.ABORTED,
        f"Transaction size ({_in_units(size)}) exceeded the maximum allowed size of {_in_units(limit)} by"
        f" {_in_units(size - limit)}, after {records} record(s).",
        "APPEND_TRANSACTION_SIZE_EXCEEDED",
        [(f"{_STREAMS}.AppendTransactionSizeExceededErrorDetails", detail)],
    )


def _in_units(size: int) -> str:
    """Return a number of bytes in the largest unit of which it has at least one."""
    for unit, name in ((1024**3, "GB"), (1024**2, "MB"), (1024, "KB")):
        if size >= unit:
            return f"{size / unit:.3f} {name}"
    return f"{size:.3f} B"


def consistency_violated(violations: Sequence[Violation]) -> CallError:
    """Return the error of streams that are not in the expected states."""
    detail = streams_v2.AppendConsistencyViolationDetails(
        violations=[
            {
                "check_index": each.check_index,
                "stream_state": {
                    "stream": each.stream,
                    "expected_state": each.expected,
                    "actual_state": each.actual,
                },
            }
            for each in violations
        ]
    )
    texts = "".join(f"\n - Stream '{each.stream}'{_violated(each.expected, each.actual)}." for each in violations)
    return detailed_error(
        StatusCode.FAILED_PRECONDITION,
        f"Append failed due to consistency violations.\n{texts}",
        "APPEND_CONSISTENCY_VIOLATION",
        [(f"{_STREAMS}.AppendConsistencyViolationErrorDetails", detail)],
    )


def _violated(expected: int, actual: int) -> str:
    """Return what is wrong with the state of a stream. The text of a real server depends on both states."""
    found = {_NO_STREAM: " does not exist", SOFT_DELETED: " is deleted", TOMBSTONED: " is tombstoned"}
    if expected >= 0:
        return f"{found.get(actual, f' is at revision {actual}')}, expected revision {expected}"
    if expected == _NO_STREAM and actual >= 0:
        return f" already exists at revision {actual}"
    if actual == TOMBSTONED and expected in (_NO_STREAM, _ANY, _STREAM_EXISTS):
        return found[actual]
    if actual in found and expected == _STREAM_EXISTS:
        return found[actual]
    if expected == SOFT_DELETED and actual != SOFT_DELETED:
        return f"{found.get(actual, f' is at revision {actual}')}, explicitly expected deleted"
    if expected == TOMBSTONED and actual in (_NO_STREAM, SOFT_DELETED):
        return f"{found[actual]}, explicitly expected tombstoned"
    return f": expected state {expected}, actual state {actual}"


def access_denied_to(operation: str, username: str) -> CallError:
    """Return the error of a user who lacks a permission.

    Args:
        operation: Resource and action, such as "streams:write:orders".
        username: Login of the user; empty for an anonymous one.
    """
    detail = status.AccessDeniedDetails(operation=operation, username=username or None)
    return detailed_error(
        StatusCode.PERMISSION_DENIED,
        f"Access denied. Insufficient permissions to perform {operation}",
        "ACCESS_DENIED",
        [(f"{_GENERAL}.AccessDeniedErrorDetails", detail)],
        "server",
    )


def not_leader_node(host: str, port: int, node_id: str) -> CallError:
    """Return the error of a call that only the leader serves, with address and id of the leader."""
    detail = status.NotLeaderNodeDetails(current_leader={"host": host, "port": port, "node_id": node_id})
    return detailed_error(
        StatusCode.FAILED_PRECONDITION,
        "The server is not the leader node and cannot handle the request. Please retry your request against the"
        f" leader node directly at {host}:{port}",
        "NOT_LEADER_NODE",
        [(f"{_GENERAL}.NotLeaderNodeErrorDetails", detail)],
        "server",
    )


def server_not_ready() -> CallError:
    """Return the error of a node without a leader."""
    return _to_be_retried(
        StatusCode.UNAVAILABLE, "The server is not yet ready to handle requests.", "SERVER_NOT_READY"
    )


def append_failed(outcome: NotCommitted, method: Method) -> CallError:
    """Return the error of an append that was not committed, or not confirmed in time."""
    awaited = None if outcome.timed_out is None else _AWAITED.get(outcome.timed_out)
    if awaited is not None:
        name = "Append session" if method is streams_v2.APPEND_SESSION else "Append records"
        text = f"Operation timed out: {name} timed out while waiting {awaited}"
        return _to_be_retried(StatusCode.DEADLINE_EXCEEDED, text, "OPERATION_TIMEOUT")
    message = not_committed(outcome).status.message
    return detailed_error(StatusCode.INTERNAL, message, "SERVER_MALFUNCTION", domain="server")


def _to_be_retried(code: StatusCode, text: str, reason: str) -> CallError:
    detail = status.RetryInfo(retry_delay={"seconds": 5})
    message = f"{text} Please try again after 5 seconds."
    return detailed_error(code, message, reason, [("google.rpc.RetryInfo", detail)], "server")


def _of_stream(code: StatusCode, text: str, reason: str, name: str, stream: str) -> CallError:
    detail = streams_v2.StreamDetails(stream=stream)
    return detailed_error(code, text.format(stream), reason, [(f"{_STREAMS}.{name}ErrorDetails", detail)])
