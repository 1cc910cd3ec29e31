"""A consumer group as a state machine: no loop, no clock, no store (docs/protocol/tcp.md, section 4.18).

Whoever runs it reads events when it wants some (`wanted`, `take`), tells it what consumers say and what
time it is, sends what `deliver` chooses, and writes down what `parks` and `checkpoints` give. Times are
seconds of any clock that only goes forward. An event goes this way:

    read ─▶ waiting ─deliver─▶ with a consumer ─ack, skip─▶ done
               ▲                     │   │
               └─ nak, timeout, gone ┘   └─ park, or too many retries ─▶ parking ─written─▶ done

Only what is done counts for the checkpoint, and only up to the first event that is not. So whatever
happens to the server, an event comes again until somebody has answered for it or it lies in the parked
stream.

An event whose id is with a consumer already (ids need not be unique) waits until that one is done: an
acknowledgement could not tell the two apart.
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
"""How many events that are not done one group keeps, and so how many its consumers can hold."""

MAX_PENDING_BYTES: Final = 16 * 1024 * 1024
"""How many bytes they may come to before no more are read."""


class Park(NamedTuple):
    """A message that is to be written to the parked stream, and why."""

    message: Message
    reason: str


class Group:
    """One consumer group; everything up to event number `through` was done before `now`."""

    def __init__(self, settings: GroupSettings, through: int, now: float) -> None:
        self.settings = settings
        self.consumers: dict[bytes, Consumer] = {}
        self.replays: int = 0
        self._strategy = STRATEGIES[settings.strategy].make()
        self._timeout = settings.message_timeout_seconds if settings.message_timeout_seconds > 0 else inf
        self._buffer = Buffer()
        self._deliveries = Deliveries()
        self._parks: list[Park] = []
        self._pending = self._pending_bytes = 0
        self._progress = Progress(through)
        self.checkpoints: Checkpoints = Checkpoints(settings, self._progress, now)

    @property
    def through(self) -> int:
        """The number up to which everything is done."""
        return self._progress.through

    # Consumers ----------------------------------------------------------------------------------

    @property
    def is_full(self) -> bool:
        """Whether no more consumers may connect."""
        return 0 < self.settings.subscriber_max_count <= len(self.consumers)

    def connect(self, consumer: Consumer) -> None:
        """Deliver to `consumer` too; its correlation id must be its own."""
        self.consumers[consumer.id] = consumer
        self._strategy.join(consumer)

    def disconnect(self, consumer: Consumer) -> None:
        """Deliver to it no more; what it has not answered for is for others, as a first retry."""
        del self.consumers[consumer.id]
        self._strategy.leave(consumer)
        for message in self._deliveries.release(consumer):
            self._retry(message, 1)

    # Events -------------------------------------------------------------------------------------

    @property
    def wanted(self) -> int:
        """How many events should be read now: a page, where there is room for one and somebody to take it."""
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
        """Take what was read, in the order of the stream."""
        for message in messages:
            self._pending_bytes += message.size
            if message.replay_of is None:
                self._progress.begin(message.number)
            else:
                self.replays += 1
        self._pending += len(messages)
        self._buffer.add(messages)

    def deliver(self, now: float, most: int) -> list[Delivery]:
        """Choose consumers for what waits, up to `most` events."""
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

    # Answers ------------------------------------------------------------------------------------

    def acknowledge(self, event_ids: Iterable[bytes], consumer_id: bytes) -> None:
        """Be told, under a consumer's correlation id, that events are done."""
        for message in self._deliveries.settle(event_ids, self.consumers.get(consumer_id)):
            self._finish(message)

    def nack(self, event_ids: Iterable[bytes], consumer_id: bytes, action: NackAction, text: str) -> None:
        """Be told that a consumer could not handle events, with a NakAction; `text` says why."""
        for message in self._deliveries.settle(event_ids, self.consumers.get(consumer_id)):
            if action is NackAction.PARK:
                self._parks.append(Park(message, f"Client explicitly NAK'ed message.\n{text}"))
            elif action in (NackAction.SKIP, NackAction.STOP):
                self._finish(message)
            else:
                self._try_again(message)

    def expire(self, now: float, most: int) -> int:
        """Take back what was not answered for in time, up to `most` events; tell how many there were."""
        late = self._deliveries.expired(now, most)
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

    # What is to be written ------------------------------------------------------------------------

    def parks(self) -> list[Park]:
        """Give what is to be parked since this was last asked."""
        parks, self._parks = self._parks, []
        return parks

    def parked(self, message: Message) -> None:
        """Be told that a message is in the parked stream."""
        self._finish(message)

    def not_parked(self, message: Message) -> None:
        """Be told that a message could not be parked: somebody gets it again."""
        self._retry(message, message.retry_count)

    def __repr__(self) -> str:
        return (
            f"<Group {self.settings.id!r}, {len(self.consumers)} consumers hold {len(self._deliveries)} events,"
            f" {len(self._buffer)} wait, done through {self._progress.through}>"
        )
