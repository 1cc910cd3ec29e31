"""What a consumer tells a persistent subscription of the events it was given; there is no reply to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rxpump.model.group_settings import NackAction
from rxpump.model.limits import MAX_ACK_IDS
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.codes import NakAction

_CODES: Final = {
    NackAction.PARK: NakAction.PARK,
    NackAction.RETRY: NakAction.RETRY,
    NackAction.SKIP: NakAction.SKIP,
    NackAction.STOP: NakAction.STOP,
}


def acks(subscription_id: str, ids: Sequence[bytes]) -> list[bytes]:
    """Write the payloads of PersistentSubscriptionAckEvents; none for no ids, which a server refuses."""
    return [
        schema.PersistentSubscriptionAckEvents(
            subscription_id=subscription_id, processed_event_ids=ids[start : start + MAX_ACK_IDS]
        ).SerializeToString()
        for start in range(0, len(ids), MAX_ACK_IDS)
    ]


def naks(subscription_id: str, ids: Sequence[bytes], action: NackAction, reason: str) -> list[bytes]:
    """Write the payloads of PersistentSubscriptionNakEvents; none for no ids."""
    return [
        schema.PersistentSubscriptionNakEvents(
            subscription_id=subscription_id,
            processed_event_ids=ids[start : start + MAX_ACK_IDS],
            message=reason or None,
            action=_CODES[action],
        ).SerializeToString()
        for start in range(0, len(ids), MAX_ACK_IDS)
    ]
