"""Recorded calls: rxpump sends the same requests as other clients, and converts each response correctly."""

from __future__ import annotations

import pytest

from tests.grpc.calls.recorded_calls import RecordedCall, load, normalized

CALLS = load()


def name(call: RecordedCall) -> str:
    return f"{call.server} {call.case} {call.method.path.rpartition('.')[2]}"


@pytest.mark.parametrize("call", CALLS, ids=name)
def test_a_call_is_made_and_understood(call: RecordedCall) -> None:
    operation = call.operation()
    sent = [normalized(call.method, each.SerializeToString()) for each in operation.requests]
    assert sent == [normalized(call.method, each) for each in call.requests]
    assert operation.context.method == call.method
    assert call.outcome_of(operation) == call.outcome


def test_many_outcomes_of_all_servers_are_recorded() -> None:
    assert {call.server for call in CALLS} == {"23.10", "24.10", "26.1"}
    assert len({call.method for call in CALLS}) >= 25
    errors = {call.outcome.partition(":")[0] for call in CALLS if call.outcome.partition(":")[0].isidentifier()}
    assert {
        "AccessDenied",
        "AppendTooLarge",
        "NotAuthenticated",
        "NotLeader",
        "NotReady",
        "NotSupported",
        "PersistentSubscriptionExists",
        "PersistentSubscriptionFailed",
        "PersistentSubscriptionNotFound",
        "ProjectionExists",
        "ProjectionNotFound",
        "ScavengeNotFound",
        "StreamDeleted",
        "WrongExpectedVersion",
    } <= errors
