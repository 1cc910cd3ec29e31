"""The persistent subscriptions that one client is connected to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from rxpump.server.groups.consumer import Consumer

_MOST: Final = 1_000  # of one client; a real server sets no limit


class Consumers:
    """One client's connections to consumer groups; `send` takes the frames for it.

    `is_unread` says that the client leaves too much of what it was sent unread; see `pause` and `resume`.
    """

    def __init__(self, send: Callable[[bytes], None]) -> None:
        self.send = send
        self.is_unread: bool = False
        self._by_id: dict[bytes, Consumer] = {}

    @property
    def has_room(self) -> bool:
        """Whether this client may connect once more."""
        return len(self._by_id) < _MOST

    def add(self, correlation_id: bytes, slots: int) -> Consumer | None:
        """Make one that takes up to `slots` events; None where the client uses the id for another."""
        if correlation_id in self._by_id:
            return None
        consumer = self._by_id[correlation_id] = Consumer(correlation_id, slots, self)
        return consumer

    def drop(self, correlation_id: bytes) -> None:
        """End the one of this id, and tell the client so; without any, do nothing."""
        if correlation_id in self._by_id:
            self._by_id[correlation_id].drop()

    def drop_all(self) -> None:
        """End all, and tell the client so."""
        for consumer in tuple(self._by_id.values()):
            consumer.drop()

    def forget(self, consumer: Consumer) -> None:
        """Be told that a consumer was dropped."""
        del self._by_id[consumer.correlation_id]

    def close(self) -> None:
        """End all: the client is gone."""
        consumers, self._by_id = self._by_id, {}
        for consumer in consumers.values():
            consumer.leave()

    def pause(self) -> None:
        """Send nothing more: the client does not read."""
        self.is_unread = True

    def resume(self) -> None:
        """Go on: the client has read."""
        self.is_unread = False
        for consumer in self._by_id.values():
            consumer.resume()

    def __len__(self) -> int:
        return len(self._by_id)

    def __repr__(self) -> str:
        return f"<{len(self)} persistent subscriptions{', unread' if self.is_unread else ''}>"
