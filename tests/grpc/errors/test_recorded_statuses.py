"""Each recorded status of a real server is converted to the error in this table."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from rxpump import errors
from rxpump.grpc.errors.call_context import CallContext, Effect
from rxpump.grpc.errors.status_errors import error_of_status, leader_of_status
from rxpump.grpc.messages import persistent_subscriptions, streams, streams_v2
from rxpump.grpc.messages.methods import Method
from tests.grpc.errors import recorded_statuses
from tests.grpc.errors.recorded_statuses import RecordedStatus

STATUSES = [each for each in recorded_statuses.load() if each.method is not None]
WRITES = {streams.APPEND, streams.BATCH_APPEND, streams.DELETE, streams.TOMBSTONE, streams_v2.APPEND_SESSION}

# The first row whose pattern occurs in "METHOD CODE NAME TEXT" has the expected error.
ERRORS: list[tuple[str, type[errors.RxPumpError]]] = [
    (r" access-denied ", errors.AccessDenied),
    (r" not-leader ", errors.NotLeader),
    (r" stream-deleted |STREAM_TOMBSTONED|has been tombstoned", errors.StreamDeleted),
    (r" wrong-expected-version |revision conflict", errors.WrongExpectedVersion),
    (r" maximum-append-size-exceeded |^Append RESOURCE_EXHAUSTED", errors.AppendTooLarge),
    (r"^AppendSession .*The size of record", errors.EventTooLarge),
    (r" persistent-subscription-does-not-exist ", errors.PersistentSubscriptionNotFound),
    (r" persistent-subscription-exists ", errors.PersistentSubscriptionExists),
    (r" persistent-subscription-failed ", errors.PersistentSubscriptionFailed),
    (r" persistent-subscription-dropped ", errors.SubscriptionDropped),
    (r" maximum-subscribers-reached ", errors.SubscriberLimitReached),
    (r" scavenge-not-found ", errors.ScavengeNotFound),
    (r" UNAUTHENTICATED ", errors.NotAuthenticated),
    (r" UNAVAILABLE - Server Is Not Ready", errors.NotReady),
    (r"^Subscribe ABORTED - .*Consumer too slow", errors.SubscriptionDropped),
    (r"received NotFound instead|Projection '.*' not found", errors.ProjectionNotFound),
    (r"received Conflict instead", errors.ProjectionExists),
    (r"Projection Subsystem cannot be restarted", errors.ProjectionFailed),
    (r"Unexpected ReadStreamResult", errors.ReadFailed),
    (r"invalid position", errors.InvalidPosition),
    (r" UNIMPLEMENTED ", errors.NotSupported),
    (r" (INVALID_ARGUMENT|RESOURCE_EXHAUSTED) ", errors.BadRequest),
    (r"^AppendSession (ABORTED|FAILED_PRECONDITION) ", errors.BadRequest),
    (r"^Append INTERNAL ", errors.OutcomeUnknown),
    (r" (UNKNOWN|INTERNAL) - (Exception was|HTTP status|Envelope callback expected either)", errors.ServerFailed),
    (r" INTERNAL - (Content-Type|Incomplete message|Additional data|Request did not include)", errors.ServerFailed),
]


def title(each: RecordedStatus) -> str:
    return f"{each.server}-{each.case}-{each.method}-{each.status.code.name}"


def text(each: RecordedStatus, key: str) -> str | None:
    value = dict(each.status.metadata).get(key)
    return value if isinstance(value, str) else None


def context(each: RecordedStatus) -> CallContext:
    method = each.method
    assert method is not None
    return CallContext(
        method, "use", effect_of(method, each), text(each, "stream-name"), text(each, "group-name") or ""
    )


def effect_of(method: Method, each: RecordedStatus) -> Effect:
    if method in WRITES:
        return Effect.WRITE
    is_subscription = method is persistent_subscriptions.READ or "subscribe" in each.case
    return Effect.SUBSCRIPTION if is_subscription else Effect.NONE


def described(each: RecordedStatus) -> str:
    call = context(each)
    method = "Subscribe" if call.effect is Effect.SUBSCRIPTION else str(each.method)
    name = text(each, "exception") or "-"
    return f"{method} {each.status.code.name} {name} {each.status.message}"


def expected(each: RecordedStatus) -> type[errors.RxPumpError]:
    return next(error for pattern, error in ERRORS if re.search(pattern, described(each)))


@pytest.mark.parametrize("each", STATUSES, ids=title)
def test_a_recorded_status_has_its_error(each: RecordedStatus) -> None:
    error = error_of_status(each.status, context(each))
    assert type(error) is expected(each)


@pytest.mark.parametrize("each", STATUSES, ids=title)
def test_a_recorded_status_names_the_leader_if_the_error_does(each: RecordedStatus) -> None:
    leader = leader_of_status(each.status, context(each))
    assert (leader is not None) == (expected(each) is errors.NotLeader)


def test_every_row_of_the_table_was_recorded() -> None:
    found = Counter(
        next(pattern for pattern, _ in ERRORS if re.search(pattern, described(each))) for each in STATUSES
    )
    assert set(found) == {pattern for pattern, _ in ERRORS}
