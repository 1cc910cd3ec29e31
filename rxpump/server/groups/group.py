"""A consumer group as a state machine without a loop, a clock or a store (docs/protocol/tcp.md, section 4.18).

The code that runs the group reads as many events as `wanted` returns and passes them to `take`, passes settlements
and the time to it, sends the deliveries that `deliver` chooses, and writes the results of `parks` and `checkpoints`.
Times are seconds of a monotonic clock. The states of an event:

    read ─▶ buffered ─deliver─▶ in flight ─ack, skip─▶ completed
               ▲                  │   │
               └ nack, timeout, ──┘   └─ park, or too many retries ─▶ parking ─written─▶ completed
                 disconnected

A checkpoint covers the completed events up to the first event that is not completed. So even after
a crash of the server, an event is delivered again until a consumer has settled it or it is in the parked stream.

Event ids need not be unique. An event whose id is already in flight stays buffered, because an acknowledgement
contains only the id.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import inf
from typing import Final, NamedTuple

from rxpump.model.group_settings import NackAction
from rxpump.server.groups.buffer import Buffer
from rxpump.server.groups.checkpoints import Checkpoints
from rxpump.server.groups.consumer import Consumer
from rxpump.server.groups.deliveries import Deliveries, Delivery
from rxpump.server.groups.message import Message
from rxpump.server.groups.progress import Progress
from rxpump.server.groups.settings import GroupSettings
from rxpump.server.groups.strategies import STRATEGIES

MAX_PENDING: Final = 5_000
"""Number of pending events at which a group stops reading. Its consumers cannot have more in flight."""

_SHORTEST_TIMEOUT: Final = 1e-6
"""Seconds instead of a timeout of 0. An event that is delivered at the time of a tick expires at the next one."""

MAX_PENDING_BYTES: Final = 16 * 1024 * 1024
"""Bytes of pending events at which a group stops reading."""


class Park(NamedTuple):
    """A message that must be written to the parked stream, and the reason."""

    message: Message
    reason: str


class Group:
    """One consumer group.

    Args:
        settings: Settings of the group.
        last_completed: Number up to which all events were completed before.

    Attributes:
        consumers: Connected consumers by id.
        replays: Number of pending events that were read from the parked stream.
        checkpoints: Schedule of the checkpoints.
    """

    def __init__(self, settings: GroupSettings, last_completed: int) -> None:
        self.settings = settings
        self.consumers: dict[bytes, Consumer] = {}
        self.replays: int = 0
        self._strategy = STRATEGIES[settings.strategy].make()
        self._timeout = settings.message_timeout_seconds
        self._expires_at_ticks = self._timeout <= 0 and settings.follows_v23
        if self._timeout <= 0:
            self._timeout = _SHORTEST_TIMEOUT if self._expires_at_ticks else inf
        self._last_tick = -inf
        self._buffer = Buffer()
        self._deliveries = Deliveries(follows_v23=settings.follows_v23)
        self._parks: list[Park] = []
        self._pending = self._pending_bytes = 0
        self._progress = Progress(last_completed)
        self.checkpoints: Checkpoints = Checkpoints(settings, self._progress)

    @property
    def last_completed(self) -> int:
        """Number up to which all events are completed."""
        return self._progress.last_completed

    @property
    def in_flight(self) -> int:
        """Number of events in flight."""
        return len(self._deliveries)

    @property
    def buffered(self) -> int:
        """Number of events that wait for a consumer, retries included."""
        return len(self._buffer)

    @property
    def retries(self) -> int:
        """Number of events that wait to be retried."""
        return self._buffer.retries

    # Consumers ----------------------------------------------------------------------------------

    @property
    def is_full(self) -> bool:
        """Whether no more consumers may connect."""
        most = self.settings.subscriber_max_count
        return most != 0 and len(self.consumers) >= most

    def connect(self, consumer: Consumer) -> None:
        """Add a consumer, whose id must be unique in the group."""
        self.consumers[consumer.id] = consumer
        self._strategy.join(consumer)

    def disconnect(self, consumer: Consumer) -> None:
        """Remove a consumer. Its events in flight become retries for other consumers."""
        del self.consumers[consumer.id]
        self._strategy.leave(consumer)
        for message in self._deliveries.release(consumer):
            self._retry(message, message.retry_count + 1 if consumer.keeps_retry_counts else 1)

    # Events -------------------------------------------------------------------------------------

    @property
    def wanted(self) -> int:
        """Number of events to read now.

        It is the size of a page if the buffer has space for a page and a consumer is not full; otherwise 0.
        """
        page = self.settings.page_size
        is_room = len(self._buffer) + page <= self.settings.buffer_size or not len(self._buffer)
        if (
            not is_room
            or self._pending >= MAX_PENDING
            or self._pending_bytes >= MAX_PENDING_BYTES
            or not self._has_taker
        ):
            return 0
        return page

    @property
    def _has_taker(self) -> bool:
        return any(consumer.has_room for consumer in self.consumers.values())

    def take(self, messages: Sequence[Message]) -> None:
        """Buffer events that were read, in the order of the stream."""
        for message in messages:
            self._pending_bytes += message.size
            if message.replay_of is None:
                self._progress.begin(message.number)
            else:
                self.replays += 1
        self._pending += len(messages)
        self._buffer.add(messages)

    def skip(self, number: int) -> None:
        """Complete all numbers up to `number` that were not read, because there are no such events."""
        self._progress.skip(number)

    def deliver(self, now: float, most: int) -> list[Delivery]:
        """Choose consumers for buffered events, and return at most `most` deliveries."""
        chosen: list[Delivery] = []
        passed_over: list[Message] = []
        has_taker = self._has_taker
        while has_taker and len(self._buffer) and len(chosen) < most:
            message = self._buffer.pop()
            is_out = message.event_id in self._deliveries
            consumer = None if is_out else self._strategy.choose(message)
            if consumer is None:
                passed_over.append(message)
                continue
            delivery = Delivery(message, consumer, now + self._timeout)
            self._deliveries.add(delivery)
            chosen.append(delivery)
            has_taker = consumer.has_room or self._has_taker
        self._buffer.put_back(passed_over)
        return chosen

    # Settlements --------------------------------------------------------------------------------

    def acknowledge(self, event_ids: Iterable[bytes], consumer_id: bytes) -> None:
        """Complete events that a consumer has acknowledged."""
        for message in self._deliveries.settle(event_ids, self.consumers.get(consumer_id)):
            self._finish(message)

    def nack(self, event_ids: Iterable[bytes], consumer_id: bytes, action: NackAction, text: str) -> None:
        """Park, complete or retry events that a consumer could not process.

        Args:
            event_ids: Ids of the events.
            consumer_id: Id of the consumer.
            action: Action to apply to the events.
            text: Reason to store with a parked event.
        """
        for message in self._deliveries.settle(event_ids, self.consumers.get(consumer_id)):
            if action is NackAction.PARK:
                self._parks.append(Park(message, f"Client explicitly NAK'ed message.\n{text}"))
            elif action in (NackAction.SKIP, NackAction.STOP):
                self._finish(message)
            else:
                self._try_again(message)

    def tick(self, now: float) -> None:
        """Let timeouts of 0 pass, if those of the group do. Call it about once a second, and `expire` after it."""
        self._last_tick = now

    def expire(self, now: float, most: int) -> int:
        """Retry events whose deadline has passed, at most `most`, and return their number."""
        late = self._deliveries.expired(self._last_tick if self._expires_at_ticks else now, most)
        for message in late:
            self._try_again(message)
        return len(late)

    def _try_again(self, message: Message) -> None:
        most = self.settings.max_retry_count
        if message.retry_count >= most:
            self._parks.append(Park(message, f"Reached retry count of {most}"))
        else:
            self._retry(message, message.retry_count + 1)

    def _retry(self, message: Message, retry_count: int) -> None:
        message.retry_count = retry_count
        self._buffer.retry(message)

    def _finish(self, message: Message) -> None:
        self._pending -= 1
        self._pending_bytes -= message.size
        if message.replay_of is None:
            self._progress.done(message.number)
        else:
            self.replays -= 1

    # Parked events --------------------------------------------------------------------------------

    def parks(self) -> list[Park]:
        """Return the messages to park since the last call."""
        parks, self._parks = self._parks, []
        return parks

    def parked(self, message: Message) -> None:
        """Complete a message that was written to the parked stream."""
        self._finish(message)

    def not_parked(self, message: Message) -> None:
        """Deliver a message again, because it could not be written to the parked stream."""
        self._retry(message, message.retry_count)

    def __repr__(self) -> str:
        return (
            f"<Group {self.settings.id!r}, {len(self.consumers)} consumers, {len(self._deliveries)} events in flight,"
            f" {len(self._buffer)} buffered, completed up to {self._progress.last_completed}>"
        )
