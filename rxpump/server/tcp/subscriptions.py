"""What one client is subscribed to (docs/protocol/tcp.md, section 4.15).

A subscription passes on what is written after the position that it was confirmed with. A client may open
two under one id; they are two, and have to be ended one by one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from rxpump.server.store.committed_batch import CommittedBatch
from rxpump.server.store.feed import Feed
from rxpump.server.tcp.batch_frames import batch_frames
from rxpump.tcp.wire.commands import Command
from rxpump.tcp.wire.package import Package

_MOST_BYTES: Final = 16 * 1024 * 1024  # that the subscriptions of one client may take
_BYTES: Final = 512  # that one takes besides its stream's name, about


class Subscription:
    """Passes on what is written to `stream` after position `after`, under `correlation_id`."""

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
        """How many bytes it takes, about."""
        return _BYTES + len(self.stream)

    def receive(self, batch: CommittedBatch) -> None:
        """Send the events that were written."""
        frames = batch_frames(batch, self.correlation_id, after=self._after, resolve_links=self._resolve_links)
        for chunk in frames:
            self._send(chunk)

    def drop(self) -> None:
        """End it, and tell the client so."""
        self._dropped(self)
        self._send(Package(Command.SUBSCRIPTION_DROPPED, self.correlation_id).encode())

    def __repr__(self) -> str:
        return f"<Subscription to {self.stream or 'everything'} after {self._after}>"


class Subscriptions:
    """The subscriptions of one client to `feed`; `send` takes the frames for it."""

    def __init__(self, feed: Feed, send: Callable[[bytes], None]) -> None:
        self._feed = feed
        self._send = send
        self._by_id: dict[bytes, list[Subscription]] = {}
        self._bytes = 0

    @property
    def held(self) -> int:
        """Bytes that the subscriptions take, about."""
        return self._bytes

    def has_room_for(self, stream: str, more: int = 0) -> bool:
        """Tell whether this client may have one more, that takes `more` bytes than others.

        A real server sets no limit, and pays for it.
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
        """Begin one, of what is written to `stream` (or EVERYTHING) after position `after`."""
        subscription = kind(correlation_id, stream, after, self._send, self._forget, resolve_links=resolve_links)
        self._by_id.setdefault(correlation_id, []).append(subscription)
        self._bytes += subscription.size
        self._feed.follow(stream, subscription)

    def drop(self, correlation_id: bytes) -> None:
        """End the one of this id, the newest if there are several; without any, do nothing."""
        if correlation_id in self._by_id:
            self._by_id[correlation_id][-1].drop()

    def drop_all(self) -> None:
        """End all."""
        for subscription in self._all():
            subscription.drop()

    def close(self) -> None:
        """Forget all: the client is gone."""
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
