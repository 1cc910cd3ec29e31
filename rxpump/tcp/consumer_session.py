"""A channel of a persistent subscription, awaited and answered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from rxpump.errors import RxPumpError
from rxpump.model.events import Event
from rxpump.model.group_settings import NackAction
from rxpump.tcp.protocol.acknowledgement import acks, naks
from rxpump.tcp.protocol.group_buffer import GroupBuffer
from rxpump.tcp.protocol.subscription_buffer import SubscriptionBuffer
from rxpump.tcp.records import indexed_event
from rxpump.tcp.wire.commands import Command
from rxpump.transport import GroupSession

Tell = Callable[[SubscriptionBuffer[Any], Command, bytes], None]


class TcpConsumerSession(GroupSession):
    """One connection to a group; `tell` sends under the channel's id, `give_up` unsubscribes."""

    def __init__(self, channel: GroupBuffer, tell: Tell, give_up: Callable[[SubscriptionBuffer[Any]], None]) -> None:
        self._channel = channel
        self._tell = tell
        self._give_up = give_up
        self._news = asyncio.Event()
        channel.on_change = self._news.set

    def before_end(self, act: Callable[[], None]) -> None:
        """Call `act` when the client is about to close."""
        self._channel.before_end = act

    @property
    def ending(self) -> RxPumpError | None:
        """Why the channel is over."""
        return self._channel.ending

    async def next(self) -> Sequence[tuple[Event, int]]:
        """Wait for events and give all that have come."""
        while True:
            if self._channel.ending is not None:
                raise self._channel.ending
            if records := self._channel.take():
                return [(indexed_event(record.event), record.retry_count) for record in records]
            self._news.clear()
            await self._news.wait()

    def ack(self, events: Sequence[Event]) -> None:
        """Send PersistentSubscriptionAckEvents."""
        for payload in acks(self._channel.subscription_id, _ids(events)):
            self._tell(self._channel, Command.PERSISTENT_SUBSCRIPTION_ACK_EVENTS, payload)

    def nack(self, events: Sequence[Event], action: NackAction, reason: str) -> None:
        """Send PersistentSubscriptionNakEvents."""
        for payload in naks(self._channel.subscription_id, _ids(events), action, reason):
            self._tell(self._channel, Command.PERSISTENT_SUBSCRIPTION_NAK_EVENTS, payload)

    def close(self) -> None:
        """Send UnsubscribeFromStream."""
        self._give_up(self._channel)

    def __repr__(self) -> str:
        return f"<TcpConsumerSession {self._channel!r}>"


def _ids(events: Sequence[Event]) -> list[bytes]:
    """Name events as they were received: a link by its own id, not its target's.

    See docs/protocol/tcp.md, section 4.18.
    """
    return [event.received.id_bytes for event in events]
