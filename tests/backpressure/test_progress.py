"""The progress tracker alone, and random pipelines of operators compared with a simple model."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rxpump.backpressure.progress import DeliveryTracker, Pending, ProgressTracker
from rxpump.backpressure.tracking import announce, tracking_deliveries
from rxpump.backpressure.upstream import Upstream
from rxpump.model.deliveries import Delivery
from rxpump.model.signals import CaughtUp
from tests.operators.deliveries import FakeAcknowledger
from tests.operators.events import event


def begun(tracker: ProgressTracker, *items: Any) -> list[Pending]:
    return [tracker.begin(item) for item in items]


def test_an_entry_is_passed_when_all_before_it_are_finished() -> None:
    tracker = ProgressTracker()
    passed: list[str] = []
    tracker.on_passed = lambda entry: passed.append(entry.item)
    a, b, c = begun(tracker, "a", "b", "c")
    b.release()
    assert (tracker.done, b.is_finished, b.is_passed) == (None, True, False)
    a.release()
    assert (tracker.done, b.is_passed, c.is_passed) == ("b", True, False)
    c.release()
    assert passed == ["a", "b", "c"]
    assert (tracker.count, len(tracker)) == (0, 0)


def test_every_user_must_release() -> None:
    tracker = ProgressTracker()
    (a,) = begun(tracker, "a")
    a.retain()
    a.release()
    assert tracker.done is None
    a.release()
    assert tracker.done == "a"


def test_an_entry_without_an_item_is_not_reported() -> None:
    tracker = ProgressTracker()
    passed: list[Pending] = []
    tracker.on_passed = passed.append
    a, signal = begun(tracker, "a", None)
    for entry in (a, signal):
        entry.release()
    assert (tracker.done, passed) == ("a", [a])


def test_adjacent_finished_entries_are_merged() -> None:
    tracker = ProgressTracker()
    (slow,) = begun(tracker, 0)
    for number in range(1, 1000):
        tracker.begin(number).release()
    assert len(tracker) == 2
    slow.release()
    assert tracker.done == 999


def test_an_abandoned_entry_stops_the_progress() -> None:
    tracker = ProgressTracker()
    a, b, c = begun(tracker, "a", "b", "c")
    b.abandon()
    for entry in (b, c, a):
        entry.release()
    assert tracker.done == "a"


def test_a_stopped_tracker_reports_nothing() -> None:
    tracker = ProgressTracker()
    (a,) = begun(tracker, "a")
    tracker.stop()
    a.release()
    assert tracker.done is None


def test_the_repr_shows_the_progress() -> None:
    tracker = ProgressTracker()
    a, b = begun(tracker, "a", "b")
    a.release()
    assert repr(tracker) == "<ProgressTracker, 1 unfinished, passed 1>"
    assert (repr(a), repr(b)) == ("<Pending 1, finished>", "<Pending 2, 1 users>")
    b.abandon()
    assert repr(b) == "<Pending 2, abandoned>"


class Model:
    """A model of a tracker: a list with the number of users of each entry, and None for an abandoned entry."""

    def __init__(self) -> None:
        self.users: list[int | None] = []

    @property
    def passed(self) -> int:
        return next((at for at, users in enumerate(self.users) if users != 0), len(self.users))

    @property
    def open(self) -> list[int]:
        return [at for at, users in enumerate(self.users) if users]


@given(
    st.lists(
        st.tuples(st.sampled_from(["begin", "begin", "retain", "release", "release", "abandon"]), st.floats(0, 0.99))
    )
)
def test_the_tracker_equals_a_simple_model(steps: list[tuple[str, float]]) -> None:
    tracker, model = ProgressTracker(), Model()
    entries: list[Pending] = []
    reported: list[int] = []
    tracker.on_passed = lambda entry: reported.append(entry.item)
    for step, where in steps:
        if step == "begin":
            entries.append(tracker.begin(len(entries)))
            model.users.append(1)
        elif model.open:
            at = model.open[int(where * len(model.open))]
            getattr(entries[at], step)()
            change = {"retain": 1, "release": -1, "abandon": None}[step]
            users = model.users[at]
            model.users[at] = None if change is None or users is None else users + change
        assert tracker.passed == model.passed
        assert tracker.done == (model.passed - 1 if model.passed else None)
        assert [entry.item for entry in tracker.unfinished()] == [
            at for at, users in enumerate(model.users) if users != 0
        ]
        assert len(tracker) <= 2 * len(tracker.unfinished()), "memory is bounded by the unfinished entries"
    assert reported == sorted(set(reported)), "in order, each at most once"


# An Upstream ------------------------------------------------------------------------------------------


def deliver(upstream: Upstream, *items: Any) -> list[Pending | None]:
    """Deliver items as a source does, to an operator that retains each."""
    retained = []
    upstream.enter()
    for item in items:
        upstream.origin = item
        if (entry := upstream.pending) is not None:
            entry.retain()
        retained.append(entry)
    upstream.leave()
    return retained


def test_items_of_a_source_are_finished_in_order() -> None:
    upstream = Upstream("source")
    a, b = deliver(upstream, "a", "b")
    assert a is not None
    assert b is not None
    b.release()
    assert a.tracker.done is None
    a.release()
    assert a.tracker.done == "b"


def test_an_item_is_unfinished_during_its_delivery() -> None:
    upstream = Upstream("source")
    upstream.enter()
    upstream.origin = "a"
    entry = upstream.pending
    assert entry is not None
    assert entry is upstream.pending
    entry.retain()
    entry.release()
    assert not entry.is_passed
    upstream.origin = "b"
    assert upstream.pending is not entry
    assert entry.is_passed
    upstream.leave()
    assert upstream.pending is None
    assert entry.tracker.done == "b"


async def test_a_paused_source_finishes_its_delivery() -> None:
    upstream = Upstream("source")
    upstream.enter()
    upstream.origin = "a"
    entry = upstream.pending
    assert entry is not None
    await upstream.until_resumed()
    assert entry.is_passed
    assert upstream.has_origin, "it continues to deliver"
    upstream.leave()


def test_the_entry_of_a_signal_has_no_item() -> None:
    (entry,) = deliver(Upstream("source"), CaughtUp())
    assert entry is not None
    assert entry.item is None


def test_a_nested_delivery_restores_the_outer_one() -> None:
    outer, inner, tracker = Upstream("outer"), Upstream("inner"), ProgressTracker()
    a, b = begun(tracker, "a", "b")
    seen: list[Any] = []

    def note(item: str) -> None:
        current = Upstream.current()
        seen.append((item, current and current.name, current and current.origin, current and current.pending))

    def nested(item: str) -> None:
        inner.deliver(note, "inner", a, b)
        outer.deliver(note, "itself", b, b)
        note(item)

    outer.deliver(nested, "outer", a, a)
    note("after")
    assert seen == [
        ("inner", "inner", "b", a),
        ("itself", "outer", "b", b),
        ("outer", "outer", "a", a),
        ("after", None, None, None),
    ]
    assert not outer.has_origin


def test_an_exception_ends_the_delivery() -> None:
    upstream = Upstream("stage")
    (entry,) = begun(ProgressTracker(), "a")

    def refuse(item: str) -> None:
        raise ValueError(item)

    with pytest.raises(ValueError, match="item"):
        upstream.deliver(refuse, "item", entry, entry)
    assert Upstream.current() is None
    assert not upstream.has_origin


# Deliveries -------------------------------------------------------------------------------------------


class Consumer:
    """The tracker of a subscription, and the numbers that it reported as finished."""

    def __init__(self) -> None:
        self.passed: list[int] = []
        self.overs = 0
        self.tracker = DeliveryTracker(self._over)

    def _over(self) -> None:
        self.overs += 1

    def claim(self) -> bool:
        return self.tracker.claim(lambda entry: self.passed.append(entry.item.number))

    def begin(self, number: int) -> Pending:
        return self.tracker.begin(Delivery(event(number=number), 0, FakeAcknowledger(), number))


@pytest.fixture
def consumer() -> Consumer:
    return Consumer()


def test_each_delivery_reaches_the_consumer_in_order(consumer: Consumer) -> None:
    assert consumer.claim()
    entries = [consumer.begin(number) for number in range(4)]
    for at in (1, 2, 3, 0):
        entries[at].release()
    assert consumer.passed == [0, 1, 2, 3]


def test_deliveries_can_be_claimed_once(consumer: Consumer) -> None:
    assert consumer.claim()
    assert not consumer.claim()


def test_a_late_claim_gets_the_unsettled_deliveries(consumer: Consumer) -> None:
    for number in range(4):
        entry = consumer.begin(number)
        if number == 0:
            entry.item.ack()
        entry.release()
    assert consumer.claim()
    assert consumer.passed == [1, 2, 3]


def test_settled_deliveries_are_not_kept_for_a_late_claim(consumer: Consumer) -> None:
    slow = consumer.begin(0)
    for number in range(1, 100):
        entry = consumer.begin(number)
        entry.item.ack()
        entry.release()
    assert len(consumer.tracker) == 1
    slow.item.ack()
    slow.release()
    assert len(consumer.tracker) == 0


def test_the_end_waits_for_unfinished_deliveries(consumer: Consumer) -> None:
    assert consumer.claim()
    first, second = consumer.begin(0), consumer.begin(1)
    consumer.tracker.detach(second)
    consumer.tracker.end_source()
    assert consumer.overs == 0
    first.release()
    assert (consumer.passed, consumer.overs, consumer.tracker.is_over) == ([0], 1, True)
    consumer.tracker.end()
    assert consumer.overs == 1


def test_without_a_claim_the_end_is_not_reported(consumer: Consumer) -> None:
    consumer.begin(0).abandon()
    consumer.tracker.end_source()
    assert consumer.overs == 0


def test_an_announced_tracker_reaches_its_listener() -> None:
    found: list[DeliveryTracker] = []
    tracker, other = DeliveryTracker(lambda: None), DeliveryTracker(lambda: None)
    with tracking_deliveries(found.append):
        announce(tracker)
    announce(other)
    assert found == [tracker]
