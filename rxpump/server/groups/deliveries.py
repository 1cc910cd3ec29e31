"""The deliveries in flight. Each event is in flight to one consumer until a deadline."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice, takewhile
from typing import NamedTuple

from rxpump.server.groups.consumer import Consumer
from rxpump.server.groups.message import Message


class Delivery(NamedTuple):
    """A message that was delivered to a consumer, and the time in seconds until which it must be settled."""

    message: Message
    consumer: Consumer
    deadline: float


class Deliveries:
    """Deliveries by event id, ordered by deadline, because all have the same timeout.

    Args:
        follows_v23: Whether a settled event frees the slot that it takes, as in server versions from 23.10 on.
            Otherwise it frees only a slot of the consumer that settles it, as in version 4.
    """

    def __init__(self, *, follows_v23: bool = False) -> None:
        self._follows_v23 = follows_v23
        self._by_id: dict[bytes, Delivery] = {}

    def add(self, delivery: Delivery) -> None:
        """Add a delivery, which takes a slot of its consumer.

        Its deadline must not be before the deadlines of earlier deliveries.
        """
        self._by_id[delivery.message.event_id] = delivery
        delivery.consumer.hold(delivery.message.event_id)

    def settle(self, event_ids: Iterable[bytes], by: Consumer | None) -> Iterator[Message]:
        """Remove deliveries that were acknowledged or nacked, and yield their messages. Unknown ids are ignored.

        Any consumer of the group can settle an event.

        Args:
            event_ids: Ids of the events.
            by: Consumer that settles them; None if it has left.
        """
        for event_id in event_ids:
            if by is not None:
                by.free(event_id)
            delivery = self._by_id.pop(event_id, None)
            if delivery is not None:
                if self._follows_v23:
                    delivery.consumer.free(event_id)
                yield delivery.message

    def expired(self, now: float, most: int) -> list[Message]:
        """Remove at most `most` deliveries whose deadline has passed, and return their messages."""
        late = list(islice(takewhile(lambda delivery: delivery.deadline <= now, self._by_id.values()), most))
        for message, consumer, _ in late:
            del self._by_id[message.event_id]
            consumer.free(message.event_id)
        return [message for message, _, _ in late]

    def release(self, consumer: Consumer) -> list[Message]:
        """Remove the deliveries of a consumer that leaves, and return their messages."""
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
