from __future__ import annotations

import pytest

from rxpump.errors import DeliveryExpired, InvalidArgument
from rxpump.model.deliveries import Delivery
from rxpump.model.events import Event
from rxpump.model.group_settings import NackAction
from tests.operators.deliveries import FakeAcknowledger
from tests.operators.events import event, linked


@pytest.fixture
def acknowledger() -> FakeAcknowledger:
    return FakeAcknowledger()


def of(event: Event, acknowledger: FakeAcknowledger, retry_count: int = 0) -> Delivery:
    return Delivery(event, retry_count, acknowledger, 1)


def test_a_delivery_is_an_event_with_a_retry_count(acknowledger: FakeAcknowledger) -> None:
    delivery = of(event("Jumped", {"height": 3}, number=7), acknowledger, 2)
    assert (delivery.type, delivery.number, delivery.json(), delivery.retry_count) == ("Jumped", 7, {"height": 3}, 2)
    assert type(delivery.event) is Event
    assert delivery.event.id == delivery.id


def test_only_the_first_settlement_counts(acknowledger: FakeAcknowledger) -> None:
    first, second = of(event(number=1), acknowledger), of(event(number=2), acknowledger)
    first.ack()
    first.nack(NackAction.PARK)
    second.nack(NackAction.PARK, "no oats")
    second.ack()
    assert acknowledger.sent == [1, (NackAction.PARK, 2, "no oats")]
    assert first.is_settled
    assert not first.is_expired


def test_an_expired_delivery_names_the_received_event(acknowledger: FakeAcknowledger) -> None:
    delivery = of(linked(event(number=3), stream="links", number=9), acknowledger)
    acknowledger.closed = "the connection was lost"
    assert delivery.is_expired
    for settle in (delivery.ack, delivery.nack):
        with pytest.raises(DeliveryExpired) as expired:
            settle()
        assert str(expired.value) == ("event 9@links can no longer be acknowledged to 'g': the connection was lost")
    assert acknowledger.sent == []


def test_a_settled_delivery_does_not_expire(acknowledger: FakeAcknowledger) -> None:
    delivery = of(event(), acknowledger)
    delivery.ack()
    acknowledger.closed = "the connection was lost"
    delivery.ack()
    assert not delivery.is_expired


@pytest.mark.parametrize("action", ["park", None, 1])
def test_an_unknown_action_is_refused(acknowledger: FakeAcknowledger, action: object) -> None:
    delivery = of(event(), acknowledger)
    with pytest.raises(InvalidArgument, match=r"^action is .*; allowed is a NackAction"):
        delivery.nack(action)  # type: ignore[arg-type]
    assert not delivery.is_settled


@pytest.mark.parametrize(
    ("action", "state"),
    [
        (NackAction.PARK, "parked"),
        (NackAction.RETRY, "to be retried"),
        (NackAction.SKIP, "skipped"),
        (NackAction.STOP, "stopped at"),
    ],
)
def test_the_repr_shows_the_state(acknowledger: FakeAcknowledger, action: NackAction, state: str) -> None:
    delivery = of(event(number=1, data=5), acknowledger, 2)
    assert repr(delivery) == "<Delivery of <Event 1@ponies Jumped 1 bytes>, retry 2, open>"
    delivery.nack(action)
    assert repr(delivery).endswith(f", {state}>")
