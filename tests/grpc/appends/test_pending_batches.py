"""Batches that are not settled: their order, repetition and deadlines."""

from __future__ import annotations

from typing import Any

import pytest

from rxpump.backoff import Backoff
from rxpump.errors import (
    AccessDenied,
    BadRequest,
    ClientClosed,
    ConnectionClosed,
    ConnectionLostRepeatedly,
    NoNodeReady,
    NotAuthenticated,
    NotLeader,
    NotReady,
    OperationTimedOut,
    OutcomeUnknown,
    RxPumpError,
    ServerFailed,
    WrongExpectedVersion,
)
from rxpump.grpc.appends.pending_batches import MAX_BLAME, PendingBatch, PendingBatches
from rxpump.grpc.calls.batch_append import Batch, correlation_id
from rxpump.grpc.messages import status, streams
from rxpump.model.new_events import NewEvent
from rxpump.transport.deadline import Deadline

MUCH = 1 << 20
LOST = ConnectionClosed("node", "cut")
NOT_LEADER = NotLeader("Streams.BatchAppend")
PAUSE = Backoff(min_delay=1.0, max_delay=1.0, jitter=0.0)


def machine(timeout: float | None = 10.0, max_in_flight: int = 100, retry: Backoff = PAUSE) -> PendingBatches:
    return PendingBatches(retry, timeout, max_in_flight, reconnect=retry, explain=lambda: "")


def batch(name: str) -> Batch:
    return Batch(name, [NewEvent("happened", name.encode())], -2)


def submit(pending: PendingBatches, *names: str, deadline: Deadline | None = None) -> list[PendingBatch]:
    return [pending.submit(batch(name), name, deadline) for name in names]


def names(requests: list[bytes]) -> list[str]:
    return [parse(each).options.stream_identifier.stream_name.decode() for each in requests]


def parse(request: bytes) -> Any:
    return streams.BatchAppendRequest.FromString(request)


def success(request: bytes) -> Any:
    written = {"current_revision": 0, "no_position": {}}
    return streams.BatchAppendResponse(correlation_id=parse(request).correlation_id, success=written)


def refusal(request: bytes, message: str = "Server Is Not Ready") -> Any:
    error = status.Status(message=message)
    return streams.BatchAppendResponse(correlation_id=parse(request).correlation_id, error=error)


def error_of(pending: PendingBatch) -> RxPumpError:
    assert pending.is_settled
    assert pending.error is not None
    return pending.error


def test_nothing_is_sent_without_a_call() -> None:
    pending = machine()
    submit(pending, "a")
    assert pending.take(0, MUCH) == []
    pending.opened()
    assert names(pending.take(0, MUCH)) == ["a"]
    assert pending.take(0, MUCH) == []


def test_batches_are_sent_in_order_with_numbers_of_their_own() -> None:
    pending = machine()
    pending.opened()
    submit(pending, "a", "b", "c")
    requests = pending.take(0, MUCH)
    assert names(requests) == ["a", "b", "c"]
    assert [correlation_id(parse(each)) for each in requests] == [1, 2, 3]


def test_a_response_settles_its_batch_once() -> None:
    pending = machine()
    pending.opened()
    first, second = submit(pending, "a", "b")
    one, two = pending.take(0, MUCH)
    assert pending.receive(success(two), 0) is second
    assert second.result is not None
    assert second.result.stream == "b"
    assert pending.receive(success(two), 0) is None
    assert pending.receive(success(one), 0) is first
    assert len(pending) == 0


def test_an_error_settles_its_batch() -> None:
    pending = machine()
    pending.opened()
    (only,) = submit(pending, "a")
    (request,) = pending.take(0, MUCH)
    response = refusal(request)
    response.error.details.add(type_url="x/event_store.client.WrongExpectedVersion")
    assert pending.receive(response, 0) is only
    assert isinstance(error_of(only), WrongExpectedVersion)


def test_only_so_many_batches_and_bytes_are_in_flight() -> None:
    pending = machine(max_in_flight=2)
    pending.opened()
    submit(pending, "a", "b", "c")
    first, _ = pending.take(0, MUCH)
    assert pending.take(0, MUCH) == []
    pending.receive(success(first), 0)
    assert names(pending.take(0, MUCH)) == ["c"]
    submit(pending, "d", "e")
    roomy = machine()
    roomy.opened()
    submit(roomy, "a", "b")
    assert names(roomy.take(0, 1)) == ["a"]
    assert names(roomy.take(0, 0)) == []
    assert names(roomy.take(0, 1)) == ["b"]


@pytest.mark.parametrize("error", [LOST, NOT_LEADER, OutcomeUnknown("a", "Request canceled by server")])
def test_all_batches_are_repeated_in_order_after_a_call(error: RxPumpError) -> None:
    pending = machine()
    pending.opened()
    submit(pending, "a", "b", "c")
    before = pending.take(0, MUCH)
    submit(pending, "d")
    assert pending.ended(error, 0) == []
    pending.opened()
    pending.tick(1)
    after = pending.take(1, MUCH)
    assert names(after) == ["a", "b", "c", "d"]
    for old, new in zip(before, after, strict=False):
        assert parse(old).proposed_messages == parse(new).proposed_messages
        assert pending.receive(success(old), 0) is None
        assert pending.receive(success(new), 0) is not None


def test_a_new_call_does_not_end_the_pause_after_a_refused_call() -> None:
    pending = machine()
    pending.opened()
    submit(pending, "a")
    pending.take(0, MUCH)
    assert pending.ended(NOT_LEADER, 0) == []
    pending.opened()
    assert pending.take(0, MUCH) == []
    assert pending.deadline is not None
    pending.tick(pending.deadline)
    assert names(pending.take(1, MUCH)) == ["a"]


def test_a_lost_connection_ends_the_pause() -> None:
    pending = machine()
    pending.opened()
    submit(pending, "a")
    pending.take(0, MUCH)
    assert pending.ended(NOT_LEADER, 0) == []
    assert pending.ended(LOST, 0) == []
    pending.opened()
    assert names(pending.take(0, MUCH)) == ["a"]


@pytest.mark.parametrize("error", [NotAuthenticated("ouro", "refused"), ClientClosed("node", "closed")])
def test_other_ends_of_a_call_settle_its_batches(error: RxPumpError) -> None:
    pending = machine()
    pending.opened()
    submit(pending, "a", "b")
    pending.take(0, MUCH)
    submit(pending, "c")
    settled = pending.ended(error, 0)
    assert [(each.owner, each.error) for each in settled] == [("a", error), ("b", error)]
    assert len(pending) == 1


@pytest.mark.parametrize(
    ("error", "of_batch"),
    [
        (AccessDenied("write to", "$all", "ouro"), AccessDenied("write to", "b", "ouro")),
        (BadRequest("Streams.BatchAppend", "no"), BadRequest("Streams.BatchAppend 'b'", "no")),
        (ServerFailed("Streams.BatchAppend", "no"), ServerFailed("Streams.BatchAppend 'b'", "no")),
    ],
)
def test_the_error_of_a_call_names_the_stream_of_each_batch(error: RxPumpError, of_batch: RxPumpError) -> None:
    pending = machine()
    pending.opened()
    submit(pending, "a", "b")
    pending.take(0, MUCH)
    _, second = pending.ended(error, 0)
    assert error_of(second) == of_batch


def test_a_refused_batch_is_not_overtaken() -> None:
    pending = machine()
    pending.opened()
    submit(pending, "a", "b")
    first, second = pending.take(0, MUCH)
    assert pending.receive(refusal(first), 0) is None
    assert pending.is_paused
    submit(pending, "c")
    assert pending.take(0, MUCH) == []
    assert pending.deadline == 1.0
    pending.receive(refusal(second), 0.5)
    assert pending.tick(1.0) == []
    assert names(pending.take(1.0, MUCH)) == ["a", "b", "c"]


def test_the_retry_policy_ends_the_attempts() -> None:
    pending = machine(timeout=None, retry=Backoff(attempts=1))
    pending.opened()
    (only,) = submit(pending, "a")
    (request,) = pending.take(0, MUCH)
    assert pending.receive(refusal(request), 0) is None
    pending.tick(100)
    (request,) = pending.take(100, MUCH)
    assert pending.receive(refusal(request), 100) is only
    assert isinstance(error_of(only), NotReady)


def test_a_batch_that_costs_connections_is_sent_alone_and_fails() -> None:
    pending = machine()
    submit(pending, "a", "b", "c")
    for _ in range(2):
        pending.opened()
        assert names(pending.take(0, MUCH)) == ["a", "b", "c"]
        pending.ended(LOST, 0)
    for losses in range(MAX_BLAME):
        pending.opened()
        assert names(pending.take(0, MUCH)) == ["a"]
        assert pending.take(0, MUCH) == []
        settled = pending.ended(LOST, 0)
        assert len(settled) == (losses == MAX_BLAME - 1)
    assert error_of(settled[0]) == ConnectionLostRepeatedly("Streams.BatchAppend 'a'", MAX_BLAME, str(LOST))
    pending.opened()
    (second,) = pending.take(0, MUCH)
    submit(pending, "d")
    assert pending.take(0, MUCH) == []
    pending.receive(success(second), 0)
    (third,) = pending.take(0, MUCH)
    pending.receive(success(third), 0)
    assert names(pending.take(0, MUCH)) == ["d"]


def test_a_response_clears_a_suspect() -> None:
    pending = machine()
    submit(pending, "a", "b")
    for _ in range(2):
        pending.opened()
        pending.take(0, MUCH)
        pending.ended(LOST, 0)
    pending.opened()
    (request,) = pending.take(0, MUCH)
    pending.receive(refusal(request), 0)
    pending.tick(1)
    assert names(pending.take(1, MUCH)) == ["a"]


def test_a_deadline_runs_in_every_state() -> None:
    pending = machine()
    in_flight, waiting = submit(pending, "a", deadline=Deadline(2, 0)) + submit(pending, "b", deadline=Deadline(3, 0))
    assert pending.deadline == 2
    pending.opened()
    (request,) = pending.take(0, 1)
    pending.receive(refusal(request), 0)
    assert pending.tick(2) == [in_flight]
    error = error_of(in_flight)
    assert isinstance(error, OperationTimedOut)
    assert (error.timeout, error.attempts, error.is_connected) == (2, 1, True)
    assert isinstance(error.reason, NotReady)
    assert pending.tick(3) == [waiting]
    assert len(pending) == 0


def test_a_batch_without_a_deadline_has_a_timeout_on_a_connection() -> None:
    pending = machine(timeout=5)
    (only,) = submit(pending, "a")
    assert pending.deadline == float("inf")
    pending.opened()
    pending.take(1, MUCH)
    assert pending.deadline == 6
    assert pending.ended(LOST, 5) == []
    assert pending.deadline == float("inf")
    pending.opened()
    pending.take(10, MUCH)
    assert pending.tick(15) == [only]
    assert isinstance(error_of(only), OperationTimedOut)


def test_a_late_response_after_the_deadline_is_ignored() -> None:
    pending = machine()
    pending.opened()
    submit(pending, "a", deadline=Deadline(2, 0))
    (request,) = pending.take(0, MUCH)
    pending.tick(2)
    assert pending.receive(success(request), 3) is None


def test_a_withdrawn_batch_is_not_sent() -> None:
    pending = machine()
    first, second = submit(pending, "a", "b")
    pending.withdraw(first)
    pending.withdraw(first)
    pending.opened()
    (request,) = pending.take(0, MUCH)
    assert names([request]) == ["b"]
    pending.withdraw(second)
    assert pending.receive(success(request), 0) is None
    assert len(pending) == 0


def test_the_reconnect_policy_limits_the_refusals_of_a_batch() -> None:
    twice = Backoff(min_delay=1.0, max_delay=1.0, jitter=0.0, attempts=2)
    pending = PendingBatches(PAUSE, 10.0, 100, reconnect=twice, explain=lambda: "a: not ready")
    pending.opened()
    submit(pending, "a")
    for now in (0.0, 20.0):  # The time limit applies to each attempt.
        (request,) = pending.take(now, MUCH)
        assert pending.receive(refusal(request), now) is None
        assert pending.tick(now + 19.0) == []
    (request,) = pending.take(40.0, MUCH)
    settled = pending.receive(refusal(request), 40.0)
    assert settled is not None
    assert isinstance(settled.error, NoNodeReady)
    assert (settled.error.attempts, settled.error.reason) == (3, "a: not ready")


def test_batches_that_expired_while_waiting_are_dropped() -> None:
    pending = machine()
    for _ in range(1000):
        submit(pending, "a", deadline=Deadline(1, 0))
    submit(pending, "z")
    pending.tick(1)
    assert repr(pending) == "<PendingBatches not open, 0 in flight, 1 waiting>"


def test_closing_settles_everything_in_order() -> None:
    pending = machine()
    pending.opened()
    submit(pending, "a", "b", "c")
    pending.take(0, 1)
    error = ClientClosed("node", "closed")
    assert [each.owner for each in pending.close(error)] == ["a", "b", "c"]
    assert len(pending) == 0
    assert pending.close(error) == []


def test_the_state_is_shown() -> None:
    pending = machine()
    pending.opened()
    first, second = submit(pending, "a", "b")
    (request,) = pending.take(0, 1)
    assert repr(pending) == "<PendingBatches open, 1 in flight, 1 waiting>"
    assert repr(second).endswith("attempt 0>")
    pending.receive(success(request), 0)
    assert repr(first).endswith("settled>")
    (request,) = pending.take(0, 1)
    pending.receive(refusal(request), 0)
    assert repr(pending) == "<PendingBatches paused, 0 in flight, 1 waiting>"


@pytest.mark.parametrize(
    ("sent_at", "answered_at", "is_silent"),
    [(0.0, 3.0, False), (2.0, 1.0, True), (5.0, 1.0, True), (6.0, 1.0, False)],
)
def test_a_call_is_silent_if_it_answers_nothing_after_a_late_batch(
    sent_at: float, answered_at: float, is_silent: bool
) -> None:
    pending = machine()
    pending.opened()
    submit(pending, "other")
    [other] = pending.take(0.0, MUCH)
    submit(pending, "late", deadline=Deadline(10.0, 0.0))
    pending.take(sent_at, MUCH)
    pending.receive(success(other), answered_at)
    assert [each.owner for each in pending.tick(10.0)] == ["late"]
    assert pending.is_silent is is_silent
    pending.opened()
    assert not pending.is_silent


def test_a_batch_that_was_not_sent_shows_no_silence() -> None:
    pending = machine()
    submit(pending, "waiting", deadline=Deadline(10.0, 0.0))
    assert len(pending.tick(10.0)) == 1
    assert not pending.is_silent
