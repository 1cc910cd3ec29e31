"""Live subscriptions of one client (docs/protocol/tcp.md, section 4.15).

A subscription sends the events that are written after the position of its confirmation. A client can open two
subscriptions with the same correlation id, and must then end each of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from rxpump.server.store.committed_batch import CommittedBatch
from rxpump.server.store.feed import Feed
from rxpump.server.tcp.batch_frames import batch_frames
from rxpump.tcp.wire.commands import Command
from rxpump.tcp.wire.package import Package

_MOST_BYTES: Final = 16 * 1024 * 1024
"""Largest number of bytes of memory that the subscriptions of one client may take."""

_BYTES: Final = 512
"""Bytes of memory that a subscription takes, without the name of its stream."""


class Subscription:
    """One subscription.

    Args:
        correlation_id: Correlation id of the subscription.
        stream: Name of the stream, or EVERYTHING.
        after: Position after which events are sent.
        send: Function that sends frames to the client.
        dropped: Function that is called when the subscription ends.
        resolve_links: Whether the target of a link is sent with it.
    """

    def __init__(
        self,
        correlation_id: bytes,
        stream: str,
        after: int,
        send: Callable[[bytes], None],
        dropped: Callable[[Subscription], None],
        *,
        resolve_links: bool,
    ) -> None:
        self.correlation_id = correlation_id
        self.stream = stream
        self._after = after
        self._send = send
        self._dropped = dropped
        self._resolve_links = resolve_links

    @property
    def size(self) -> int:
        """Bytes of memory that the subscription takes."""
        return _BYTES + len(self.stream)

    def receive(self, batch: CommittedBatch) -> None:
        """Send the events of a committed batch."""
        frames = batch_frames(batch, self.correlation_id, after=self._after, resolve_links=self._resolve_links)
        for chunk in frames:
            self._send(chunk)

    def drop(self) -> None:
        """End the subscription and send SubscriptionDropped."""
        self._dropped(self)
        self._send(Package(Command.SUBSCRIPTION_DROPPED, self.correlation_id).encode())

    def __repr__(self) -> str:
        return f"<Subscription to {self.stream or 'everything'} after {self._after}>"


class Subscriptions:
    """The subscriptions of one client.

    Args:
        feed: Source of committed events.
        send: Function that sends frames to the client.
    """

    def __init__(self, feed: Feed, send: Callable[[bytes], None]) -> None:
        self._feed = feed
        self._send = send
        self._by_id: dict[bytes, list[Subscription]] = {}
        self._bytes = 0

    @property
    def held(self) -> int:
        """Bytes of memory that all subscriptions take."""
        return self._bytes

    def has_room_for(self, stream: str, more: int = 0) -> bool:
        """Return whether the client may open one more subscription. A real server has no limit.

        Args:
            stream: Name of the stream.
            more: Bytes that the subscription takes in addition to an ordinary one.
        """
        return self._bytes + _BYTES + len(stream) + more <= _MOST_BYTES

    def open(
        self,
        correlation_id: bytes,
        stream: str,
        *,
        after: int,
        resolve_links: bool,
        kind: Callable[..., Subscription] = Subscription,
    ) -> None:
        """Open a subscription of the class `kind`; see Subscription for the other arguments."""
        subscription = kind(correlation_id, stream, after, self._send, self._forget, resolve_links=resolve_links)
        self._by_id.setdefault(correlation_id, []).append(subscription)
        self._bytes += subscription.size
        self._feed.follow(stream, subscription)

    def drop(self, correlation_id: bytes) -> None:
        """End the newest subscription with this id. Do nothing if there is none."""
        if correlation_id in self._by_id:
            self._by_id[correlation_id][-1].drop()

    def drop_all(self) -> None:
        """End all subscriptions, and send SubscriptionDropped for each."""
        for subscription in self._all():
            subscription.drop()

    def close(self) -> None:
        """End all subscriptions without sending anything, because the connection is closed."""
        for subscription in self._all():
            self._forget(subscription)

    def _all(self) -> list[Subscription]:
        return [subscription for same_id in self._by_id.values() for subscription in same_id]

    def _forget(self, subscription: Subscription) -> None:
        same_id = self._by_id[subscription.correlation_id]
        same_id.remove(subscription)
        if not same_id:
            del self._by_id[subscription.correlation_id]
        self._bytes -= subscription.size
        self._feed.leave(subscription.stream, subscription)

    def __len__(self) -> int:
        return len(self._all())

    def __repr__(self) -> str:
        return f"<{len(self)} subscriptions>"
