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
from tests.tcp.operations.cases import ID, classes_of, reply


def connect() -> ConnectPersistent:
    return ConnectPersistent("ponies", "judges", 7)


def test_the_request_names_stream_group_and_buffer_size() -> None:
    operation = connect()
    asked = schema.ConnectToPersistentSubscription.FromString(operation.payload)
    assert asked == schema.ConnectToPersistentSubscription(
        subscription_id="judges", event_stream_id="ponies", allowed_in_flight_messages=7
    )
    assert str(operation) == "ConnectToPersistentSubscription 'judges' of 'ponies'"
    assert operation.unsubscribe_command == Command.UNSUBSCRIBE_FROM_STREAM


def test_a_confirmation_opens_a_buffer_with_its_subscription_id() -> None:
    message = schema.PersistentSubscriptionConfirmation(
        last_commit_position=168, subscription_id="ponies::judges", last_event_number=3
    )
    outcome = reply(connect(), message)
    assert isinstance(outcome, Opened)
    buffer = outcome.buffer
    assert isinstance(buffer, GroupBuffer)
    assert (buffer.stream, buffer.group, buffer.subscription_id) == ("ponies", "judges", "ponies::judges")
    assert (buffer.last_commit_position, buffer.last_event_number, buffer.ending) == (168, 3, None)


def test_each_drop_reason_has_its_error() -> None:
    outcomes: dict[SubscriptionDropReason, Any] = {
        SubscriptionDropReason.UNSUBSCRIBED: (Retry, SubscriptionDropped),
        SubscriptionDropReason.ACCESS_DENIED: (Failure, AccessDenied),
        SubscriptionDropReason.NOT_FOUND: (Failure, PersistentSubscriptionNotFound),
        SubscriptionDropReason.PERSISTENT_SUBSCRIPTION_DELETED: (Failure, PersistentSubscriptionDeleted),
        SubscriptionDropReason.SUBSCRIBER_MAX_COUNT_REACHED: (Failure, SubscriberLimitReached),
    }
    assert set(outcomes) == set(SubscriptionDropReason)

    def drop(reason: int) -> Any:
        payload = schema.SubscriptionDropped(reason=reason).SerializeToString()
        return classes_of(connect().interpret(Package(Command.SUBSCRIPTION_DROPPED, ID, payload)))

    assert {reason: drop(reason) for reason in SubscriptionDropReason} == outcomes
    assert drop(99) == (Failure, UnexpectedReply)
