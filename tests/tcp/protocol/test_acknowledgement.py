from __future__ import annotations

import pytest

from rxpump.model.group_settings import NackAction
from rxpump.tcp.protocol.acknowledgement import acks, naks
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.codes import NakAction

IDS = [number.to_bytes(16, "little") for number in range(4001)]


def test_acknowledged_ids_are_split_into_packages_in_order() -> None:
    messages = [schema.PersistentSubscriptionAckEvents.FromString(payload) for payload in acks("s::g", IDS)]
    assert [len(message.processed_event_ids) for message in messages] == [2000, 2000, 1]
    assert [id for message in messages for id in message.processed_event_ids] == IDS
    assert {message.subscription_id for message in messages} == {"s::g"}


@pytest.mark.parametrize(
    ("action", "code"),
    [
        (NackAction.PARK, NakAction.PARK),
        (NackAction.RETRY, NakAction.RETRY),
        (NackAction.SKIP, NakAction.SKIP),
        (NackAction.STOP, NakAction.STOP),
    ],
)
def test_a_nak_contains_its_action_and_reason(action: NackAction, code: NakAction) -> None:
    (payload,) = naks("s::g", IDS[:2], action, "no oats")
    assert schema.PersistentSubscriptionNakEvents.FromString(payload) == schema.PersistentSubscriptionNakEvents(
        subscription_id="s::g", processed_event_ids=IDS[:2], action=code, message=b"no oats"
    )


def test_no_package_is_made_for_no_ids() -> None:
    """A server replies to an empty list with a BadRequest that has the id of the subscription."""
    assert acks("s::g", []) == naks("s::g", [], NackAction.PARK, "") == []
