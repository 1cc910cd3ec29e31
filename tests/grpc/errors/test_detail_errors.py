"""Errors of the v2 services, with the details of their status as servers send them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

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
    OutcomeUnknown,
    RxPumpError,
    StreamDeleted,
    StreamNotFound,
    TooBusy,
    WrongExpectedVersion,
)
from rxpump.grpc.errors.call_context import CallContext
from rxpump.grpc.errors.status_errors import error_of_status, leader_of_status
from rxpump.grpc.messages import indexes_v2, status, streams_v2
from rxpump.grpc.protocol.call_status import CallStatus, StatusCode
from tests.grpc.errors.contexts import APPEND_SESSION, GET_INDEX

STREAMS = "kurrentdb.protocol.v2.streams.errors"
INDEXES = "kurrentdb.protocol.v2.indexes.errors"
OPERATION = "StreamsService.AppendSession 'ponies'"
INDEX_OPERATION = "IndexesService.Get 'by-color'"
ID = "01020304-0506-0708-090a-0b0c0d0e0f10"
PONIES = streams_v2.StreamDetails(stream="ponies")
LEADER = status.NotLeaderNodeDetails(current_leader={"host": "node2", "port": 2113, "node_id": ID})


def status_with_details(code: StatusCode, reason: str, name: str = "", detail: Any = None) -> CallStatus:
    """Return a status whose message is "text"."""
    found = status.Status(code=code, message="text")
    info = status.ErrorInfo(reason=reason, domain="streams")
    found.details.add(type_url="type.googleapis.com/google.rpc.ErrorInfo", value=info.SerializeToString())
    if detail is not None:
        found.details.add(type_url=f"type.googleapis.com/{name}", value=detail.SerializeToString())
    return CallStatus(code, "text", (("grpc-status-details-bin", found.SerializeToString()),))


def stream_error(code: StatusCode, reason: str, detail: Any = None) -> CallStatus:
    name = "".join(word.capitalize() for word in reason.split("_"))
    return status_with_details(code, reason, f"{STREAMS}.{name}ErrorDetails", detail)


def detail_alone(code: StatusCode, name: str, detail: Any) -> CallStatus:
    """Return a status without an ErrorInfo, which names the reason."""
    found = status.Status(code=code, message="text")
    found.details.add(type_url=name, value=detail.SerializeToString())
    return CallStatus(code, "text", (("grpc-status-details-bin", found.SerializeToString()),))


def violation(stream: str, expected: int, actual: int) -> dict[str, Any]:
    return {"stream_state": {"stream": stream, "expected_state": expected, "actual_state": actual}}


CONFLICT = streams_v2.StreamRevisionConflictDetails(stream="riders", expected_revision=9, actual_revision=-1)

VIOLATIONS = streams_v2.AppendConsistencyViolationDetails(
    violations=[violation("ponies", 7, 2), violation("riders", -4, -6)]
)

TOMBSTONE = streams_v2.AppendConsistencyViolationDetails(violations=[violation("riders", -2, -6)])

CASES: list[tuple[CallContext, CallStatus, RxPumpError]] = [
    (
        APPEND_SESSION,
        stream_error(StatusCode.NOT_FOUND, "STREAM_NOT_FOUND", streams_v2.StreamDetails(stream="riders")),
        StreamNotFound("riders"),
    ),
    (
        APPEND_SESSION,
        stream_error(StatusCode.ALREADY_EXISTS, "STREAM_ALREADY_EXISTS", PONIES),
        WrongExpectedVersion("ponies", -1, None),
    ),
    (
        APPEND_SESSION,
        stream_error(StatusCode.FAILED_PRECONDITION, "STREAM_DELETED", PONIES),
        StreamDeleted("ponies"),
    ),
    (
        APPEND_SESSION,
        stream_error(StatusCode.FAILED_PRECONDITION, "STREAM_TOMBSTONED", PONIES),
        StreamDeleted("ponies"),
    ),
    (
        APPEND_SESSION,
        stream_error(StatusCode.FAILED_PRECONDITION, "STREAM_REVISION_CONFLICT", CONFLICT),
        WrongExpectedVersion("riders", 9, -1),
    ),
    (
        replace(APPEND_SESSION, expected_version=7),
        stream_error(StatusCode.FAILED_PRECONDITION, "STREAM_REVISION_CONFLICT"),
        WrongExpectedVersion("ponies", 7, None),
    ),
    (
        APPEND_SESSION,
        detail_alone(StatusCode.FAILED_PRECONDITION, f"{STREAMS}.StreamRevisionConflictErrorDetails", CONFLICT),
        WrongExpectedVersion("riders", 9, -1),
    ),
    (
        APPEND_SESSION,
        detail_alone(StatusCode.FAILED_PRECONDITION, "kurrent.rpc.NotLeaderNodeErrorDetails", LEADER),
        NotLeader(OPERATION),
    ),
    (
        APPEND_SESSION,
        stream_error(StatusCode.INVALID_ARGUMENT, "APPEND_RECORD_SIZE_EXCEEDED"),
        EventTooLarge("ponies"),
    ),
    (
        APPEND_SESSION,
        stream_error(
            StatusCode.INVALID_ARGUMENT,
            "APPEND_RECORD_SIZE_EXCEEDED",
            streams_v2.AppendRecordSizeExceededDetails(stream="ponies", record_id=ID, size=20, max_size=16),
        ),
        EventTooLarge("ponies", 16, 20, ID),
    ),
    (
        APPEND_SESSION,
        stream_error(
            StatusCode.ABORTED,
            "APPEND_TRANSACTION_SIZE_EXCEEDED",
            streams_v2.AppendTransactionSizeExceededDetails(size=20, max_size=16),
        ),
        AppendTooLarge("ponies", 16, 20),
    ),
    (
        APPEND_SESSION,
        stream_error(StatusCode.ABORTED, "STREAM_ALREADY_IN_APPEND_SESSION", PONIES),
        BadRequest(OPERATION, "text"),
    ),
    (
        APPEND_SESSION,
        stream_error(StatusCode.FAILED_PRECONDITION, "APPEND_SESSION_NO_REQUESTS"),
        BadRequest(OPERATION, "text"),
    ),
    (
        APPEND_SESSION,
        stream_error(StatusCode.FAILED_PRECONDITION, "APPEND_CONSISTENCY_VIOLATION", VIOLATIONS),
        ConsistencyCheckFailed(
            "ponies", 7, 2, (WrongExpectedVersion("ponies", 7, 2), WrongExpectedVersion("riders", -4, -6))
        ),
    ),
    (
        APPEND_SESSION,
        stream_error(StatusCode.FAILED_PRECONDITION, "APPEND_CONSISTENCY_VIOLATION", TOMBSTONE),
        StreamDeleted("riders"),
    ),
    (
        APPEND_SESSION,
        status_with_details(
            StatusCode.PERMISSION_DENIED,
            "ACCESS_DENIED",
            "kurrent.rpc.AccessDeniedErrorDetails",
            status.AccessDeniedDetails(operation="append", username="twilight", permission="write"),
        ),
        AccessDenied("write to", "ponies", "twilight"),
    ),
    (
        APPEND_SESSION,
        status_with_details(StatusCode.PERMISSION_DENIED, "ACCESS_DENIED"),
        AccessDenied("write to", "ponies", "ouro"),
    ),
    (
        APPEND_SESSION,
        status_with_details(
            StatusCode.FAILED_PRECONDITION, "NOT_LEADER_NODE", "kurrent.rpc.NotLeaderNodeErrorDetails", LEADER
        ),
        NotLeader(OPERATION),
    ),
    (
        APPEND_SESSION,
        status_with_details(
            StatusCode.INVALID_ARGUMENT,
            "BAD_REQUEST",
            "google.rpc.BadRequest",
            status.BadRequestDetails(field_violations=[{"field": "Schema.Name", "description": "bad"}]),
        ),
        BadRequest(OPERATION, "text"),
    ),
    (
        APPEND_SESSION,
        status_with_details(StatusCode.DEADLINE_EXCEEDED, "OPERATION_TIMEOUT"),
        CommitTimeout("ponies", "text"),
    ),
    (APPEND_SESSION, status_with_details(StatusCode.UNAVAILABLE, "SERVER_NOT_READY"), NotReady(OPERATION)),
    (APPEND_SESSION, status_with_details(StatusCode.UNAVAILABLE, "SERVER_OVERLOADED"), TooBusy(OPERATION)),
    (
        APPEND_SESSION,
        status_with_details(StatusCode.INTERNAL, "SERVER_MALFUNCTION"),
        OutcomeUnknown("ponies", "text"),
    ),
    (
        GET_INDEX,
        status_with_details(
            StatusCode.NOT_FOUND,
            "INDEX_NOT_FOUND",
            f"{INDEXES}.IndexNotFoundErrorDetails",
            indexes_v2.IndexDetails(name="by-size"),
        ),
        IndexNotFound("by-size"),
    ),
    (
        GET_INDEX,
        status_with_details(StatusCode.ALREADY_EXISTS, "INDEX_ALREADY_EXISTS"),
        IndexExists("by-color"),
    ),
    (
        GET_INDEX,
        status_with_details(
            StatusCode.FAILED_PRECONDITION,
            "INDEXES_NOT_READY",
            f"{INDEXES}.IndexesNotReadyErrorDetails",
            indexes_v2.IndexesNotReadyDetails(current_position=10, target_position=20),
        ),
        IndexesNotReady(INDEX_OPERATION, 10, 20),
    ),
    (
        GET_INDEX,
        status_with_details(StatusCode.FAILED_PRECONDITION, "SECONDARY_INDEXING_DISABLED"),
        NotSupported(INDEX_OPERATION, "gRPC", "the server answers 'text'", "enable secondary indexes on the server"),
    ),
]


@pytest.mark.parametrize(("call", "found", "error"), CASES)
def test_the_reason_names_the_error(call: CallContext, found: CallStatus, error: RxPumpError) -> None:
    assert error_of_status(found, call) == error


def test_not_leader_names_the_leader_in_its_details() -> None:
    found = status_with_details(
        StatusCode.FAILED_PRECONDITION, "NOT_LEADER_NODE", "kurrent.rpc.NotLeaderNodeErrorDetails", LEADER
    )
    assert leader_of_status(found, APPEND_SESSION) == ("node2", 2113)
    assert leader_of_status(status_with_details(StatusCode.UNAVAILABLE, "SERVER_NOT_READY"), APPEND_SESSION) is None


def test_not_leader_with_details_can_name_the_leader_in_its_keys() -> None:
    found = status_with_details(StatusCode.FAILED_PRECONDITION, "NOT_LEADER_NODE")
    keys = (("leader-endpoint-host", "node3"), ("leader-endpoint-port", "2114"))
    assert leader_of_status(replace(found, metadata=found.metadata + keys), APPEND_SESSION) == ("node3", 2114)


@pytest.mark.parametrize("encoded", [b"", b"\xff", b"\x1a\x05"])
def test_unreadable_details_are_interpreted_by_the_code(encoded: bytes) -> None:
    found = CallStatus(StatusCode.INVALID_ARGUMENT, "text", (("grpc-status-details-bin", encoded),))
    assert error_of_status(found, APPEND_SESSION) == BadRequest(OPERATION, "text")


def test_a_violation_without_details_is_a_bad_request() -> None:
    found = stream_error(StatusCode.FAILED_PRECONDITION, "APPEND_CONSISTENCY_VIOLATION")
    assert error_of_status(found, APPEND_SESSION) == BadRequest(OPERATION, "text")


def test_a_damaged_detail_leaves_the_stream_of_the_call() -> None:
    found = status.Status(code=9, message="text")
    info = status.ErrorInfo(reason="STREAM_TOMBSTONED")
    found.details.add(type_url="type.googleapis.com/google.rpc.ErrorInfo", value=info.SerializeToString())
    found.details.add(type_url=f"type.googleapis.com/{STREAMS}.StreamTombstonedErrorDetails", value=b"\xff")
    metadata = (("grpc-status-details-bin", found.SerializeToString()),)
    error = error_of_status(CallStatus(StatusCode.FAILED_PRECONDITION, "text", metadata), APPEND_SESSION)
    assert error == StreamDeleted("ponies")
