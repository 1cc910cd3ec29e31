"""Convert the events of any source to deliveries of a persistent subscription."""

from __future__ import annotations

from itertools import count
from typing import Any

import reactivex

from rxpump.backpressure.progress import DeliveryTracker
from rxpump.backpressure.tracking import announce
from rxpump.backpressure.upstream import Upstream
from rxpump.model.deliveries import Delivery
from rxpump.model.group_settings import NackAction

_sequence = count(1)


class FakeAcknowledger:
    """An acknowledger that records the result of each delivery, by its number, in order."""

    def __init__(self) -> None:
        self.group = "g"
        self.closed: str | None = None
        self.sent: list[Any] = []

    def ack(self, delivery: Delivery) -> None:
        self.sent.append(delivery.number)

    def nack(self, delivery: Delivery, action: NackAction, reason: str) -> None:
        self.sent.append((action, delivery.number, reason))

    def release(self, delivery: Delivery) -> None:
        self.sent.append(("released", delivery.number))


def delivered(acknowledger: FakeAcknowledger | None = None) -> Any:
    """Return an operator that emits a tracked delivery for each event."""
    at = acknowledger or FakeAcknowledger()

    def operator(source: Any) -> Any:
        def subscribe(observer: Any, scheduler: Any = None) -> Any:
            upstream = Upstream("deliveries")
            tracker = DeliveryTracker(lambda: None)
            upstream.track(tracker)
            announce(tracker)

            def on_next(event: Any) -> None:
                delivery = Delivery(event, 0, at, next(_sequence))
                entry = tracker.begin(delivery)
                upstream.deliver(observer.on_next, delivery, entry, entry)
                entry.release()

            return source.subscribe(on_next, observer.on_error, observer.on_completed, scheduler=scheduler)

        return reactivex.Observable(subscribe)

    return operator
