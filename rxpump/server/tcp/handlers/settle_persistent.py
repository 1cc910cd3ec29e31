"""PersistentSubscriptionAckEvents and -NakEvents: acknowledge deliveries (docs/protocol/tcp.md, section 4.18).

There is no reply, and no permission is needed. Ids that are not pending are ignored.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from rxpump.model.group_settings import NackAction
from rxpump.server.groups.group import MAX_PENDING
from rxpump.server.node import Node
from rxpump.server.tcp.request import NO_ID, BadPayload, Request
from rxpump.tcp.wire.codes import NakAction
from rxpump.tcp.wire.schema import PersistentSubscriptionAckEvents, PersistentSubscriptionNakEvents

_ACTIONS: Final[Mapping[int, NackAction]] = {
    NakAction.PARK: NackAction.PARK,
    NakAction.SKIP: NackAction.SKIP,
    NakAction.STOP: NackAction.STOP,
}
"""Actions by their numbers in the protocol; every other number means RETRY."""


def acknowledge_persistent(request: Request, node: Node) -> None:
    """Handle a PersistentSubscriptionAckEvents, which has no reply."""
    message = request.read(PersistentSubscriptionAckEvents)
    event_ids = _checked_ids(message)
    running = node.groups.by_id(message.subscription_id)
    if running is not None:
        running.acknowledge(event_ids, request.correlation_id)


def refuse_persistent(request: Request, node: Node) -> None:
    """Handle a PersistentSubscriptionNakEvents, which has no reply."""
    message = request.read(PersistentSubscriptionNakEvents)
    event_ids = _checked_ids(message)
    running = node.groups.by_id(message.subscription_id)
    if running is not None:
        action = _ACTIONS.get(message.action, NackAction.RETRY)
        running.nack(event_ids, request.correlation_id, action, message.message.decode(errors="replace"))


def _checked_ids(message: Any) -> list[bytes]:
    if not message.subscription_id:
        raise BadPayload
    if len(message.processed_event_ids) > MAX_PENDING:
        raise BadPayload("Too many event ids.")  # more than any group delivers, and slow to handle
    event_ids = list(message.processed_event_ids)
    if not event_ids or any(len(event_id) != len(NO_ID) for event_id in event_ids):
        raise BadPayload
    return event_ids
