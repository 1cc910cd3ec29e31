from __future__ import annotations

from typing import Any

from rxpump.server.groups.consumer import Consumer
from rxpump.server.groups.deliveries import Deliveries, Delivery
from tests.server.groups.machine import consumer, event_id, message


def delivered(*spans: tuple[Consumer, float]) -> Deliveries:
    """Return deliveries of the events 0, 1, ..., from pairs (consumer, deadline)."""
    deliveries = Deliveries()
    for number, (holder, deadline) in enumerate(spans):
        deliveries.add(Delivery(message(number), holder, deadline))
    return deliveries


def numbers(messages: Any) -> list[int]:
    return sorted(each.number for each in messages)


def test_settling_frees_a_slot_of_the_settling_consumer() -> None:
    a, b = consumer("a"), consumer("b")
    deliveries = delivered((a, 1.0), (b, 1.0))
    assert numbers(deliveries.settle([event_id(0), event_id(1), event_id(7)], a)) == [0, 1]
    assert (len(a.in_flight), len(b.in_flight), len(deliveries)) == (0, 1, 0)
    assert numbers(deliveries.settle([event_id(1)], None)) == []


def test_settling_frees_the_slot_of_the_event_since_v23() -> None:
    a, b = consumer("a"), consumer("b")
    deliveries = Deliveries(follows_v23=True)
    deliveries.add(Delivery(message(0), a, 1.0))
    deliveries.add(Delivery(message(1), a, 1.0))
    assert numbers(deliveries.settle([event_id(0)], b)) == [0]
    assert numbers(deliveries.settle([event_id(1)], None)) == [1]
    assert a.in_flight == set()


def test_expired_deliveries_are_removed_oldest_first() -> None:
    a = consumer("a")
    deliveries = delivered((a, 1.0), (a, 2.0), (a, 2.0), (a, 3.0))
    assert [each.number for each in deliveries.expired(2.0, 2)] == [0, 1]
    assert [each.number for each in deliveries.expired(2.0, 2)] == [2]
    assert deliveries.expired(2.9, 2) == []
    assert a.in_flight == {event_id(3)}


def test_release_returns_the_current_deliveries() -> None:
    a, b = consumer("a"), consumer("b")
    deliveries = delivered((a, 1.0), (b, 1.0), (a, 1.0), (a, 1.0))
    list(deliveries.settle([event_id(0)], None))
    list(deliveries.settle([event_id(3)], None))
    deliveries.add(Delivery(message(3), b, 2.0))
    assert numbers(deliveries.release(a)) == [2]
    assert a.in_flight == set()
    assert [event_id(number) in deliveries for number in range(4)] == [False, True, False, True]
    assert repr(deliveries) == "<Deliveries of 2 events>"
