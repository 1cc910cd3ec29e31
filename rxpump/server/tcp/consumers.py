"""The consumers of one client, and the frames that are sent to them.

A delivery is made of the bytes that are stored: no event is encoded again.

    PersistentSubscriptionStreamEventAppeared   tag  length  entry  tag  retry_count
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from rxpump.server.groups.consumer import Consumer
from rxpump.server.groups.message import Message
from rxpump.server.store.record import varint
from rxpump.tcp.wire.codes import SERVER_FAILED
from rxpump.tcp.wire.commands import Command
from rxpump.tcp.wire.package import Package, shared_frames

_MOST: Final = 1_000
"""Largest number of consumers of one client. A real server has no limit."""


class Consumers:
    """The consumers of one client, by correlation id.

    Args:
        send: Sends frames to the client.

    Attributes:
        is_unread: Whether the client has so many unread bytes that no events are delivered to it.
        address: Address and port of the client.
        connection_name: Name that the client gave to its connection; empty if it gave none.
    """

    def __init__(self, send: Callable[[bytes], None]) -> None:
        self.is_unread: bool = False
        self.address: str = ""
        self.connection_name: str = ""
        self._send = send
        self._by_id: dict[bytes, Consumer] = {}

    @property
    def has_room(self) -> bool:
        """Whether this client may have one more consumer."""
        return len(self._by_id) < _MOST

    def add(self, correlation_id: bytes, slots: int, user: str) -> Consumer | None:
        """Return a new consumer, or None if the client already uses the id.

        Args:
            correlation_id: Id of the consumer.
            slots: Number of events that can be in flight.
            user: Login of the user; empty for an anonymous one.
        """
        if correlation_id in self._by_id:
            return None
        consumer = self._by_id[correlation_id] = Consumer(
            correlation_id, slots, self, user=user, address=self.address, connection_name=self.connection_name
        )
        return consumer

    def deliver(self, consumer: Consumer, messages: Sequence[Message]) -> None:
        """Send events, all in one write."""
        frames = shared_frames(Command.PERSISTENT_SUBSCRIPTION_STREAM_EVENT_APPEARED, map(appeared, messages))
        self._send(consumer.id.join(frames))

    def dropped(self, consumer: Consumer, failure: str | None) -> None:
        """Send SubscriptionDropped, or BadRequest with the reason of a failure."""
        del self._by_id[consumer.id]
        if failure is None:
            package = Package(Command.SUBSCRIPTION_DROPPED, consumer.id)
        else:
            package = Package(Command.BAD_REQUEST, consumer.id, f"{SERVER_FAILED}{failure}".encode())
        self._send(package.encode())

    def drop(self, correlation_id: bytes) -> None:
        """Drop the consumer with this id. Do nothing if there is none."""
        if correlation_id in self._by_id:
            self._by_id[correlation_id].drop()

    def drop_all(self) -> None:
        """Drop all consumers."""
        for consumer in tuple(self._by_id.values()):
            consumer.drop()

    def close(self) -> None:
        """Remove all consumers from their groups and send nothing, because the client is disconnected."""
        consumers, self._by_id = self._by_id, {}
        for consumer in consumers.values():
            consumer.leave()

    def pause(self) -> None:
        """Pause deliveries, because the client does not read."""
        self.is_unread = True

    def resume(self) -> None:
        """Resume deliveries, because the client has read."""
        self.is_unread = False
        for consumer in self._by_id.values():
            consumer.resume()

    def __len__(self) -> int:
        return len(self._by_id)

    def __repr__(self) -> str:
        return f"<{len(self)} persistent subscriptions{', unread' if self.is_unread else ''}>"


def appeared(message: Message) -> bytes:
    """Return the encoded PersistentSubscriptionStreamEventAppeared of an event."""
    return b"\x0a%b%b\x10%b" % (varint(len(message.entry)), message.entry, varint(message.retry_count))
