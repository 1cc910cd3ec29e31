"""A channel of the ledger, awaited."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from rxpump.model.events import Event
from rxpump.model.filters import EventFilter
from rxpump.model.positions import Position
from rxpump.tcp.protocol.subscription_buffer import LiveBuffer, SubscriptionBuffer
from rxpump.transport import Subscription


class TcpSubscription(Subscription):
    """One confirmed subscription; `give_up` is called when its consumer leaves.

    With `where`, only what matches is given: the server may have filtered by it, or not, or more coarsely.
    """

    def __init__(
        self,
        channel: LiveBuffer,
        give_up: Callable[[SubscriptionBuffer[Any]], None],
        where: EventFilter | None = None,
    ) -> None:
        self.last_event_number: int | None = channel.last_event_number
        self.last_commit_position: int = channel.last_commit_position
        self.examined: Position | None = None
        self._channel = channel
        self._give_up = give_up
        self._where = where
        self._news = asyncio.Event()
        channel.on_change = self._news.set

    async def next(self) -> Sequence[Event]:
        """Wait for events and give all that have come; none, where there is news of how far was looked."""
        channel = self._channel
        while not (records := channel.take()) and not self._is_before(channel.checkpoint):
            if channel.ending is not None:
                raise channel.ending
            self._news.clear()
            await self._news.wait()
        events = [Event(record) for record in records]
        if self._where is None:
            return events
        for reached in (channel.checkpoint, events[-1].position if events else None):
            if self._is_before(reached):
                self.examined = reached
        return [event for event in events if self._where.matches(event)]

    def _is_before(self, reached: Position | None) -> bool:
        return reached is not None and (self.examined is None or reached > self.examined)

    def close(self) -> None:
        """Unsubscribe."""
        self._give_up(self._channel)

    def __repr__(self) -> str:
        return f"<TcpSubscription {self._channel!r}>"
