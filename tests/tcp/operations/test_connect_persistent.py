from __future__ import annotations

from typing import Any

from rxpump.errors import (
    AccessDenied,
    PersistentSubscriptionDeleted,
    PersistentSubscriptionNotFound,
    SubscriberLimitReached,
    SubscriptionDropped,
    UnexpectedReply,
)
from rxpump.tcp.operations.connect_persistent import ConnectPersistent
from rxpump.tcp.protocol.group_buffer import GroupBuffer
from rxpump.tcp.protocol.outcome import Failure, Opened, Retry
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.codes import SubscriptionDropReason
from rxpump.tcp.wire.commands import Command
from rxpump.tcp.wire.package import Package
from tests.tcp.operations.cases import ID, fate, reply


def connect() -> ConnectPersistent:
    return ConnectPersistent("ponies", "judges", 7)


def test_it_is_asked_under_the_groups_name() -> None:
    operation = connect()
    asked = schema.ConnectToPersistentSubscription.FromString(operation.payload)
    assert asked == schema.ConnectToPersistentSubscription(
        subscription_id="judges", event_stream_id="ponies", allowed_in_flight_messages=7
    )
    assert str(operation) == "ConnectToPersistentSubscription 'judges' of 'ponies'"
    assert operation.unsubscribe_command == Command.UNSUBSCRIBE_FROM_STREAM


def test_a_confirmation_opens_a_buffer_under_the_id_that_it_gives() -> None:
    message = schema.PersistentSubscriptionConfirmation(
        last_commit_position=168, subscription_id="ponies::judges", last_event_number=3
    )
    outcome = reply(connect(), message)
    assert isinstance(outcome, Opened)
    channel = outcome.buffer
    assert isinstance(channel, GroupBuffer)
    assert (channel.stream, channel.group, channel.subscription_id) == ("ponies", "judges", "ponies::judges")
    assert (channel.last_commit_position, channel.last_event_number, channel.ending) == (168, 3, None)


def test_each_reason_to_be_dropped_is_named() -> None:
    fates: dict[SubscriptionDropReason, Any] = {
        SubscriptionDropReason.UNSUBSCRIBED: (Retry, SubscriptionDropped),
        SubscriptionDropReason.ACCESS_DENIED: (Failure, AccessDenied),
        SubscriptionDropReason.NOT_FOUND: (Failure, PersistentSubscriptionNotFound),
        SubscriptionDropReason.PERSISTENT_SUBSCRIPTION_DELETED: (Failure, PersistentSubscriptionDeleted),
        SubscriptionDropReason.SUBSCRIBER_MAX_COUNT_REACHED: (Failure, SubscriberLimitReached),
    }
    assert set(fates) == set(SubscriptionDropReason)

    def drop(reason: int) -> Any:
        payload = schema.SubscriptionDropped(reason=reason).SerializeToString()
        return fate(connect().interpret(Package(Command.SUBSCRIPTION_DROPPED, ID, payload)))

    assert {reason: drop(reason) for reason in SubscriptionDropReason} == fates
    assert drop(99) == (Failure, UnexpectedReply)
