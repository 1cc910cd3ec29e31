"""What is with consumers: each event with one of them, until a deadline."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice, takewhile
from typing import NamedTuple

from rxpump.server.groups.consumer import Consumer
from rxpump.server.groups.message import Message


class Delivery(NamedTuple):
    """A message that is with a consumer, until `deadline`."""

    message: Message
    consumer: Consumer
    deadline: float


class Deliveries:
    """Deliveries by event id, in the order of their deadlines: all wait equally long."""

    def __init__(self) -> None:
        self._by_id: dict[bytes, Delivery] = {}

    def add(self, delivery: Delivery) -> None:
        """Add one, which takes a slot of its consumer. Its deadline must not be before those of others."""
        self._by_id[delivery.message.event_id] = delivery
        delivery.consumer.in_flight.add(delivery.message.event_id)

    def settle(self, event_ids: Iterable[bytes], by: Consumer | None) -> Iterator[Message]:
        """Take out what was answered, as far as it is there.

        Whoever answered, the event was with somebody; but only if that was `by`, the slot is free again.
        """
        for event_id in event_ids:
            if by is not None:
                by.in_flight.discard(event_id)
            delivery = self._by_id.pop(event_id, None)
            if delivery is not None:
                yield delivery.message

    def expired(self, now: float, most: int) -> list[Message]:
        """Take out what is over its deadline, up to `most` events."""
        late = list(islice(takewhile(lambda delivery: delivery.deadline <= now, self._by_id.values()), most))
        for message, consumer, _ in late:
            del self._by_id[message.event_id]
            consumer.in_flight.discard(message.event_id)
        return [message for message, _, _ in late]

    def release(self, consumer: Consumer) -> list[Message]:
        """Take out what is with `consumer`."""
        left = [self._by_id[event_id] for event_id in consumer.in_flight if event_id in self._by_id]
        consumer.in_flight.clear()
        messages = [message for message, holder, _ in left if holder is consumer]
        for message in messages:
            del self._by_id[message.event_id]
        return messages

    def __contains__(self, event_id: bytes) -> bool:
        return event_id in self._by_id

    def __len__(self) -> int:
        return len(self._by_id)

    def __repr__(self) -> str:
        return f"<Deliveries of {len(self)} events>"
