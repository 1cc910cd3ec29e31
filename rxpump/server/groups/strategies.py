"""Consumer strategies, which choose the consumer of each event."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple, Protocol

from rxpump.model.group_settings import ConsumerStrategy
from rxpump.server.groups.consumer import Consumer
from rxpump.server.groups.message import Message
from rxpump.server.groups.pinning import by_correlation, by_stream, unpinned


class Strategy(Protocol):
    """Chooses among the consumers that have joined and not left."""

    def join(self, consumer: Consumer) -> None:
        """Add a consumer."""

    def leave(self, consumer: Consumer) -> None:
        """Remove a consumer."""

    def choose(self, message: Message) -> Consumer | None:
        """Return a consumer that can receive another message; None if the message must wait."""


class RoundRobin:
    """Chooses the consumers in order, and skips those that are full."""

    def __init__(self) -> None:
        self._turns: deque[Consumer] = deque()

    def join(self, consumer: Consumer) -> None:
        """Add a consumer after all others."""
        self._turns.append(consumer)

    def leave(self, consumer: Consumer) -> None:
        """Remove a consumer."""
        self._turns.remove(consumer)

    def choose(self, message: Message) -> Consumer | None:
        """Return the next consumer that is not full, after the one that was chosen last; None if all are full."""
        for _ in range(len(self._turns)):
            consumer = self._turns[0]
            self._turns.rotate(-1)
            if consumer.has_room:
                return consumer
        return None


class DispatchToSingle(RoundRobin):
    """Chooses the same consumer until it is full, then the next."""

    def choose(self, message: Message) -> Consumer | None:
        """Return the current consumer, or the next one if it is full; None if all are full."""
        for _ in range(len(self._turns)):
            if self._turns[0].has_room:
                return self._turns[0]
            self._turns.rotate(-1)
        return None


class Pinned:
    """Chooses the owner of the message's bucket, and no other consumer if the owner is full.

    A bucket without an owner goes to the consumer with the fewest buckets when it is first needed. A consumer that
    joins later gets its share from consumers that have more than theirs.
    """

    def __init__(self) -> None:
        self._buckets: dict[Consumer, list[int]] = {}
        self._owners: dict[int, Consumer] = {}

    def join(self, consumer: Consumer) -> None:
        """Add a consumer, and release the buckets that exceed the new share of the others."""
        self._buckets[consumer] = []
        share = -(-len(self._owners) // len(self._buckets))
        for buckets in self._buckets.values():
            while len(buckets) > share:
                del self._owners[buckets.pop()]

    def leave(self, consumer: Consumer) -> None:
        """Remove a consumer, and release its buckets."""
        for bucket in self._buckets.pop(consumer):
            del self._owners[bucket]

    def choose(self, message: Message) -> Consumer | None:
        """Return the owner of the message's bucket; None if it is full."""
        owner = self._owners.get(message.bucket)
        if owner is None:
            if not self._buckets:
                return None
            owner = min(self._buckets, key=lambda consumer: len(self._buckets[consumer]))
            self._buckets[owner].append(message.bucket)
            self._owners[message.bucket] = owner
        return owner if owner.has_room else None


class Kind(NamedTuple):
    """A strategy: how to create it, and the function that returns the bucket of a `StreamEntry`."""

    make: Callable[[], Strategy]
    bucket_of: Callable[[Any], int]


STRATEGIES: Final[Mapping[str, Kind]] = {
    ConsumerStrategy.ROUND_ROBIN: Kind(RoundRobin, unpinned),
    ConsumerStrategy.DISPATCH_TO_SINGLE: Kind(DispatchToSingle, unpinned),
    ConsumerStrategy.PINNED: Kind(Pinned, by_stream),
    ConsumerStrategy.PINNED_BY_CORRELATION: Kind(Pinned, by_correlation),
}
