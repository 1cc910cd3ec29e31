"""The state machine of a consumer group. The tests pass the time in."""

from __future__ import annotations

from random import Random

import pytest

from rxpump.model.group_settings import NackAction
from rxpump.server.groups import group as module
from rxpump.server.groups.consumer import Consumer
from tests.server.groups.machine import TIMEOUT, Client, Driven, event_id, message


def test_a_delivery_takes_a_slot_until_it_is_settled() -> None:
    driven = Driven(stored=5)
    driven.connect(slots=2)
    assert driven.step() == [("a", 0, 0), ("a", 1, 0)]
    assert driven.step() == []
    driven.ack(1)
    assert driven.numbers() == [2]
    driven.ack(0, 2)
    assert driven.numbers() == [3, 4]


def test_a_consumer_without_slots_gets_no_delivery() -> None:
    driven = Driven(stored=5)
    driven.connect(slots=0)
    assert driven.step() == []
    assert driven.next == 0


def test_without_consumers_nothing_is_read() -> None:
    driven = Driven(stored=5)
    assert driven.group.wanted == 0


def test_retries_come_first_in_order_of_number() -> None:
    driven = Driven(stored=6)
    driven.connect(slots=3)
    assert driven.numbers() == [0, 1, 2]
    driven.nak(2, 0, action=NackAction.RETRY)
    assert driven.step() == [("a", 0, 1), ("a", 2, 1)]
    driven.ack(0, 1, 2)
    assert driven.step() == [("a", 3, 0), ("a", 4, 0), ("a", 5, 0)]


def test_a_timeout_of_zero_passes_at_ticks_only() -> None:
    driven = Driven(stored=1, message_timeout_seconds=0.0, follows_v23=True, max_retry_count=1)
    driven.connect()
    driven.group.tick(0.0)
    assert driven.step() == [("a", 0, 0)]
    for now, expired in ((0.0, 0), (100.0, 0)):
        assert driven.group.expire(now, 10) == expired
    driven.now = 101.0
    driven.group.tick(driven.now)
    assert driven.group.expire(driven.now, 10) == 1
    assert driven.step() == [("a", 0, 1)]
    assert driven.group.expire(driven.now, 10) == 0
    driven.group.tick(102.0)
    assert driven.group.expire(102.0, 10) == 1
    [(_, reason)] = driven.group.parks()
    assert reason == "Reached retry count of 1"


def test_a_timeout_of_zero_otherwise_never_passes() -> None:
    driven = Driven(stored=1, message_timeout_seconds=0.0)
    driven.connect()
    driven.step()
    driven.group.tick(1e9)
    assert driven.group.expire(1e9, 10) == 0


@pytest.mark.parametrize(("keeps", "counts"), [(False, [0, 1, 1]), (True, [0, 1, 2])])
def test_a_consumer_that_leaves_can_keep_the_counts(counts: list[int], *, keeps: bool) -> None:
    driven = Driven(stored=1, max_retry_count=0)
    for count in counts:
        consumer = driven.connect()
        consumer.keeps_retry_counts = keeps
        assert driven.step() == [("a", 0, count)]
        driven.group.disconnect(consumer)


def test_too_many_retries_are_parked() -> None:
    driven = Driven(stored=1, max_retry_count=2)
    driven.connect()
    for retry in range(3):
        assert driven.step() == [("a", 0, retry)]
        driven.nak(0, action=NackAction.RETRY)
    assert driven.step() == []
    [(parked, reason)] = driven.group.parks()
    assert (parked.number, reason) == (0, "Reached retry count of 2")
    assert driven.group.parks() == []


def test_without_retries_the_first_nack_parks() -> None:
    driven = Driven(stored=1, max_retry_count=0)
    driven.connect()
    driven.step()
    driven.nak(0, action=NackAction.RETRY)
    [(_, reason)] = driven.group.parks()
    assert reason == "Reached retry count of 0"


def test_a_parked_event_is_completed_when_written() -> None:
    driven = Driven(stored=2, checkpoint_max_count=1)
    driven.connect(slots=1)
    driven.step()
    driven.nak(0, action=NackAction.PARK, text="too big")
    [(parked, reason)] = driven.group.parks()
    assert reason == "Client explicitly NAK'ed message.\ntoo big"
    assert driven.numbers() == [1]
    driven.ack(1)
    assert driven.group.checkpoints.due(0.0) is None
    driven.group.parked(parked)
    assert driven.group.checkpoints.due(0.0) == 1


def test_an_event_that_was_not_parked_is_redelivered() -> None:
    driven = Driven(stored=1, max_retry_count=1)
    driven.connect()
    driven.step()
    driven.nak(0, action=NackAction.RETRY)
    driven.step()
    driven.nak(0, action=NackAction.RETRY)
    [(parked, _)] = driven.group.parks()
    driven.group.not_parked(parked)
    assert driven.step() == [("a", 0, 1)]


@pytest.mark.parametrize("action", [NackAction.SKIP, NackAction.STOP])
def test_a_skipped_event_is_completed(action: NackAction) -> None:
    driven = Driven(stored=2, checkpoint_max_count=1)
    driven.connect(slots=1)
    driven.step()
    driven.nak(0, action=action)
    assert driven.numbers() == [1]
    assert driven.group.checkpoints.due(0.0) == 0


def test_an_expired_delivery_is_retried() -> None:
    driven = Driven(stored=2)
    driven.connect()
    driven.step()
    driven.now = TIMEOUT - 1
    driven.ack(1)
    assert driven.group.expire(driven.now, 100) == 0
    driven.now = TIMEOUT
    assert driven.group.expire(driven.now, 100) == 1
    assert driven.step() == [("a", 0, 1)]
    assert driven.group.expire(driven.now, 100) == 0


def test_expirations_are_bounded_in_number() -> None:
    driven = Driven(stored=10)
    driven.connect()
    driven.step()
    assert [driven.group.expire(TIMEOUT, 4) for _ in range(4)] == [4, 4, 2, 0]


def test_a_late_ack_settles_the_current_delivery() -> None:
    driven = Driven(stored=1)
    driven.connect()
    driven.step()
    driven.group.expire(TIMEOUT, 100)
    driven.ack(0)  # The delivery has expired, and is buffered for a retry.
    driven.now = TIMEOUT
    assert driven.step() == [("a", 0, 1)]
    driven.ack(0)
    assert driven.group.expire(3 * TIMEOUT, 100) == 0


@pytest.mark.parametrize("timeout", [0, -1])
def test_without_a_timeout_nothing_expires(timeout: float) -> None:
    driven = Driven(stored=1, message_timeout_seconds=timeout)
    driven.connect()
    driven.step()
    assert driven.group.expire(1e9, 100) == 0


def test_events_of_a_leaving_consumer_are_first_retries() -> None:
    driven = Driven(stored=4)
    a, _ = driven.connect("a", 2), driven.connect("b", 2)
    assert driven.step() == [("a", 0, 0), ("b", 1, 0), ("a", 2, 0), ("b", 3, 0)]
    driven.nak(0, action=NackAction.RETRY)
    driven.step()
    driven.group.disconnect(a)
    assert driven.step() == []
    driven.ack(1, 3, by="b")
    assert driven.step() == [("b", 0, 1), ("b", 2, 1)]
    assert driven.group.checkpoints.due(0.0) is None


def test_an_unknown_id_changes_nothing() -> None:
    driven = Driven(stored=1)
    driven.connect()
    driven.step()
    driven.ack(7)
    driven.nak(8, action=NackAction.PARK)
    assert driven.group.parks() == []
    assert driven.step() == []


def test_an_ack_by_another_consumer_frees_no_slot() -> None:
    driven = Driven(stored=3, checkpoint_max_count=1)
    a = driven.connect("a", slots=1)
    driven.step()
    driven.ack(0, by="x")
    assert driven.step() == []
    assert driven.group.checkpoints.due(0.0) == 0
    driven.group.disconnect(a)
    driven.connect("b", slots=1)
    assert driven.step() == [("b", 1, 0)]


def test_events_with_one_id_are_delivered_in_turn() -> None:
    driven = Driven()
    driven.connect()
    first, second = message(0), message(1)
    second.event_id = first.event_id
    driven.group.take([first, second, message(2)])
    assert driven.numbers() == [0, 2]
    driven.ack(0)
    assert driven.numbers() == [1]
    driven.ack(0, 2)
    assert driven.group.last_completed == 2


def test_the_buffer_is_bounded() -> None:
    driven = Driven(stored=1000, buffer_size=50, read_batch_size=20, strategy="Pinned")
    driven.connect("a", slots=1)
    driven.connect("b", slots=1)  # The second consumer has free slots, but all events are in flight with the first.
    assert driven.numbers() == [0]
    assert driven.next == 40  # 39 events are buffered, and another page does not fit.


def test_a_page_is_made_to_fit_the_buffer() -> None:
    driven = Driven(stored=30, buffer_size=5, read_batch_size=20)
    driven.connect(slots=100)
    assert driven.group.wanted == 5
    assert driven.numbers() == list(range(30))


@pytest.mark.parametrize(("asked", "page"), [(0, 10), (-3, 10), (50, 50), (4000, 100)])
def test_read_batch_size_sets_the_size_of_a_page(asked: int, page: int) -> None:
    driven = Driven(read_batch_size=asked)
    driven.connect()
    assert driven.group.wanted == page


def test_pending_events_are_bounded_in_number_and_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_PENDING", 40)
    driven = Driven(stored=1000)
    driven.connect(slots=1_000_000)
    assert len(driven.step()) == 40
    driven.ack(0)
    assert len(driven.step()) == 20

    monkeypatch.setattr(module, "MAX_PENDING_BYTES", 1000)
    driven = Driven()
    driven.connect(slots=1_000_000)
    driven.group.take([message(0, size=999)])
    assert driven.group.wanted == 20
    driven.group.take([message(1, size=1)])
    assert driven.group.wanted == 0
    driven.step()
    driven.ack(1)
    assert driven.group.wanted == 20


def test_a_client_that_does_not_read_gets_no_events() -> None:
    driven = Driven(stored=5)
    slow, _ = driven.connect("a"), driven.connect("b")
    assert isinstance(slow._client, Client)
    slow._client.is_unread = True
    assert {name for name, _, _ in driven.step()} == {"b"}


def test_a_checkpoint_is_due_after_enough_events() -> None:
    driven = Driven(stored=10, checkpoint_max_count=3)
    driven.connect()
    driven.step()
    driven.ack(0, 1)
    assert driven.group.checkpoints.due(0.0) is None
    driven.ack(3, 4)
    assert driven.group.checkpoints.due(0.0) is None  # Event 2 is not completed.
    driven.ack(2)
    assert driven.group.checkpoints.due(0.0) == 4
    assert driven.group.checkpoints.due(0.0) is None


def test_a_checkpoint_of_few_events_is_due_by_time() -> None:
    driven = Driven(stored=10, checkpoint_after_seconds=2.0, checkpoint_min_count=2, checkpoint_max_count=1000)
    driven.connect()
    driven.step()
    driven.ack(0)
    assert driven.group.checkpoints.due(5.0, is_timed=True) is None  # too few
    driven.ack(1)
    assert driven.group.checkpoints.due(5.0) is None  # only the number of events counts
    assert driven.group.checkpoints.due(2.0, is_timed=True) == 1  # No time must pass before the first one.
    driven.ack(2, 3)
    assert driven.group.checkpoints.due(3.9, is_timed=True) is None  # too early
    assert driven.group.checkpoints.due(4.0, is_timed=True) == 3


def test_the_last_checkpoint_includes_all_progress() -> None:
    driven = Driven(stored=10, checkpoint_after_seconds=0.0)
    driven.connect()
    driven.step()
    assert driven.group.checkpoints.last(0.0) is None
    driven.ack(*range(10))
    assert driven.group.checkpoints.due(1e9, is_timed=True) is None
    assert driven.group.checkpoints.last(0.0) == 9
    assert driven.group.checkpoints.last(0.0) is None


def test_a_group_continues_after_its_checkpoint() -> None:
    driven = Driven(stored=10, last_completed=6)
    driven.connect()
    assert driven.numbers() == [7, 8, 9]


def test_a_replay_comes_first_without_checkpoints() -> None:
    driven = Driven(stored=1, checkpoint_max_count=1)
    driven.connect(slots=1)
    driven.step()
    driven.group.take([message(70, replay_of=b"3@s")])
    driven.ack(0)
    assert driven.group.replays == 1
    assert driven.step() == [("a", 70, 0)]
    driven.ack(70)
    assert driven.group.replays == 0
    assert driven.group.last_completed == 0


@pytest.mark.parametrize("limit", [1, 2, 7])
def test_consumers_are_limited_by_the_settings(limit: int) -> None:
    driven = Driven(subscriber_max_count=limit)
    for number in range(limit):
        assert not driven.group.is_full
        driven.connect(chr(97 + number))
    assert driven.group.is_full


def test_no_consumer_can_connect_to_a_group_with_a_negative_limit() -> None:
    assert Driven(subscriber_max_count=-1).group.is_full


OUTCOMES: list[str | NackAction] = ["ack", "ack", NackAction.RETRY, NackAction.PARK, NackAction.SKIP]


@pytest.mark.parametrize("strategy", ["RoundRobin", "DispatchToSingle", "Pinned"])
@pytest.mark.parametrize("seed", range(8))
def test_random_runs_complete_all_events(strategy: str, seed: int) -> None:
    """In a random history, the completed events are those that were acknowledged in flight, skipped, or parked."""
    random = Random(seed)
    driven = Driven(stored=200, strategy=strategy, buffer_size=30, max_retry_count=3, checkpoint_max_count=5)
    out: dict[int, str] = {}
    done: set[int] = set()
    connected: dict[str, Consumer] = {}
    while len(done) < 200:
        name = random.choice("abc")
        if name not in connected:
            connected[name] = driven.connect(name, slots=random.randint(1, 9))
        for who, number, _ in driven.step():
            assert number not in out
            assert number not in done
            out[number] = who
        for who, one in connected.items():
            assert len(one.in_flight) == sum(holder == who for holder in out.values()) <= one.slots
        for number in random.sample(sorted(out), min(len(out), 4)):
            who = out.pop(number)
            what = random.choice(OUTCOMES)
            if isinstance(what, str):
                driven.ack(number, by=who)
            else:
                driven.nak(number, action=what, by=who)
            if what in ("ack", NackAction.SKIP):
                done.add(number)
        if random.random() < 0.2 and name in connected:
            driven.group.disconnect(connected.pop(name))
            out = {number: who for number, who in out.items() if who != name}
        driven.now += 1
        late = driven.group.expire(driven.now, 1000)
        if late:
            still = {event_id(number): number for number in out}
            held = set().union(*(one.in_flight for one in connected.values()))
            out = {number: out[number] for key, number in still.items() if key in held}
        for parked, _ in driven.group.parks():
            driven.group.parked(parked)
            done.add(parked.number)
        checkpoint = driven.group.checkpoints.due(driven.now)
        assert checkpoint is None or set(range(checkpoint + 1)) <= done
    assert driven.group.last_completed == 199
    assert "completed up to 199" in repr(driven.group)
