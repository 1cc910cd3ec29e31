"""PendingRequests over several connections, without an event loop. The tests pass the time as an argument."""

from __future__ import annotations

import math
import weakref
from dataclasses import replace

import pytest

from rxpump.backoff import Backoff
from rxpump.errors import (
    BadRequest,
    CommitTimeout,
    ConnectionClosed,
    FrameTooLarge,
    NoNodeReady,
    NotLeader,
    NotReady,
    OperationTimedOut,
    RequestInterrupted,
    RxPumpError,
)
from rxpump.model.new_events import NewEvent
from rxpump.settings import Settings
from rxpump.tcp.operations.append import Append
from rxpump.tcp.operations.scavenge import Scavenge
from rxpump.tcp.protocol.pending_requests import PendingRequests
from rxpump.tcp.wire.codes import NotHandledReason
from rxpump.tcp.wire.commands import Command
from rxpump.tcp.wire.package import Package
from rxpump.transport.deadline import Deadline
from tests.tcp.protocol.driving import SETTINGS, Ask, AskOnce, Wire

LOST = ConnectionClosed("tcp://node", "the connection was lost")


def assert_interrupted(error: RxPumpError | None, operation: str) -> None:
    assert isinstance(error, RequestInterrupted)
    assert (error.address, error.reason) == (LOST.address, LOST.reason)
    assert operation in error.operation


@pytest.fixture
def wire() -> Wire:
    return Wire()


# Requests and replies------------------------------------------------------------------------------------


def test_requests_are_sent_in_order_with_their_own_ids(wire: Wire) -> None:
    wire.ask("a", "b", "c")
    sent = wire.sent()
    assert [package.payload for package in sent] == [b"a", b"b", b"c"]
    assert len({package.correlation_id for package in sent}) == 3
    assert wire.sent() == []


def test_no_request_is_sent_without_a_connection() -> None:
    wire = Wire(is_connected=False)
    wire.ask("a")
    assert wire.sent() == []
    wire.pending.connected()
    assert wire.names() == ["a"]


def test_replies_in_any_order_settle_their_requests(wire: Wire) -> None:
    a, b = wire.ask("a", "b")
    to_a, to_b = wire.sent()
    assert wire.reply(to_b, b"for b") is b
    assert wire.reply(to_a, b"for a") is a
    assert (a.value, b.value, a.error) == (b"for a", b"for b", None)
    assert len(wire.pending) == 0


def test_a_failed_request_has_its_error(wire: Wire) -> None:
    (a,) = wire.ask("a")
    (to_a,) = wire.sent()
    assert wire.reply(to_a, b"No.", Command.BAD_REQUEST) is a
    assert isinstance(a.error, BadRequest)


def test_an_unrequested_reply_is_ignored(wire: Wire) -> None:
    wire.ask("a")
    (to_a,) = wire.sent()
    assert wire.pending.receive(Package(Command.PONG, bytes(16)), 0.0) is None
    wire.reply(to_a)
    assert wire.reply(to_a) is None, "the second answer to one question"


def test_max_in_flight_limits_the_sent_requests(wire: Wire) -> None:
    wire.ask(*"abcdefg")
    sent = wire.sent()
    assert len(sent) == SETTINGS.max_in_flight
    wire.reply(sent[2])
    wire.reply(sent[0])
    assert wire.names() == ["e", "f"]


def test_large_requests_are_sent_in_small_groups(wire: Wire) -> None:
    for _ in range(4):
        wire.pending.submit(Append("ponies", [NewEvent("T", bytes(70_000))], -2, require_leader=True))
    assert [len(wire.pending.send(0.0)) for _ in range(3)] == [2, 2, 0]


def test_the_repr_shows_the_counts(wire: Wire) -> None:
    wire.ask(*"abcdef")
    wire.refuse(wire.sent()[0])
    assert repr(wire.pending) == "<PendingRequests 3 in flight, 2 waiting, 1 retrying>"


# Deadlines ----------------------------------------------------------------------------------------------


def test_a_request_without_a_deadline_is_sent_once(wire: Wire) -> None:
    scavenge = wire.pending.submit(Scavenge(), deadline=Deadline(math.inf, 0.0))
    wire.sent()
    assert wire.pending.deadline == math.inf
    assert wire.pass_time(86_400.0) == []
    assert wire.pending.disconnected(LOST) == [scavenge]
    assert_interrupted(scavenge.error, "ScavengeDatabase")


def test_the_timeout_begins_when_the_request_is_sent(wire: Wire) -> None:
    (a,) = wire.ask("a")
    assert wire.pending.deadline == math.inf
    wire.now = 100.0
    wire.sent()
    assert wire.pending.deadline == 107.0
    assert wire.pass_time(6.9) == []
    assert wire.pass_time(0.1) == [a]
    assert isinstance(a.error, OperationTimedOut)
    assert (a.error.operation, a.error.timeout, a.error.attempts, a.error.reason) == ("a", 7.0, 1, None)
    assert wire.pending.deadline == math.inf


def test_parts_of_a_request_or_reply_begin_the_timeout_again(wire: Wire) -> None:
    a, b = wire.ask("a", "b")
    wire.sent()
    wire.pass_time(6.0)
    wire.pending.note_part(a.correlation_id, wire.now)
    assert wire.pass_time(1.0) == [b]
    assert wire.pass_time(5.9) == []
    assert wire.pass_time(0.1) == [a]


def test_parts_of_a_request_or_reply_move_no_deadline(wire: Wire) -> None:
    a = wire.call("a")
    wire.sent()
    wire.pass_time(6.0)
    wire.pending.note_part(a.correlation_id, wire.now)
    assert wire.pass_time(1.0) == [a]


def test_parts_of_unknown_packages_are_ignored(wire: Wire) -> None:
    wire.pending.note_part(bytes(16), wire.now)
    assert len(wire.pending) == 0


def test_a_reply_after_the_deadline_is_ignored(wire: Wire) -> None:
    wire.ask(*"abcde")
    sent = wire.sent()
    wire.pass_time(7.0)
    assert wire.reply(sent[0]) is None
    assert wire.names() == ["e"]


def test_each_request_expires_at_its_own_deadline(wire: Wire) -> None:
    (a,) = wire.ask("a")
    wire.sent()
    wire.pass_time(3.0)
    (b,) = wire.ask("b")
    wire.sent()
    assert wire.pass_time(4.0) == [a]
    assert wire.pending.deadline == 10.0
    assert wire.pass_time(3.0) == [b]


def test_one_deadline_holds_for_all_attempts(wire: Wire) -> None:
    a = wire.call("a")
    while not a.is_settled:
        for package in wire.sent():
            wire.refuse(package)
        wire.pass_time(1.0)
    assert wire.now == 7.0
    assert isinstance(a.error, OperationTimedOut)
    assert isinstance(a.error.reason, NotReady), "the reason of the last reply"
    assert a.error.attempts == 3  # Attempts were made at 0, 1 and 3 s. The next one would be at 7 s.


def test_an_expired_request_is_not_retried(wire: Wire) -> None:
    settings = Settings(timeout=2.0, retry=Backoff(min_delay=5.0, jitter=0.0))
    wire = Wire(settings)
    wire.call("a", timeout=2.0)
    wire.refuse(wire.sent()[0])
    assert len(wire.pass_time(2.0)) == 1
    wire.pass_time(10.0)
    assert repr(wire.pending) == "<PendingRequests 0 in flight, 0 waiting, 0 retrying>"
    assert wire.sent() == []


def test_a_call_expires_while_there_is_no_connection() -> None:
    wire = Wire(is_connected=False)
    call = wire.pending.submit(Ask("call"), deadline=Deadline(2.0, 0.0))
    (stream,) = wire.ask("of a stream")
    assert wire.pending.deadline == 2.0
    assert wire.pass_time(1.9) == []
    assert wire.pass_time(0.1) == [call]
    assert isinstance(call.error, OperationTimedOut)
    assert (call.error.timeout, call.error.attempts, call.error.is_connected) == (2.0, 0, False)
    assert not stream.is_settled
    wire.pending.connected()
    assert wire.names() == ["of a stream"]


def test_the_deadline_of_a_call_holds_across_connections(wire: Wire) -> None:
    call = wire.pending.submit(Ask("call"), deadline=Deadline(5.0, 0.0))
    wire.refuse(wire.sent()[0])
    wire.pass_time(3.0)
    wire.sent()
    wire.pending.disconnected(LOST)
    wire.pass_time(1.0)
    wire.pending.connected()
    wire.sent()
    assert wire.pending.deadline == 5.0
    assert wire.pass_time(1.0) == [call]
    assert isinstance(call.error, OperationTimedOut)
    assert (call.error.attempts, call.error.is_connected) == (3, True)
    assert isinstance(call.error.reason, NotReady)


def test_calls_expire_by_their_own_deadlines_in_any_order(wire: Wire) -> None:
    timeouts = [5.0, 1.0, 4.0, 1.0, math.inf, 3.0]
    calls = [wire.pending.submit(Ask(str(each)), deadline=Deadline(each, 0.0)) for each in timeouts]
    expired = []
    while wire.pending.deadline < math.inf:
        expired += wire.pass_time(wire.pending.deadline - wire.now)
    assert expired == [calls[1], calls[3], calls[5], calls[2], calls[0]]
    assert not calls[4].is_settled


def test_without_a_timeout_in_the_settings_nothing_expires() -> None:
    wire = Wire(Settings(timeout=None))
    (a,) = wire.ask("a")
    wire.sent()
    assert wire.pending.deadline == math.inf
    assert wire.pass_time(86_400.0) == []
    assert not a.is_settled


def test_expired_calls_do_not_pile_up_while_there_is_no_connection() -> None:
    wire = Wire(is_connected=False)
    operations = [Ask(f"gone {number}") for number in range(5000)]
    alive = [weakref.ref(operation) for operation in operations]
    for operation in operations:
        wire.pending.submit(operation, deadline=Deadline(1.0, 0.0))
    del operation, operations
    assert len(wire.pass_time(1.0)) == 5000
    assert sum(reference() is not None for reference in alive) < 200


def test_a_stream_request_has_no_deadline_without_a_connection(wire: Wire) -> None:
    (a,) = wire.ask("a")
    wire.sent()
    wire.pass_time(6.0)
    wire.pending.disconnected(LOST)
    assert wire.pending.deadline == math.inf
    assert wire.pass_time(1000.0) == []
    wire.pending.connected()
    assert wire.names() == ["a"]
    assert wire.pending.deadline == wire.now + 7.0
    assert wire.pass_time(7.0) == [a]


# Refusals -----------------------------------------------------------------------------------------------


def test_a_temporary_refusal_is_retried_with_a_new_id(wire: Wire) -> None:
    (a,) = wire.ask("a")
    (first,) = wire.sent()
    assert wire.refuse(first) is None
    assert wire.sent() == []
    assert wire.pending.deadline == 1.0
    assert wire.pass_time(1.0) == []
    (second,) = wire.sent()
    assert second.payload == first.payload
    assert second.correlation_id != first.correlation_id
    assert wire.reply(first) is None, "a late answer to the first attempt is nobody's"
    assert wire.reply(second) is a


def test_the_time_of_a_retry_is_reported_as_a_new_deadline(wire: Wire) -> None:
    """So the connection sets its timer."""
    reported: list[float] = []
    wire.pending = pending = PendingRequests(
        SETTINGS, chance=lambda: 0.0, on_queued=lambda: reported.append(pending.deadline)
    )
    pending.connected()
    wire.ask("a")
    wire.refuse(wire.sent()[0])
    assert reported == [math.inf, 1.0]


def test_delays_between_retries_grow(wire: Wire) -> None:
    wire = Wire(Settings(retry=Backoff(min_delay=1.0, max_delay=4.0, jitter=0.0)))
    wire.call("a", timeout=100.0)
    rests = []
    for _ in range(4):
        wire.refuse(wire.sent()[0], NotHandledReason.TOO_BUSY)
        rests.append(wire.pending.deadline - wire.now)
        wire.pass_time(rests[-1])
    assert rests == [1.0, 2.0, 4.0, 4.0]


def test_the_refusal_is_the_error_after_the_last_retry(wire: Wire) -> None:
    wire = Wire(Settings(retry=Backoff(attempts=1, min_delay=1.0)))
    (a,) = wire.ask("a")
    assert wire.refuse(wire.sent()[0]) is None
    wire.pass_time(1.0)
    assert wire.refuse(wire.sent()[0]) is a
    assert isinstance(a.error, NotReady)


def test_a_subscription_request_is_retried_without_limit(wire: Wire) -> None:
    """Time without a connection does not end the request, either."""
    (a,) = wire.ask("of a subscription")
    while wire.now < 1000:
        wire.refuse(wire.sent()[0])
        assert wire.pass_time(wire.pending.deadline - wire.now) == []
    assert wire.reply(wire.sent()[0]) is a


def test_a_missing_reply_to_a_retry_times_out(wire: Wire) -> None:
    (a,) = wire.ask("of a subscription")
    wire.refuse(wire.sent()[0])
    wire.pass_time(1.0)
    assert len(wire.sent()) == 1
    assert wire.pass_time(6.9) == []
    assert wire.pass_time(0.2) == [a]
    assert isinstance(a.error, OperationTimedOut)


@pytest.mark.parametrize("reason", [NotHandledReason.NOT_READY, NotHandledReason.NOT_LEADER])
def test_the_reconnect_policy_limits_refusals(reason: NotHandledReason) -> None:
    reconnect = Backoff(attempts=2, min_delay=1.0, jitter=0.0)
    wire = Wire(replace(SETTINGS, reconnect=reconnect))
    (a,) = wire.ask("of a subscription")
    for _ in range(2):
        assert wire.refuse(wire.sent()[0], reason) is None
        wire.pass_time(wire.pending.deadline - wire.now)
    assert wire.now == 3.0, "1 s and 2 s, as without a connection"
    assert wire.refuse(wire.sent()[0], reason) is a
    assert isinstance(a.error, NoNodeReady)
    assert not a.error.retryable, "it ends a subscription too"
    assert str(a.error).startswith("no node handled of a subscription, after 3 attempt(s): the node did not handle")


def test_delays_after_refusals_are_at_most_those_of_retries() -> None:
    wire = Wire(replace(SETTINGS, reconnect=Backoff(min_delay=100.0, max_delay=100.0, jitter=0.0)))
    wire.ask("of a subscription")
    wire.refuse(wire.sent()[0])
    assert wire.pending.deadline == 4.0


def test_a_commit_timeout_is_not_a_refusal_of_the_node() -> None:
    wire = Wire(replace(SETTINGS, reconnect=Backoff(attempts=0)))
    append = wire.pending.submit(Append("ponies", [NewEvent("T")], -2, require_leader=True))
    assert wire.time_out(wire.sent()[0]) is None
    assert not append.is_settled
    assert isinstance(wire.pending.last_refusal, CommitTimeout)


def test_errors_contain_the_failure_of_each_node() -> None:
    wire = Wire(replace(SETTINGS, reconnect=Backoff(attempts=0)), explain=lambda: "10.0.0.1:1113: is not ready")
    (subscription,) = wire.ask("of a subscription")
    wire.refuse(wire.sent()[0])
    assert str(subscription.error).endswith("after 1 attempt(s): 10.0.0.1:1113: is not ready")
    call = wire.call("a")
    wire.pass_time(7.0)
    assert str(call.error) == "a was not done within 7 s: it was never sent; 10.0.0.1:1113: is not ready"


def test_without_require_leader_a_redirect_is_not_followed() -> None:
    wire = Wire(replace(SETTINGS, require_leader=False))
    (a,) = wire.ask("a")
    leader = {"external_tcp_address": "10.0.0.2", "external_tcp_port": 1114}
    assert wire.refuse(wire.sent()[0], NotHandledReason.NOT_LEADER, **leader) is a
    assert isinstance(a.error, NotLeader)
    assert wire.pending.redirect is None


def test_the_address_of_the_leader_is_kept_until_a_connection(wire: Wire) -> None:
    (a,) = wire.ask("a")
    leader = {"external_tcp_address": "10.0.0.2", "external_tcp_port": 1114}
    assert wire.refuse(wire.sent()[0], NotHandledReason.NOT_LEADER, **leader) is None
    assert wire.pending.redirect == ("10.0.0.2", 1114)
    wire.pending.disconnected(LOST)
    wire.pending.connected()
    assert wire.pending.redirect is None
    (sent,) = wire.sent()
    assert wire.reply(sent) is a


@pytest.mark.parametrize(("tls", "endpoint"), [(False, ("10.0.0.2", 1114)), (True, ("leader.example", 1115))])
def test_the_endpoint_that_matches_tls_is_the_redirect(tls: bool, endpoint: tuple[str, int]) -> None:
    wire = Wire(Settings(tls=tls))
    wire.ask("a")
    wire.refuse(
        wire.sent()[0],
        NotHandledReason.NOT_LEADER,
        external_tcp_address="10.0.0.2",
        external_tcp_port=1114,
        external_secure_tcp_address="leader.example",
        external_secure_tcp_port=1115,
    )
    assert wire.pending.redirect == endpoint


@pytest.mark.parametrize("tls", [False, True])
def test_an_endpoint_that_does_not_match_tls_is_ignored(tls: bool) -> None:
    wire = Wire(Settings(tls=tls))
    wire.ask("a")
    kind = "external_tcp" if tls else "external_secure_tcp"
    leader = {f"{kind}_address": "10.0.0.2", f"{kind}_port": 1114}
    assert wire.refuse(wire.sent()[0], NotHandledReason.NOT_LEADER, **leader) is None
    assert wire.pending.redirect is None


# Lanes --------------------------------------------------------------------------------------------------


def test_refused_requests_of_one_key_are_retried_in_order(wire: Wire) -> None:
    wire.ask("a", "b", "c", ordering_key="ponies")
    to_a, to_b, to_c = wire.sent()
    wire.refuse(to_b)
    wire.pass_time(0.5)
    wire.refuse(to_a)
    wire.refuse(to_c)
    wire.pass_time(0.5)
    assert wire.names() == ["a", "b", "c"]


def test_later_requests_of_a_key_wait_for_its_retries(wire: Wire) -> None:
    wire.ask("a", ordering_key="ponies")
    wire.refuse(wire.sent()[0])
    wire.ask("b", ordering_key="ponies")
    wire.ask("c", ordering_key="horses")
    wire.ask("d")
    assert wire.names() == ["c", "d"], "the others go on"
    wire.pass_time(1.0)
    assert wire.names() == ["a", "b"]
    wire.ask("e", ordering_key="ponies")
    assert wire.names() == []  # Four requests are in flight.
    assert len(wire.pass_time(7.0)) == 4
    assert wire.names() == ["e"]


def test_a_new_connection_ends_the_delay_of_a_retry(wire: Wire) -> None:
    wire.ask("a", ordering_key="ponies")
    wire.refuse(wire.sent()[0])
    wire.pending.disconnected(LOST)
    wire.pending.connected()
    wire.ask("b", ordering_key="ponies")
    assert wire.names() == ["a", "b"]


# The connection is lost ---------------------------------------------------------------------------------


def test_pending_requests_are_sent_again_in_their_order(wire: Wire) -> None:
    wire.ask(*"abcdef")
    sent = wire.sent()
    wire.refuse(sent[1])  # b waits for its next attempt.
    wire.reply(sent[2])  # c is answered.
    assert wire.names() == ["e", "f"]
    wire.ask("g")
    assert wire.pending.disconnected(LOST) == []
    wire.pending.connected()
    assert wire.names() == ["a", "b", "d", "e"]
    assert wire.reply(sent[0]) is None, "answers of the old connection are nobody's"


def test_an_unrepeatable_request_fails_with_its_connection(wire: Wire) -> None:
    sent_out = wire.pending.submit(AskOnce("sent"))
    refused = wire.pending.submit(AskOnce("refused"))
    wire.refuse(wire.sent()[1])
    waiting = wire.pending.submit(AskOnce("waiting"))
    assert wire.pending.disconnected(LOST) == [sent_out]
    assert_interrupted(sent_out.error, "sent")
    wire.pending.connected()
    assert wire.names() == ["refused", "waiting"], "a request that was not executed may be sent again"
    assert not refused.is_settled
    assert not waiting.is_settled


def test_only_a_repeatable_request_is_retried_after_a_timeout(wire: Wire) -> None:
    class WriteOnce(Append):
        repeatable = False

    once = wire.pending.submit(WriteOnce("ponies", [NewEvent("T")], -2, require_leader=True))
    again = wire.pending.submit(Append("horses", [NewEvent("T")], -2, require_leader=True))
    to_once, to_again = wire.sent()
    assert wire.time_out(to_once) is once
    assert isinstance(once.error, CommitTimeout)
    assert wire.time_out(to_again) is None
    assert not again.is_settled


# Withdrawn requests -------------------------------------------------------------------------------------


def test_a_request_withdrawn_before_sending_is_not_sent(wire: Wire) -> None:
    a, _ = wire.ask("a", "b")
    wire.pending.withdraw(a)
    assert wire.names() == ["b"]
    assert len(wire.pending) == 1


def test_the_reply_to_a_withdrawn_request_is_ignored(wire: Wire) -> None:
    a, *_ = wire.ask(*"abcde")
    to_a, *_ = wire.sent()
    wire.pending.withdraw(a)
    assert wire.reply(to_a) is None
    assert wire.names() == ["e"]


def test_a_request_withdrawn_before_its_retry_is_not_sent_again(wire: Wire) -> None:
    (a,) = wire.ask("a")
    wire.refuse(wire.sent()[0])
    wire.pending.withdraw(a)
    wire.pass_time(10.0)
    assert wire.sent() == []


def test_withdrawing_a_settled_request_has_no_effect(wire: Wire) -> None:
    a, b = wire.ask("a", "b")
    wire.reply(wire.sent()[0])
    for request in (a, b, b):
        wire.pending.withdraw(request)
    assert len(wire.pending) == 0
    assert a.value == b"done"


def test_withdrawn_requests_are_removed_without_a_connection() -> None:
    wire = Wire(is_connected=False)
    kept = wire.ask("kept")
    operations = [Ask(f"gone {number}") for number in range(5000)]
    alive = [weakref.ref(operation) for operation in operations]
    for operation in operations:
        wire.pending.withdraw(wire.pending.submit(operation))
    del operation, operations
    assert sum(reference() is not None for reference in alive) < 200
    wire.pending.connected()
    assert wire.names() == ["kept"]
    assert not kept[0].is_settled


def test_settled_requests_are_released_behind_a_slow_one(wire: Wire) -> None:
    wire.pending.submit(Ask("slow"), deadline=Deadline(60.0, 0.0))
    wire.sent()
    alive = []
    for _ in range(3):
        quick = wire.pending.submit(Ask("quick"), deadline=Deadline(60.0, 0.0))
        wire.reply(wire.sent()[0], bytes(1000))
        alive.append(weakref.ref(quick.operation))
        del quick
    assert [reference() for reference in alive] == [None, None, None]


# Ends ---------------------------------------------------------------------------------------------------


def test_a_reply_that_cannot_be_received_fails_its_request_alone(wire: Wire) -> None:
    a, b = wire.ask("a", "b")
    to_a, _ = wire.sent()
    too_large = FrameTooLarge(10**8, 10**7, to_a.correlation_id)
    assert wire.pending.fail(to_a.correlation_id, too_large) is a
    assert a.error is too_large
    assert wire.pending.fail(bytes(16), too_large) is None
    assert not b.is_settled


def test_close_fails_all_requests_in_their_order(wire: Wire) -> None:
    asked = wire.ask(*"abcdef")
    wire.refuse(wire.sent()[0])
    once = wire.pending.submit(AskOnce("once"))
    ended = wire.pending.close(LOST)
    assert ended == [*asked, once]
    assert all(request.error is LOST for request in ended)
    assert len(wire.pending) == 0
    assert wire.pending.deadline == math.inf
    assert wire.pending.close(LOST) == []


def test_requests_are_accepted_after_close(wire: Wire) -> None:
    wire.pending.close(LOST)
    wire.ask("a")
    assert wire.sent() == []
    wire.pending.connected()
    assert wire.names() == ["a"]
