"""Payloads of acknowledgements, to which there is no reply."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rxpump.model.group_settings import NackAction
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.codes import NakAction
from rxpump.tcp.wire.limits import MAX_ACK_IDS

_CODES: Final = {
    NackAction.PARK: NakAction.PARK,
    NackAction.RETRY: NakAction.RETRY,
    NackAction.SKIP: NakAction.SKIP,
    NackAction.STOP: NakAction.STOP,
}


def acks(subscription_id: str, ids: Sequence[bytes]) -> list[bytes]:
    """Return the payloads of PersistentSubscriptionAckEvents for some ids; none if there are no ids."""
    return [
        schema.PersistentSubscriptionAckEvents(
            subscription_id=subscription_id, processed_event_ids=ids[start : start + MAX_ACK_IDS]
        ).SerializeToString()
        for start in range(0, len(ids), MAX_ACK_IDS)
    ]


def naks(subscription_id: str, ids: Sequence[bytes], action: NackAction, reason: str) -> list[bytes]:
    """Return the payloads of PersistentSubscriptionNakEvents for some ids."""
    return [
        schema.PersistentSubscriptionNakEvents(
            subscription_id=subscription_id,
            processed_event_ids=ids[start : start + MAX_ACK_IDS],
            message=reason.encode() or None,
            action=_CODES[action],
        ).SerializeToString()
        for start in range(0, len(ids), MAX_ACK_IDS)
    ]
