"""A consumer: one connection of a client to a consumer group."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from rxpump.server.groups.measurement import Latencies, Measurement
from rxpump.server.groups.message import Message


class Client(Protocol):
    """The client of a consumer. Each protocol of the server implements it."""

    @property
    def is_unread(self) -> bool:
        """Whether the client has too many unread bytes, so that no more events are sent to it."""

    def deliver(self, consumer: Consumer, messages: Sequence[Message]) -> None:
        """Send events to the client."""

    def dropped(self, consumer: Consumer, failure: str | None) -> None:
        """Inform the client that its subscription ended.

        Args:
            consumer: The consumer that left its group.
            failure: Reason why the server ended it; None if nothing failed.
        """


class Consumer:
    """A consumer of a group, with at most `slots` events in flight.

    Attributes:
        id: Id of the consumer, unique in its group.
        slots: Number of events that can be in flight to the consumer.
        in_flight: Ids of the events that were delivered to the consumer and not yet settled.
        user: Login of the user; empty for an anonymous one.
        address: Address of the client; empty if it is unknown.
        connection_name: Name that the client gave to its connection.
        keeps_retry_counts: Whether the events that the consumer leaves behind keep their numbers of retries.
            Otherwise the numbers start again.
        measurement: Counts of the events that were delivered.
        latencies: Times until the events were settled; None if the settings of the group do not enable them.
        leave: Removes the consumer from its group. The group sets it.
        resume: Lets the group deliver again after the client has read. The group sets it.
    """

    def __init__(
        self,
        id: bytes,
        slots: int,
        client: Client,
        *,
        user: str = "",
        address: str = "",
        connection_name: str = "",
        keeps_retry_counts: bool = False,
    ) -> None:
        self.id = id
        self.slots = slots
        self.in_flight: set[bytes] = set()
        self.user: str = user
        self.address: str = address
        self.connection_name: str = connection_name
        self.keeps_retry_counts: bool = keeps_retry_counts
        self.measurement: Measurement = Measurement()
        self.latencies: Latencies | None = None
        self.leave: Callable[[], None] = _nothing
        self.resume: Callable[[], None] = _nothing
        self._client = client

    @property
    def has_room(self) -> bool:
        """Whether one more event can be delivered: a slot is free and the client reads."""
        return len(self.in_flight) < self.slots and not self._client.is_unread

    def hold(self, event_id: bytes) -> None:
        """Take a slot for an event that is delivered."""
        self.in_flight.add(event_id)
        if self.latencies is not None:
            self.latencies.begin(event_id)

    def free(self, event_id: bytes) -> None:
        """Free the slot of an event, if it has one."""
        self.in_flight.discard(event_id)
        if self.latencies is not None:
            self.latencies.end(event_id)

    def deliver(self, messages: Sequence[Message]) -> None:
        """Send events to the client."""
        self.measurement.add(len(messages))
        self._client.deliver(self, messages)

    def drop(self, failure: str | None = None) -> None:
        """Leave the group, and inform the client.

        Args:
            failure: Reason why the server cannot continue; None if nothing failed.
        """
        self.leave()
        self._client.dropped(self, failure)

    def __repr__(self) -> str:
        return f"<Consumer with {len(self.in_flight)} of {self.slots} slots taken>"


def _nothing() -> None:
    pass
