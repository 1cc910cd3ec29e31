from __future__ import annotations

import pytest
import reactivex
from reactivex import operators as rx
from reactivex.subject import Subject

from rxpump import Delivery, Event, NackAction
from rxpump import operators as ops
from rxpump.errors import InvalidArgument
from rxpump.operators._distinct_by_id import _Recent
from tests.operators.deliveries import FakeAcknowledger
from tests.operators.events import broken_link, event, linked
from tests.operators.marbles import marbles_testing

NAMES = {"a": event(), "b": event(), "c": event(), "l": broken_link()}


@pytest.mark.parametrize(
    ("window", "events", "expected"),
    [
        (100, "-a-b-a-c-b-a-|", "-a-b---c-----|"),
        (2, "-a-b-c-a-b-c-|", "-a-b-c-a-b-c-|"),
        (2, "-a-b-b-a-a-b-|", "-a-b---------|"),
        (1, "-a-a-b-b-a-#", "-a---b---a-#"),
        (100, "-l-l-a-", "-l---a-"),
    ],
)
def test_an_id_is_emitted_once_within_the_window(window: int, events: str, expected: str) -> None:
    with marbles_testing() as (start, cold, _, exp):
        assert start(cold(events, NAMES).pipe(ops.distinct_by_id(window))) == exp(expected, NAMES)


def test_an_event_and_a_link_to_it_are_the_same_event() -> None:
    names = {"a": NAMES["a"], "k": linked(NAMES["a"])}
    with marbles_testing() as (start, cold, _, exp):
        assert start(cold("-a-k-|", names).pipe(ops.distinct_by_id())) == exp("-a---|", names)


def test_each_subscription_has_its_own_window() -> None:
    pipeline = reactivex.of(NAMES["a"], NAMES["a"]).pipe(ops.distinct_by_id(), rx.to_list())
    assert pipeline.run() == pipeline.run() == [NAMES["a"]]


def test_a_delivery_is_a_duplicate_of_an_acknowledged_one_only() -> None:
    """Otherwise `ack_each` would acknowledge it, although the work on the event may have failed."""
    acknowledger = FakeAcknowledger()
    deliveries = [Delivery(NAMES["a"], 0, acknowledger, number) for number in range(6)]
    source: Subject[Delivery] = Subject()
    emitted: list[int] = []
    source.pipe(ops.distinct_by_id()).subscribe(lambda delivery: emitted.append(delivery.sequence))
    for delivery in deliveries[:2]:
        source.on_next(delivery)
    deliveries[1].nack(NackAction.RETRY)
    source.on_next(deliveries[2])
    acknowledger.closed = "its connection is lost"
    source.on_next(deliveries[3])
    acknowledger.closed = None
    deliveries[3].ack()
    for delivery in deliveries[4:]:
        source.on_next(delivery)
    assert emitted == [0, 1, 2, 3]


def test_an_acknowledged_delivery_counts_in_the_window() -> None:
    acknowledger = FakeAcknowledger()
    source: Subject[Event] = Subject()
    emitted: list[Event] = []
    source.pipe(ops.distinct_by_id(2)).subscribe(emitted.append)
    for name in "aabbcabc":
        source.on_next(delivery := Delivery(NAMES[name], 0, acknowledger, 0))
        if delivery in emitted:
            delivery.ack()
    assert [delivery.id for delivery in emitted] == [NAMES[name].id for name in "abcabc"]


def test_deliveries_that_are_never_settled_count_in_the_window() -> None:
    window = _Recent(2)
    for _ in range(10):
        assert window.is_new(Delivery(event(), 0, FakeAcknowledger(), 0))
    assert len(window._deliveries) <= 3


def test_a_window_of_0_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="window is 0"):
        ops.distinct_by_id(0)
