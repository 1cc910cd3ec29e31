"""A channel of the ledger, awaited."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from rxpump.events import Event
from rxpump.protocol.channel import Channel
from rxpump.transport.base import Subscription


class ChannelSubscription(Subscription):
    """One confirmed subscription; `give_up` is called when its consumer leaves."""

    def __init__(self, channel: Channel, give_up: Callable[[Channel], None]) -> None:
        self.last_event_number = channel.last_event_number
        self.last_commit_position = channel.last_commit_position
        self._channel = channel
        self._give_up = give_up
        self._news = asyncio.Event()
        channel.on_change = self._news.set

    async def next(self) -> Sequence[Event]:
        """Wait for events and give all that have come."""
        while not (records := self._channel.take()):
            if self._channel.ending is not None:
                raise self._channel.ending
            self._news.clear()
            await self._news.wait()
        return [Event(record) for record in records]

    def close(self) -> None:
        """Unsubscribe."""
        self._give_up(self._channel)

    def __repr__(self) -> str:
        return f"<ChannelSubscription {self._channel!r}>"
