"""Errors of the v2 services, whose status has messages as details (docs/protocol/grpc.md, section 4.4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from rxpump.grpc.messages import status, streams_v2
from rxpump.grpc.protocol.call_status import CallStatus, StatusCode
from rxpump.server.grpc.call_errors import CallError, not_committed
from rxpump.server.store.changes import NotCommitted, TimedOut
from rxpump.server.store.multi_append import Violation

_GENERAL: Final = "kurrent.rpc"
_STREAMS: Final = "kurrentdb.protocol.v2.streams.errors"
_TOMBSTONED: Final = (
    "Stream '{}' has been tombstoned. It has been permanently removed from the system and cannot be restored."
)
_TWICE: Final = (
    "Stream '{}' already has a different group of messages in this session. Appends for the same stream must"
    " currently be grouped together and not interleaved with appends for other streams."
)
_MEGABYTE: Final = 1024 * 1024


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
        f"The size of record {record_id} ({size / _MEGABYTE:.3f} MB) exceeds the maximum allowed size of"
        f" {limit / _MEGABYTE:.3f} MB bytes by {(size - limit) / _MEGABYTE:.3f} MB",
        "APPEND_RECORD_SIZE_EXCEEDED",
        [(f"{_STREAMS}.AppendRecordSizeExceededErrorDetails", detail)],
    )


def transaction_too_large(size: int, limit: int) -> CallError:
    """Return the error of an append whose records together are too large."""
    detail = streams_v2.AppendTransactionSizeExceededDetails(size=size, max_size=limit)
    return detailed_error(
        StatusCode.ABORTED,
        f"The size of the transaction ({size / _MEGABYTE:.3f} MB) exceeds the maximum allowed size of"
        f" {limit / _MEGABYTE:.3f} MB",
        "APPEND_TRANSACTION_SIZE_EXCEEDED",
        [(f"{_STREAMS}.AppendTransactionSizeExceededErrorDetails", detail)],
    )


def consistency_violated(violations: Sequence[Violation]) -> CallError:
    """Return the error of conditions that do not hold."""
    detail = streams_v2.AppendConsistencyViolationDetails(
        violations=[
            {
                "check_index": each.check_index or 0,
                "stream_state": {
                    "stream": each.stream,
                    "expected_state": each.expected,
                    "actual_state": each.actual,
                },
            }
            for each in violations
        ]
    )
    texts = (f"'{each.stream}' (expected {each.expected}, actual {each.actual})" for each in violations)
    return detailed_error(
        StatusCode.FAILED_PRECONDITION,
        f"Append failed due to consistency violations: {', '.join(texts)}.",
        "APPEND_CONSISTENCY_VIOLATION",
        [(f"{_STREAMS}.AppendConsistencyViolationErrorDetails", detail)],
    )


def access_denied_to(operation: str, username: str) -> CallError:
    """Return the error of a user who lacks a permission."""
    detail = status.AccessDeniedDetails(operation=operation, username=username)
    return detailed_error(
        StatusCode.PERMISSION_DENIED,
        f"Access to '{operation}' denied for user '{username}'.",
        "ACCESS_DENIED",
        [(f"{_GENERAL}.AccessDeniedErrorDetails", detail)],
        "server",
    )


def not_leader_node(host: str, port: int) -> CallError:
    """Return the error of a call that only the leader serves."""
    detail = status.NotLeaderNodeDetails(current_leader={"host": host, "port": port})
    return detailed_error(
        StatusCode.FAILED_PRECONDITION,
        f"The node is not the leader. The leader is {host}:{port}.",
        "NOT_LEADER_NODE",
        [(f"{_GENERAL}.NotLeaderNodeErrorDetails", detail)],
        "server",
    )


def server_not_ready() -> CallError:
    """Return the error of a node without a leader."""
    detail = status.RetryInfo(retry_delay={"seconds": 5})
    return detailed_error(
        StatusCode.UNAVAILABLE,
        "The server is not ready.",
        "SERVER_NOT_READY",
        [("google.rpc.RetryInfo", detail)],
        "server",
    )


def append_failed(outcome: NotCommitted) -> CallError:
    """Return the error of an append that was not committed, or not confirmed in time."""
    status = not_committed(outcome).status
    if outcome.timed_out is TimedOut.COMMIT:
        return detailed_error(StatusCode.DEADLINE_EXCEEDED, status.message, "OPERATION_TIMEOUT", domain="server")
    return detailed_error(StatusCode.INTERNAL, status.message, "SERVER_MALFUNCTION", domain="server")


def _of_stream(code: StatusCode, text: str, reason: str, name: str, stream: str) -> CallError:
    detail = streams_v2.StreamDetails(stream=stream)
    return detailed_error(code, text.format(stream), reason, [(f"{_STREAMS}.{name}ErrorDetails", detail)])
