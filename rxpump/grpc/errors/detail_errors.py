"""Errors of the v2 services, which a google.rpc.Status among the metadata describes.

The first detail is an ErrorInfo, whose reason names the error. The second is a message for that reason.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from google.protobuf.message import DecodeError

from rxpump.errors import (
    AccessDenied,
    AppendTooLarge,
    BadRequest,
    CommitTimeout,
    ConsistencyCheckFailed,
    EventTooLarge,
    IndexesNotReady,
    IndexExists,
    IndexNotFound,
    NotLeader,
    NotReady,
    NotSupported,
    RxPumpError,
    StreamDeleted,
    StreamNotFound,
    TooBusy,
    WrongExpectedVersion,
)
from rxpump.grpc.errors.call_context import CallContext
from rxpump.grpc.messages import indexes_v2, status, streams_v2

_NO_STREAM: Final = -1
_TOMBSTONED: Final = -6
_STREAM_ERRORS: Final = "kurrentdb.protocol.v2.streams.errors"
_INDEX_ERRORS: Final = "kurrentdb.protocol.v2.indexes.errors"
_TYPE_OF_REASON: Final = re.compile(r".*\.(\w+)ErrorDetails").fullmatch
_WORD: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
"""Matches the position between two words of a name such as StreamDeleted."""


def parse_detail(message_class: Any, encoded: bytes) -> Any:
    """Parse a detail. Return an empty message if the bytes are malformed."""
    try:
        return message_class.FromString(encoded)
    except DecodeError:
        return message_class()


class Details:
    """Details of the status of a call.

    Args:
        encoded: A google.rpc.Status. Malformed details are ignored.
        call: Description of the call.

    Attributes:
        message: Text of the server.
        reason: Name of the error, None if there is none.
    """

    def __init__(self, encoded: bytes, call: CallContext) -> None:
        self.call: CallContext = call
        found = parse_detail(status.Status, encoded)
        self.message: str = found.message
        self._values = {each.type_url.rpartition("/")[2]: each.value for each in found.details}
        named = self.find("google.rpc.ErrorInfo", status.ErrorInfo).reason
        self.reason: str | None = named or next(filter(None, map(_reason_of_type, self._values)), None)

    def find(self, name: str, message_class: Any) -> Any:
        """Return the detail with this type name, or an empty message if there is none."""
        return parse_detail(message_class, self._values.get(name, b""))

    def of_streams(self, name: str, message_class: Any) -> Any:
        """Return the detail with this name in the package of the streams service, or an empty message."""
        return self.find(f"{_STREAM_ERRORS}.{name}ErrorDetails", message_class)

    def error(self) -> RxPumpError | None:
        """Return the error that the reason names, None if it names none that is known."""
        make = _BY_REASON.get(self.reason or "")
        return None if make is None else make(self)

    def leader(self) -> tuple[str, int] | None:
        """Return host and port of the leader, None if they are unknown."""
        node = self.find("kurrent.rpc.NotLeaderNodeErrorDetails", status.NotLeaderNodeDetails).current_leader
        return (node.host, node.port) if node.host and 0 < node.port < 1 << 16 else None

    def __repr__(self) -> str:
        return f"<Details {self.reason}>"


def _reason_of_type(name: str) -> str | None:
    """Return the reason for which a detail exists, such as STREAM_DELETED for `StreamDeletedErrorDetails`."""
    found = _TYPE_OF_REASON(name)
    return None if found is None else _WORD.sub("_", found[1]).upper()


def _stream(details: Details, name: str) -> str:
    return str(details.of_streams(name, streams_v2.StreamDetails).stream or details.call.stream_or_all)


def _revision_conflict(details: Details) -> WrongExpectedVersion:
    found = details.of_streams("StreamRevisionConflict", streams_v2.StreamRevisionConflictDetails)
    if not found.stream:  # The server sent only the reason.
        return WrongExpectedVersion(details.call.stream_or_all, details.call.expected_version, None)
    return WrongExpectedVersion(found.stream, found.expected_revision, found.actual_revision)


def _record_too_large(details: Details) -> EventTooLarge:
    found = details.of_streams("AppendRecordSizeExceeded", streams_v2.AppendRecordSizeExceededDetails)
    stream = found.stream or details.call.stream_or_all
    return EventTooLarge(stream, found.max_size or None, found.size or None, found.record_id)


def _transaction_too_large(details: Details) -> AppendTooLarge:
    found = details.of_streams("AppendTransactionSizeExceeded", streams_v2.AppendTransactionSizeExceededDetails)
    return AppendTooLarge(details.call.stream_or_all, found.max_size or None, found.size or None)


def _consistency_violation(details: Details) -> RxPumpError:
    found = details.of_streams("AppendConsistencyViolation", streams_v2.AppendConsistencyViolationDetails)
    states = [violation.stream_state for violation in found.violations]
    violations = tuple(WrongExpectedVersion(each.stream, each.expected_state, each.actual_state) for each in states)
    if not violations:
        return BadRequest(details.call.operation, details.message)
    first = violations[0]
    if all(each.current == _TOMBSTONED for each in violations):
        return StreamDeleted(first.stream)
    return ConsistencyCheckFailed(first.stream, first.expected, first.current, violations)


def _access_denied(details: Details) -> AccessDenied:
    found = details.find("kurrent.rpc.AccessDeniedErrorDetails", status.AccessDeniedDetails)
    call = details.call
    return AccessDenied(call.action, call.stream_or_all, found.username or call.login)


def _index(details: Details, name: str) -> str:
    found = details.find(f"{_INDEX_ERRORS}.{name}ErrorDetails", indexes_v2.IndexDetails)
    return str(found.name or details.call.name)


def _indexes_not_ready(details: Details) -> IndexesNotReady:
    found = details.find(f"{_INDEX_ERRORS}.IndexesNotReadyErrorDetails", indexes_v2.IndexesNotReadyDetails)
    return IndexesNotReady(details.call.operation, found.current_position, found.target_position)


def _indexes_disabled(details: Details) -> NotSupported:
    reason = f"the server answers {details.message!r}"
    return NotSupported(details.call.operation, "gRPC", reason, "enable secondary indexes on the server")


def _bad_request(details: Details) -> BadRequest:
    return BadRequest(details.call.operation, details.message)


_BY_REASON: Final[dict[str, Callable[[Details], RxPumpError]]] = {
    "STREAM_NOT_FOUND": lambda each: StreamNotFound(_stream(each, "StreamNotFound")),
    "STREAM_ALREADY_EXISTS": lambda each: WrongExpectedVersion(
        _stream(each, "StreamAlreadyExists"), _NO_STREAM, None
    ),
    "STREAM_DELETED": lambda each: StreamDeleted(_stream(each, "StreamDeleted")),
    "STREAM_TOMBSTONED": lambda each: StreamDeleted(_stream(each, "StreamTombstoned")),
    "STREAM_REVISION_CONFLICT": _revision_conflict,
    "APPEND_RECORD_SIZE_EXCEEDED": _record_too_large,
    "APPEND_TRANSACTION_SIZE_EXCEEDED": _transaction_too_large,
    "STREAM_ALREADY_IN_APPEND_SESSION": _bad_request,
    "APPEND_SESSION_NO_REQUESTS": _bad_request,
    "APPEND_CONSISTENCY_VIOLATION": _consistency_violation,
    "ACCESS_DENIED": _access_denied,
    "NOT_LEADER_NODE": lambda each: NotLeader(each.call.operation),
    "BAD_REQUEST": _bad_request,
    "OPERATION_TIMEOUT": lambda each: CommitTimeout(each.call.stream_or_all, each.message),
    "SERVER_NOT_READY": lambda each: NotReady(each.call.operation),
    "SERVER_OVERLOADED": lambda each: TooBusy(each.call.operation),
    "INDEX_NOT_FOUND": lambda each: IndexNotFound(_index(each, "IndexNotFound")),
    "INDEX_ALREADY_EXISTS": lambda each: IndexExists(_index(each, "IndexAlreadyExists")),
    "INDEXES_NOT_READY": _indexes_not_ready,
    "SECONDARY_INDEXING_DISABLED": _indexes_disabled,
}
"""Function that makes the error, by reason. SERVER_MALFUNCTION is missing: its code determines the error."""
