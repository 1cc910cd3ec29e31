"""Each error that the metadata of a status can name, with its code, its text and its keys as servers send them."""

from __future__ import annotations

import pytest

from rxpump.errors import (
    AccessDenied,
    AppendTooLarge,
    BadRequest,
    EventTooLarge,
    IndexNotFound,
    InvalidTransaction,
    NotLeader,
    PersistentSubscriptionExists,
    PersistentSubscriptionFailed,
    PersistentSubscriptionNotFound,
    RxPumpError,
    ScavengeNotFound,
    StreamDeleted,
    StreamNotFound,
    SubscriberLimitReached,
    SubscriptionDropped,
    TooBusy,
    UserConflict,
    UserNotFound,
    WrongExpectedVersion,
)
from rxpump.grpc.errors.call_context import CallContext
from rxpump.grpc.errors.status_errors import error_of_status, leader_of_status
from rxpump.grpc.protocol.call_status import CallStatus, StatusCode
from tests.grpc.errors.contexts import (
    APPEND,
    BATCH,
    CONSUME,
    CREATE_GROUP,
    DELETE,
    DISABLE_USER,
    READ,
    STOP_SCAVENGE,
    SUBSCRIBE,
)

GROUP = {"stream-name": "ponies", "group-name": "riders"}
ID = "01020304-0506-0708-090a-0b0c0d0e0f10"
WRONG_VERSION = "Delete failed due to WrongExpectedVersion. Stream: ponies, Expected version: 7, Actual version: 2"
TOO_LARGE = f"Event with Id: {ID}, Size: 20000000, exceeds Maximum Append Event Size of 16777216."
SIZES = {"maximum-append-event-size": "16777216", "proposed-append-event-size": "20000000"}

Case = tuple[str, CallContext, StatusCode, str, dict[str, str], RxPumpError]

CASES: list[Case] = [
    (
        "access-denied",
        READ,
        StatusCode.PERMISSION_DENIED,
        "Access Denied",
        {},
        AccessDenied("read", "ponies", "ouro"),
    ),
    (
        "stream-deleted",
        APPEND,
        StatusCode.FAILED_PRECONDITION,
        "Event stream 'ponies' is deleted.",
        {"stream-name": "ponies"},
        StreamDeleted("ponies"),
    ),
    (
        "wrong-expected-version",
        DELETE,
        StatusCode.FAILED_PRECONDITION,
        WRONG_VERSION,
        {"stream-name": "ponies", "expected-version": "7", "actual-version": "2"},
        WrongExpectedVersion("ponies", 7, 2),
    ),
    (
        "wrong-expected-version",
        DELETE,
        StatusCode.FAILED_PRECONDITION,
        WRONG_VERSION,
        {"stream-name": "ponies", "expected-version": "-2", "actual-version": "-1"},
        WrongExpectedVersion("ponies", -2, -1),
    ),
    (
        "wrong-expected-version",  # before version 22.6
        DELETE,
        StatusCode.FAILED_PRECONDITION,
        WRONG_VERSION,
        {"stream-name": "ponies", "expected-version": "7", "actual-version": ""},
        WrongExpectedVersion("ponies", 7, None),
    ),
    (
        "not-leader",
        BATCH,
        StatusCode.NOT_FOUND,
        "Leader info available",
        {"leader-endpoint-host": "node2", "leader-endpoint-port": "2113"},
        NotLeader("Streams.BatchAppend 'ponies'"),
    ),
    (
        "maximum-append-size-exceeded",
        APPEND,
        StatusCode.INVALID_ARGUMENT,
        "Maximum Append Size of 1048576 Exceeded.",
        {"maximum-append-size": "1048576"},
        AppendTooLarge("ponies", 1048576),
    ),
    (
        "maximum-append-event-size-exceeded",
        APPEND,
        StatusCode.INVALID_ARGUMENT,
        TOO_LARGE,
        {**SIZES, "event-id": f'{{ "string": "{ID.upper()}" }}'},
        EventTooLarge("ponies", 16777216, 20000000, ID),
    ),
    (
        "maximum-append-event-size-exceeded",
        APPEND,
        StatusCode.INVALID_ARGUMENT,
        TOO_LARGE,
        {**SIZES, "event-id": "unreadable"},
        EventTooLarge("ponies", 16777216, 20000000, "unreadable"),
    ),
    (
        "missing-required-metadata-property",
        APPEND,
        StatusCode.INVALID_ARGUMENT,
        "Required Metadata Property 'type' is missing",
        {"required-metadata-properties": "type,content-type"},
        BadRequest("Streams.Append 'ponies'", "Required Metadata Property 'type' is missing"),
    ),
    (
        "invalid-transaction",
        APPEND,
        StatusCode.INVALID_ARGUMENT,
        "Invalid Transaction",
        {},
        InvalidTransaction("ponies"),
    ),
    (
        "stream-not-found",
        READ,
        StatusCode.NOT_FOUND,
        "Event stream 'ponies' is not found.",
        {"stream-name": "ponies"},
        StreamNotFound("ponies"),
    ),
    (
        "index-not-found",
        READ,
        StatusCode.NOT_FOUND,
        "Index 'by-color' not found.",
        {"index-name": "by-color"},
        IndexNotFound("by-color"),
    ),
    (
        "persistent-subscription-does-not-exist",
        CONSUME,
        StatusCode.NOT_FOUND,
        "Subscription group riders on stream ponies does not exist.",
        GROUP,
        PersistentSubscriptionNotFound("ponies", "riders"),
    ),
    (
        "persistent-subscription-exists",
        CREATE_GROUP,
        StatusCode.ALREADY_EXISTS,
        "Subscription group riders on stream ponies exists.",
        GROUP,
        PersistentSubscriptionExists("ponies", "riders"),
    ),
    (
        "persistent-subscription-failed",
        CREATE_GROUP,
        StatusCode.INTERNAL,
        "Subscription group riders on stream ponies failed: 'Consumer strategy X does not exist.'",
        {**GROUP, "reason": "Consumer strategy X does not exist."},
        PersistentSubscriptionFailed("ponies", "riders", "Consumer strategy X does not exist."),
    ),
    (
        "persistent-subscription-dropped",
        CONSUME,
        StatusCode.CANCELLED,
        "Subscription group riders on stream ponies was dropped.",
        GROUP,
        SubscriptionDropped("ponies", "Subscription group riders on stream ponies was dropped."),
    ),
    (
        "maximum-subscribers-reached",
        CONSUME,
        StatusCode.FAILED_PRECONDITION,
        "Maximum subscriptions reached for subscription group riders on stream ponies.",
        GROUP,
        SubscriberLimitReached("ponies", "riders"),
    ),
    (
        "user-not-found",
        DISABLE_USER,
        StatusCode.NOT_FOUND,
        "User 'ouro' is not found.",
        {"login-name": "ouro"},
        UserNotFound("ouro"),
    ),
    (
        "user-conflict",
        DISABLE_USER,
        StatusCode.FAILED_PRECONDITION,
        "Conflict.",
        {"login-name": "ouro"},
        UserConflict("ouro", "Conflict."),
    ),
    (
        "user-conflict",
        DISABLE_USER,
        StatusCode.DEADLINE_EXCEEDED,
        "Try again.",
        {"login-name": "ouro"},
        TooBusy("Users.Disable 'ouro'"),
    ),
    (
        "scavenge-not-found",
        STOP_SCAVENGE,
        StatusCode.NOT_FOUND,
        "Scavenge id was invalid.",
        {"scavenge-id": ID},
        ScavengeNotFound("Scavenge id was invalid.", ID),
    ),
    (
        "scavenge-not-found",
        STOP_SCAVENGE,
        StatusCode.NOT_FOUND,
        "Scavenge id was invalid.",
        {},
        ScavengeNotFound("Scavenge id was invalid.", None),
    ),
]


def status_of(name: str, code: StatusCode, message: str, keys: dict[str, str]) -> CallStatus:
    return CallStatus(code, message, (("exception", name), *keys.items()))


@pytest.mark.parametrize(("name", "call", "code", "message", "keys", "error"), CASES)
def test_the_metadata_names_the_error(
    name: str, call: CallContext, code: StatusCode, message: str, keys: dict[str, str], error: RxPumpError
) -> None:
    assert error_of_status(status_of(name, code, message, keys), call) == error


@pytest.mark.parametrize("keys", [{}, {"expected-version": "x", "actual-version": "9" * 30}])
def test_numbers_that_are_none_are_left_out(keys: dict[str, str]) -> None:
    status = status_of("wrong-expected-version", StatusCode.FAILED_PRECONDITION, WRONG_VERSION, keys)
    assert error_of_status(status, DELETE) == WrongExpectedVersion("ponies", 7, None)


def test_the_case_of_a_name_does_not_matter() -> None:
    status = status_of(" Stream-Deleted", StatusCode.FAILED_PRECONDITION, "", {})
    assert error_of_status(status, READ) == StreamDeleted("ponies")


def test_an_unknown_name_is_interpreted_by_its_code() -> None:
    status = status_of("from-the-future", StatusCode.INVALID_ARGUMENT, "No.", {})
    assert error_of_status(status, READ) == BadRequest("Streams.Read 'ponies'", "No.")


def test_not_leader_names_the_leader() -> None:
    keys = {"leader-endpoint-host": "node2", "leader-endpoint-port": "2113"}
    status = status_of("not-leader", StatusCode.NOT_FOUND, "Leader info available", keys)
    assert leader_of_status(status, SUBSCRIBE) == ("node2", 2113)


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"leader-endpoint-host": "node2"},
        {"leader-endpoint-port": "2113"},
        {"leader-endpoint-host": "", "leader-endpoint-port": "2113"},
        {"leader-endpoint-host": "node2", "leader-endpoint-port": "0"},
        {"leader-endpoint-host": "node2", "leader-endpoint-port": "65536"},
        {"leader-endpoint-host": "node2", "leader-endpoint-port": "http"},
    ],
)
def test_an_unusable_address_of_a_leader_is_none(keys: dict[str, str]) -> None:
    assert leader_of_status(status_of("not-leader", StatusCode.NOT_FOUND, "", keys), SUBSCRIBE) is None
