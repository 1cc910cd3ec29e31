"""Statuses without an error name, whose code and text determine the error."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rxpump.errors import (
    AccessDenied,
    AppendTooLarge,
    BadRequest,
    CommitTimeout,
    ForwardTimeout,
    InvalidPosition,
    NotAuthenticated,
    NotLeader,
    NotReady,
    NotSupported,
    OperationTimedOut,
    OutcomeUnknown,
    PrepareTimeout,
    ProjectionExists,
    ProjectionFailed,
    ProjectionNotFound,
    ReadFailed,
    RequestInterrupted,
    RxPumpError,
    ServerFailed,
    SubscriptionDropped,
    TooBusy,
)
from rxpump.grpc.errors.call_context import CallContext
from rxpump.grpc.errors.status_errors import error_of_status, leader_of_status
from rxpump.grpc.protocol.call_status import CallStatus, StatusCode
from tests.grpc.errors.contexts import (
    APPEND,
    BATCH,
    CONSUME,
    CREATE_GROUP,
    ENABLE_PROJECTION,
    GOSSIP,
    READ,
    SUBSCRIBE,
)

READ_OPERATION = "Streams.Read 'ponies'"
APPEND_OPERATION = "Streams.Append 'ponies'"
TOO_SLOW = "Operation timed out: Consumer too slow to handle event while live. Client resubscription required."
COMMIT = "Operation timed out: Commit phase timeout."
PREPARE = "Operation timed out: Prepare phase timeout."
FORWARDING = "Operation timed out: Forwarding timeout"
CANCELED = "Operation timed out: Request canceled by server"
NO_EXPECTATION = (
    "'None' is not a valid EventStore.Client.Streams.AppendReq+Types+Options+ExpectedStreamRevisionOneofCase"
)
COMBINATION = "The combination of (Stream, Count, Forwards, None) is invalid."
MESSAGE_SIZE = "Received message exceeds the maximum configured message size."
HANDLER = "Exception was thrown by handler."
WRONG_STATE = "Projection Subsystem cannot be restarted as it is in the wrong state: Ready"
INSTEAD = "Envelope callback expected Updated, received {} instead"

CASES: list[tuple[CallContext, StatusCode, str, RxPumpError]] = [
    (READ, StatusCode.UNAUTHENTICATED, "Unauthenticated", NotAuthenticated("ouro", "Unauthenticated")),
    (READ, StatusCode.PERMISSION_DENIED, "", AccessDenied("read", "ponies", "ouro")),
    # The node does not accept the request.
    (READ, StatusCode.UNAVAILABLE, "Server Is Not Ready", NotReady(READ_OPERATION)),
    (APPEND, StatusCode.UNAVAILABLE, "Server Is Not Ready", NotReady(APPEND_OPERATION)),
    (APPEND, StatusCode.UNAVAILABLE, "Server Is Too Busy", TooBusy(APPEND_OPERATION)),
    (APPEND, StatusCode.UNAVAILABLE, "Server not ready", NotReady(APPEND_OPERATION)),
    (APPEND, StatusCode.UNAVAILABLE, "Server is not ready.", NotReady(APPEND_OPERATION)),
    (APPEND, StatusCode.UNKNOWN, "No leader info available in response", NotLeader(APPEND_OPERATION)),
    # The call was interrupted.
    (APPEND, StatusCode.UNAVAILABLE, "SERVER_SHUTTING_DOWN", OutcomeUnknown("ponies", "SERVER_SHUTTING_DOWN")),
    (
        SUBSCRIBE,
        StatusCode.UNAVAILABLE,
        "SERVER_SHUTTING_DOWN",
        SubscriptionDropped("ponies", "SERVER_SHUTTING_DOWN"),
    ),
    (READ, StatusCode.UNAVAILABLE, "SERVER_SHUTTING_DOWN", NotReady(READ_OPERATION)),
    (APPEND, StatusCode.ABORTED, COMMIT, CommitTimeout("ponies", COMMIT)),
    (APPEND, StatusCode.ABORTED, PREPARE, PrepareTimeout("ponies", PREPARE)),
    (APPEND, StatusCode.ABORTED, FORWARDING, ForwardTimeout("ponies", FORWARDING)),
    (APPEND, StatusCode.ABORTED, CANCELED, OutcomeUnknown("ponies", CANCELED)),
    (READ, StatusCode.ABORTED, CANCELED, NotReady("Streams.Read 'ponies'")),
    (
        CREATE_GROUP,
        StatusCode.ABORTED,
        CANCELED,
        RequestInterrupted("the server", CANCELED, "PersistentSubscriptions.Create 'riders' of 'ponies'"),
    ),
    (SUBSCRIBE, StatusCode.ABORTED, TOO_SLOW, SubscriptionDropped("ponies", TOO_SLOW)),
    (CONSUME, StatusCode.CANCELLED, "", SubscriptionDropped("ponies", "")),
    (APPEND, StatusCode.CANCELLED, "", OutcomeUnknown("ponies", "")),
    (READ, StatusCode.CANCELLED, "", NotReady(READ_OPERATION)),
    (APPEND, StatusCode.INTERNAL, "reset", OutcomeUnknown("ponies", "reset")),
    (READ, StatusCode.INTERNAL, "Incomplete message.", ServerFailed(READ_OPERATION, "Incomplete message.")),
    (APPEND, StatusCode.DEADLINE_EXCEEDED, "Deadline Exceeded", OutcomeUnknown("ponies", "Deadline Exceeded")),
    (READ, StatusCode.DEADLINE_EXCEEDED, "Deadline Exceeded", NotReady(READ_OPERATION)),
    (
        replace(READ, timeout=3.0),
        StatusCode.DEADLINE_EXCEEDED,
        "Deadline Exceeded",
        OperationTimedOut(READ_OPERATION, 3.0, attempts=1),
    ),
    # Requests that the server refuses.
    (APPEND, StatusCode.INVALID_ARGUMENT, NO_EXPECTATION, BadRequest(APPEND_OPERATION, NO_EXPECTATION)),
    (READ, StatusCode.INVALID_ARGUMENT, COMBINATION, BadRequest(READ_OPERATION, COMBINATION)),
    (READ, StatusCode.OUT_OF_RANGE, "7", BadRequest(READ_OPERATION, "7")),
    (READ, StatusCode.ALREADY_EXISTS, "7", BadRequest(READ_OPERATION, "7")),
    (READ, StatusCode.FAILED_PRECONDITION, "7", BadRequest(READ_OPERATION, "7")),
    (APPEND, StatusCode.RESOURCE_EXHAUSTED, MESSAGE_SIZE, AppendTooLarge("ponies")),
    (READ, StatusCode.RESOURCE_EXHAUSTED, MESSAGE_SIZE, BadRequest(READ_OPERATION, MESSAGE_SIZE)),
    (READ, StatusCode.RESOURCE_EXHAUSTED, "calm down", TooBusy(READ_OPERATION)),
    *(
        (APPEND, StatusCode.RESOURCE_EXHAUSTED, text, AppendTooLarge("ponies"))
        for text in (
            "grpc: received message larger than max (20000000 vs. 4194304)",
            "gRPC message exceeds maximum size 4194304: 20000000",
            "The message is too large.",
        )
    ),
    *(
        (SUBSCRIBE, StatusCode.INVALID_ARGUMENT, text, InvalidPosition("ponies", text))
        for text in ("Trying to read from an invalid position.", "Invalid position 7")
    ),
    *(
        (READ, StatusCode.UNKNOWN, message, InvalidPosition("ponies", message))
        for message in (
            "Unexpected ReadAllResult: InvalidPosition",
            "Unexpected FilteredReadAllResult: InvalidPosition >> no such position",
        )
    ),
    *(
        (READ, StatusCode.UNKNOWN, message, ReadFailed("ponies", message))
        for message in (
            "Unexpected ReadStreamResult: Error",
            "Unexpected ReadAllResult: Error",
            "Unexpected FilteredReadAllResult: Error",
            "Unexpected ReadStreamResult: Error >> maxCount should be positive. (Parameter 'maxCount')",
        )
    ),
    # Failures of the server.
    (READ, StatusCode.UNKNOWN, HANDLER, ServerFailed(READ_OPERATION, HANDLER)),
    (GOSSIP, StatusCode.UNKNOWN, HANDLER, ServerFailed("Gossip.Read", HANDLER)),
    (READ, StatusCode.DATA_LOSS, "lost", ServerFailed(READ_OPERATION, "lost")),
    # Methods that the server lacks.
    *(
        (
            BATCH,
            code,
            "Method is unimplemented.",
            NotSupported(
                "Streams.BatchAppend 'ponies'",
                "gRPC",
                "the server answers 'Method is unimplemented.'",
                "use a server of version 21.6.0 or later, with this service enabled",
            ),
        )
        for code in (StatusCode.UNIMPLEMENTED, StatusCode.NOT_FOUND)
    ),
    # Projections.
    (
        ENABLE_PROJECTION,
        StatusCode.NOT_FOUND,
        "Projection 'totals' not found",
        ProjectionNotFound("totals", "Projection 'totals' not found"),
    ),
    (ENABLE_PROJECTION, StatusCode.NOT_FOUND, "no such thing", ProjectionNotFound("totals", "no such thing")),
    *(
        (ENABLE_PROJECTION, StatusCode.UNKNOWN, INSTEAD.format(received), error("totals", INSTEAD.format(received)))
        for received, error in (
            ("NotFound", ProjectionNotFound),
            ("Conflict", ProjectionExists),
            ("OperationFailed", ProjectionFailed),
        )
    ),
    (ENABLE_PROJECTION, StatusCode.ALREADY_EXISTS, "conflict", ProjectionExists("totals", "conflict")),
    (ENABLE_PROJECTION, StatusCode.FAILED_PRECONDITION, WRONG_STATE, ProjectionFailed("totals", WRONG_STATE)),
]


@pytest.mark.parametrize(("call", "code", "message", "error"), CASES)
def test_the_code_and_the_text_name_the_error(
    call: CallContext, code: StatusCode, message: str, error: RxPumpError
) -> None:
    status = CallStatus(code, message)
    assert error_of_status(status, call) == error
    assert leader_of_status(status, call) is None


def test_a_write_that_the_server_did_not_begin_is_not_in_doubt() -> None:
    status = CallStatus(StatusCode.UNAVAILABLE, "the stream ended with REFUSED_STREAM", is_unprocessed=True)
    assert error_of_status(status, APPEND) == NotReady(APPEND_OPERATION)


@pytest.mark.parametrize("code", [code for code in StatusCode if code is not StatusCode.OK])
@pytest.mark.parametrize("call", [READ, SUBSCRIBE, APPEND, GOSSIP, ENABLE_PROJECTION])
def test_every_code_has_an_error_with_the_text_or_the_operation(code: StatusCode, call: CallContext) -> None:
    error = error_of_status(CallStatus(code, "unknown text"), call)
    assert any(each in str(error) for each in ("unknown text", call.operation, call.stream_or_all, "ouro"))
