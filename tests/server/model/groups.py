"""Consumer groups: the deliveries to each consumer (docs/protocol/tcp.md, section 4.18).

The model has no time: no delivery expires, and each completed event makes a checkpoint due.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from rxpump.tcp.wire import schema
from tests.server.model.links import resolve
from tests.server.model.log import Log, Record

UNKNOWN, PARK, RETRY, SKIP, STOP = range(5)


@dataclass(eq=False)
class Consumer:
    """A consumer with a number of slots; `held` are its events in flight."""

    id: bytes
    client: int
    slots: int
    held: set[bytes] = field(default_factory=set)


@dataclass
class InFlight:
    record: Record
    retries: int
    consumer: Consumer


class Group:
    """A group with the settings of a request. `checkpoint` is where it continues after an update."""

    def __init__(self, log: Log, settings: Any, checkpoint: int | None = None) -> None:
        self.log = log
        self.settings = settings
        self.stream = settings.event_stream_id
        self.consumers: deque[Consumer] = deque()
        self.in_flight: dict[bytes, InFlight] = {}
        self.waiting: dict[int, tuple[Record, int]] = {}  # events to retry, each with the number of earlier retries
        self.parked: list[bytes] = []  # data of the links in the stream of parked events
        if checkpoint is not None:
            self.next = checkpoint + 1
        else:
            self.next = log.last(self.stream) + 1 if settings.start_from == -1 else settings.start_from
        self.first = self.next
        self._had_checkpoint = checkpoint is not None

    @property
    def name(self) -> str:
        return f"{self.stream}::{self.settings.subscription_group_name}"

    @property
    def is_full(self) -> bool:
        most: int = self.settings.subscriber_max_count
        return most != 0 and len(self.consumers) >= most

    @property
    def checkpoint(self) -> int | None:
        """The event up to which all events are completed; None if there is none."""
        open_numbers = [each.record.number for each in self.in_flight.values()]
        through = min([*open_numbers, *self.waiting, self.next]) - 1
        return None if through < self.first and not self._had_checkpoint else through

    def updated(self, settings: Any) -> Group:
        """Return the group after an update.

        Parked events remain, and "from the end" refers to the creation of this group.
        """
        after = Group(self.log, settings, self.checkpoint)
        after.parked = self.parked
        if self.settings.start_from == settings.start_from == -1 and self.checkpoint is None:
            after.first = after.next = self.first
        return after

    def leave(self, consumer: Consumer) -> None:
        """Remove a consumer; its events in flight go to other consumers."""
        self.consumers.remove(consumer)
        for event_id in consumer.held:
            each = self.in_flight.get(event_id)
            if each is not None and each.consumer is consumer:
                del self.in_flight[event_id]
                self.waiting[each.record.number] = (each.record, 1)

    def ack(self, consumer: Consumer, ids: Iterable[bytes]) -> None:
        self._answered(consumer, ids)

    def nak(self, consumer: Consumer, ids: Iterable[bytes], action: int) -> None:
        for each in self._answered(consumer, ids):
            if action in (SKIP, STOP):
                continue
            if action == PARK or each.retries >= self.settings.max_retry_count:
                (resolved,) = resolve(self.log, [each.record], links=self.settings.resolve_link_tos)
                self.parked.append(resolved.address)
            else:
                self.waiting[each.record.number] = (each.record, each.retries + 1)

    def _answered(self, consumer: Consumer, ids: Iterable[bytes]) -> list[InFlight]:
        """Settle events, and return them. Only slots of the consumer that settles them become free."""
        consumer.held.difference_update(ids)
        return [self.in_flight.pop(event_id) for event_id in ids if event_id in self.in_flight]

    def deliver(self) -> Iterator[tuple[Consumer, Any]]:
        """Return the next deliveries as (consumer, message)."""
        while (candidate := self._candidate()) is not None and (consumer := self._choose()) is not None:
            record, retries = candidate
            if self.waiting.pop(record.number, None) is None:
                self.next = record.number + 1
            event_id = record.event.event_id
            self.in_flight[event_id] = InFlight(record, retries, consumer)
            consumer.held.add(event_id)
            (resolved,) = resolve(self.log, [record], links=self.settings.resolve_link_tos)
            event = schema.ResolvedIndexedEvent(**resolved.fields())
            yield consumer, schema.PersistentSubscriptionStreamEventAppeared(event=event, retry_count=retries)

    def _candidate(self) -> tuple[Record, int] | None:
        if self.waiting:
            return self.waiting[min(self.waiting)]
        stored = self.log.streams.get(self.stream, [])
        return (stored[self.next], 0) if self.next < len(stored) else None

    def _choose(self) -> Consumer | None:
        """Choose the consumers in rotation; DispatchToSingle changes the consumer only when it is full."""
        stays = self.settings.named_consumer_strategy == "DispatchToSingle"
        for _ in range(len(self.consumers)):
            consumer = self.consumers[0]
            has_room = len(consumer.held) < consumer.slots
            if not (stays and has_room):
                self.consumers.rotate(-1)
            if has_room:
                return consumer
        return None
