"""Which of a group's consumers gets an event."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple, Protocol

from rxpump.model.group_settings import ConsumerStrategy
from rxpump.server.groups.consumer import Consumer
from rxpump.server.groups.message import Message
from rxpump.server.groups.pinning import by_correlation, by_stream, unpinned


class Strategy(Protocol):
    """Chooses among the consumers that have joined and have not left."""

    def join(self, consumer: Consumer) -> None:
        """Choose `consumer` too, from now on."""

    def leave(self, consumer: Consumer) -> None:
        """Choose it no more."""

    def choose(self, message: Message) -> Consumer | None:
        """Choose a consumer that has room; None if the message has to wait."""


class RoundRobin:
    """The next in turn that has room."""

    def __init__(self) -> None:
        self._turns: deque[Consumer] = deque()

    def join(self, consumer: Consumer) -> None:
        """Let it have its turn after all others."""
        self._turns.append(consumer)

    def leave(self, consumer: Consumer) -> None:
        """Take its turn away."""
        self._turns.remove(consumer)

    def choose(self, message: Message) -> Consumer | None:
        """Choose the next in turn."""
        for _ in range(len(self._turns)):
            consumer = self._turns[0]
            self._turns.rotate(-1)
            if consumer.has_room:
                return consumer
        return None


class DispatchToSingle(RoundRobin):
    """The same one until it is full, then the next."""

    def choose(self, message: Message) -> Consumer | None:
        """Choose the one whose turn it is, until it is full."""
        for _ in range(len(self._turns)):
            if self._turns[0].has_room:
                return self._turns[0]
            self._turns.rotate(-1)
        return None


class Pinned:
    """The one who owns the message's bucket, and nobody else, even if it is full.

    A bucket without owner goes to the consumer with the fewest when it is first needed. Who joins later
    gets its share from those who have more than theirs.
    """

    def __init__(self) -> None:
        self._buckets: dict[Consumer, list[int]] = {}
        self._owners: dict[int, Consumer] = {}

    def join(self, consumer: Consumer) -> None:
        """Take from the others what is more than their share, for whoever has the fewest."""
        self._buckets[consumer] = []
        share = -(-len(self._owners) // len(self._buckets))
        for buckets in self._buckets.values():
            while len(buckets) > share:
                del self._owners[buckets.pop()]

    def leave(self, consumer: Consumer) -> None:
        """Let its buckets go to others."""
        for bucket in self._buckets.pop(consumer):
            del self._owners[bucket]

    def choose(self, message: Message) -> Consumer | None:
        """Choose the owner, if it has room."""
        owner = self._owners.get(message.bucket)
        if owner is None:
            if not self._buckets:
                return None
            owner = min(self._buckets, key=lambda consumer: len(self._buckets[consumer]))
            self._buckets[owner].append(message.bucket)
            self._owners[message.bucket] = owner
        return owner if owner.has_room else None


class Kind(NamedTuple):
    """How a strategy is made, and into which bucket it puts a ResolvedIndexedEvent."""

    make: Callable[[], Strategy]
    bucket_of: Callable[[Any], int]


STRATEGIES: Final[Mapping[str, Kind]] = {
    ConsumerStrategy.ROUND_ROBIN: Kind(RoundRobin, unpinned),
    ConsumerStrategy.DISPATCH_TO_SINGLE: Kind(DispatchToSingle, unpinned),
    ConsumerStrategy.PINNED: Kind(Pinned, by_stream),
    ConsumerStrategy.PINNED_BY_CORRELATION: Kind(Pinned, by_correlation),
}
