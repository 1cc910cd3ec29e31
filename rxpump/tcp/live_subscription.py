"""A confirmed subscription to new events, which the consumer pulls in batches."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from rxpump.errors import RxPumpError
from rxpump.model.events import Event
from rxpump.model.filters import EventFilter
from rxpump.model.positions import Position
from rxpump.tcp.protocol.subscription_buffer import LiveBuffer, SubscriptionBuffer


class LiveSubscription:
    """One confirmed subscription to a stream or `$all`.

    Attributes:
        last_event_number: Number of the stream's last event at the confirmation; None for `$all`, and from servers
            that omit 0.
        last_commit_position: Commit position of the last event of `$all` at the confirmation.
        examined: Position up to which every event that matches the filter was returned; None without a filter.
    """

    def __init__(
        self,
        buffer: LiveBuffer,
        unsubscribe: Callable[[SubscriptionBuffer[Any]], None],
        where: EventFilter | None = None,
    ) -> None:
        self.last_event_number: int | None = buffer.last_event_number
        self.last_commit_position: int = buffer.last_commit_position
        self.examined: Position | None = None
        self._buffer = buffer
        self._unsubscribe = unsubscribe
        self._where = where
        self._changed: asyncio.Future[None] | None = None
        buffer.on_change = self._wake

    @property
    def buffered(self) -> int:
        """Number of events that have arrived and were not returned."""
        return len(self._buffer)

    async def next(self) -> Sequence[Event]:
        """Wait for events, and return all that have arrived; cancelling the wait loses none.

        Returns:
            The events that match the filter, or none if only `examined` has moved.

        Raises:
            RxPumpError: The subscription ended. All events that arrived before were returned.
        """
        buffer = self._buffer
        while not buffer.payloads and (self._where is None or not self._is_before(buffer.checkpoint)):
            if buffer.ending is not None:
                raise buffer.ending
            self._changed = asyncio.get_running_loop().create_future()
            await self._changed
        events = buffer.take()
        if self._where is None:
            return events
        for reached in (buffer.checkpoint, events[-1].position if events else None):
            if self._is_before(reached):
                self.examined = reached
        return [event for event in events if self._where.matches(event)]

    def _wake(self) -> None:
        if self._changed is not None and not self._changed.done():
            self._changed.set_result(None)

    def _is_before(self, reached: Position | None) -> bool:
        return reached is not None and (self.examined is None or reached > self.examined)

    def end(self, ending: RxPumpError) -> None:
        """Let `next` raise an error when all events that have arrived were returned."""
        self._buffer.end(ending)

    def close(self) -> None:
        """Unsubscribe."""
        self._unsubscribe(self._buffer)

    def __repr__(self) -> str:
        return f"<LiveSubscription {self._buffer!r}>"
