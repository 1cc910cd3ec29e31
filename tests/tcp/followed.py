"""The subscriptions of a recorded conversation, and the events that they delivered."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from rxpump.model.events import Event
from rxpump.model.group_settings import NackAction
from rxpump.tcp.live_subscription import LiveSubscription
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.commands import Command
from rxpump.transport import GroupSession
from tests.recordings import RecordedFrame

SETTLING: dict[int, Any] = {
    Command.PERSISTENT_SUBSCRIPTION_ACK_EVENTS: schema.PersistentSubscriptionAckEvents,
    Command.PERSISTENT_SUBSCRIPTION_NAK_EVENTS: schema.PersistentSubscriptionNakEvents,
}
"""Messages that acknowledge or refuse deliveries, by command. They have no reply."""

ACTIONS = {1: NackAction.PARK, 2: NackAction.RETRY, 3: NackAction.SKIP, 4: NackAction.STOP}


class Followed:
    """A subscription. `given` has its delivered events, each with the number of earlier deliveries."""

    def __init__(self, subscription: LiveSubscription | GroupSession) -> None:
        self.subscription = subscription
        self.given: list[tuple[Event, int]] = []

    async def until(self, count: int) -> list[tuple[Event, int]]:
        """Wait until `count` events have been delivered, and return them."""
        while len(self.given) < count:
            self.given += _events(await self.subscription.next())
        return self.given

    def settle(self, command: int, message: Any) -> str:
        """Acknowledge or refuse delivered events, and return a description of the request."""
        assert isinstance(self.subscription, GroupSession)
        by_id = {event.received.id_bytes: event for event, _ in self.given}
        events = [by_id[id] for id in message.processed_event_ids]
        named = ", ".join(f"{event.received.number}@{event.received.stream}" for event in events)
        if command == Command.PERSISTENT_SUBSCRIPTION_ACK_EVENTS:
            self.subscription.ack(events)
            return f"acknowledge {named}"
        action = ACTIONS[message.action]
        reason = message.message.decode()
        self.subscription.nack(events, action, reason)
        return f"refuse {named}, {action.value}" + (f": {reason}" if reason else "")


def _events(batch: Iterable[Any]) -> Iterator[tuple[Event, int]]:
    for each in batch:
        yield (each, 0) if isinstance(each, Event) else each


def without_unsendable_acks(lines: list[RecordedFrame]) -> list[RecordedFrame]:
    """Return a conversation without the acknowledgements that our client cannot send."""
    given = {id for line in lines for id in _given(line)}

    def can_be(line: RecordedFrame) -> bool:
        if line.package is None or line.package.command not in SETTLING:
            return True
        message = SETTLING[line.package.command].FromString(line.package.payload)
        is_ack = line.package.command == Command.PERSISTENT_SUBSCRIPTION_ACK_EVENTS
        return (is_ack or message.action in ACTIONS) and given.issuperset(message.processed_event_ids)

    return [line for line in lines if can_be(line)]


def _given(line: RecordedFrame) -> Iterator[bytes]:
    if line.package and line.answers_with(Command.PERSISTENT_SUBSCRIPTION_STREAM_EVENT_APPEARED):
        message = schema.PersistentSubscriptionStreamEventAppeared.FromString(line.package.payload)
        yield message.event.link.event_id or message.event.event.event_id
