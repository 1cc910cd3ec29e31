from __future__ import annotations

from typing import Any

import pytest

from rxpump.errors import AccessDenied, MalformedReply, SubscriptionDropped, UnexpectedReply
from rxpump.tcp.operations.subscribe import Subscribe
from rxpump.tcp.protocol.outcome import Failure, Opened, Retry
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.codes import SubscriptionDropReason
from rxpump.tcp.wire.commands import Command
from rxpump.tcp.wire.package import Package
from tests.tcp.operations.cases import ID, classes_of, reply


def subscribe(stream: str | None = "ponies") -> Subscribe:
    return Subscribe(stream, resolve_links=True, max_events=2, max_bytes=1000)


@pytest.mark.parametrize(("stream", "name", "sent"), [("ponies", "ponies", "ponies"), (None, "$all", "")])
def test_the_request_contains_all_arguments(stream: str | None, name: str, sent: str) -> None:
    operation = subscribe(stream)
    assert schema.SubscribeToStream.FromString(operation.payload) == schema.SubscribeToStream(
        event_stream_id=sent, resolve_link_tos=True
    )
    assert str(operation) == f"SubscribeToStream '{name}'"
    assert operation.unsubscribe_command == Command.UNSUBSCRIBE_FROM_STREAM


@pytest.mark.parametrize(
    ("fields", "number"), [({"last_event_number": 0}, 0), ({"last_event_number": -1}, -1), ({}, None)]
)
def test_a_confirmation_opens_a_buffer(fields: dict[str, int], number: int | None) -> None:
    outcome = reply(subscribe(), schema.SubscriptionConfirmation(last_commit_position=168, **fields))
    assert isinstance(outcome, Opened)
    assert (outcome.buffer.last_commit_position, outcome.buffer.last_event_number) == (168, number)
    assert outcome.buffer.ending is None


def test_each_drop_reason_has_its_error() -> None:
    outcomes: dict[SubscriptionDropReason, Any] = {
        SubscriptionDropReason.UNSUBSCRIBED: (Retry, SubscriptionDropped),
        SubscriptionDropReason.ACCESS_DENIED: (Failure, AccessDenied),
        SubscriptionDropReason.NOT_FOUND: (Retry, SubscriptionDropped),
        SubscriptionDropReason.PERSISTENT_SUBSCRIPTION_DELETED: (Retry, SubscriptionDropped),
        SubscriptionDropReason.SUBSCRIBER_MAX_COUNT_REACHED: (Retry, SubscriptionDropped),
    }
    assert set(outcomes) == set(SubscriptionDropReason)

    def drop(reason: int) -> Any:
        payload = schema.SubscriptionDropped(reason=reason).SerializeToString()
        return classes_of(subscribe().interpret(Package(Command.SUBSCRIPTION_DROPPED, ID, payload)))

    assert {reason: drop(reason) for reason in SubscriptionDropReason} == outcomes
    assert drop(99) == (Failure, UnexpectedReply)


def test_a_drop_without_payload_means_unsubscribed() -> None:
    """See docs/protocol/tcp.md, section 8."""
    assert classes_of(subscribe().interpret(Package(Command.SUBSCRIPTION_DROPPED, ID))) == (
        Retry,
        SubscriptionDropped,
    )


def test_a_malformed_drop_is_a_malformed_reply() -> None:
    garbage = Package(Command.SUBSCRIPTION_DROPPED, ID, b"\xff\xff\xff")
    assert classes_of(subscribe().interpret(garbage)) == (Failure, MalformedReply)
