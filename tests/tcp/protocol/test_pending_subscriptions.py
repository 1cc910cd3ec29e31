"""Requests that open a subscription: the packages of the subscription, and its end on the server."""

from __future__ import annotations

from typing import Any

import pytest

from rxpump.errors import ConnectionClosed, OperationTimedOut, SubscriptionDropped
from rxpump.tcp.operations.subscribe import Subscribe
from rxpump.tcp.protocol.request import Request
from rxpump.tcp.protocol.subscription_buffer import SubscriptionBuffer
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.commands import Command
from rxpump.tcp.wire.package import Package
from tests.tcp.protocol.driving import Wire

LOST = ConnectionClosed("tcp://node", "the connection was lost")
CONFIRMATION = schema.SubscriptionConfirmation(last_commit_position=1, last_event_number=0).SerializeToString()
EVENT = schema.StreamEventAppeared(event=schema.ResolvedEvent(commit_position=5)).SerializeToString()


@pytest.fixture
def wire() -> Wire:
    return Wire()


def subscribe(wire: Wire) -> tuple[Request, Package]:
    request = wire.pending.submit(Subscribe("ponies", resolve_links=False, max_events=2, max_bytes=10_000))
    (sent,) = wire.sent()
    return request, sent


def confirm(wire: Wire, sent: Package) -> Request | None:
    return wire.reply(sent, CONFIRMATION, Command.SUBSCRIPTION_CONFIRMATION)


def opened(wire: Wire) -> tuple[SubscriptionBuffer[Any], Package]:
    request, sent = subscribe(wire)
    assert confirm(wire, sent) is request
    buffer: Any = request.value
    return buffer, sent


def unsubscribed(wire: Wire) -> list[bytes]:
    return [each.correlation_id for each in wire.sent() if each.command == Command.UNSUBSCRIBE_FROM_STREAM]


def test_events_after_the_confirmation_are_buffered(wire: Wire) -> None:
    buffer, sent = opened(wire)
    for _ in range(2):
        assert wire.reply(sent, EVENT, Command.STREAM_EVENT_APPEARED) is None
    assert len(buffer.take()) == 2
    assert len(wire.pending) == 0, "an open buffer is no unanswered request"


def test_each_subscription_has_its_own_buffer(wire: Wire) -> None:
    (one, to_one), (other, _) = opened(wire), opened(wire)
    wire.reply(to_one, EVENT, Command.STREAM_EVENT_APPEARED)
    assert len(one.take()) == 1
    assert len(other.take()) == 0


def test_unsubscribe_is_sent_once(wire: Wire) -> None:
    buffer, sent = opened(wire)
    wire.pending.unsubscribe(buffer)
    wire.pending.unsubscribe(buffer)
    assert unsubscribed(wire) == [sent.correlation_id]
    wire.reply(sent, EVENT, Command.STREAM_EVENT_APPEARED)
    assert len(buffer.take()) == 0, "an event that arrives later belongs to no subscription"


def test_withdrawing_before_the_confirmation_unsubscribes(wire: Wire) -> None:
    request, sent = subscribe(wire)
    wire.pending.withdraw(request)
    assert unsubscribed(wire) == [sent.correlation_id]
    assert confirm(wire, sent) is None


def test_withdrawing_right_after_the_confirmation_unsubscribes(wire: Wire) -> None:
    request, sent = subscribe(wire)
    confirm(wire, sent)
    wire.pending.withdraw(request)
    assert unsubscribed(wire) == [sent.correlation_id]


def test_withdrawing_before_sending_does_not_unsubscribe() -> None:
    wire = Wire(is_connected=False)
    request = wire.pending.submit(Subscribe("ponies", resolve_links=False, max_events=2, max_bytes=100))
    wire.pending.withdraw(request)
    wire.pending.connected()
    assert wire.sent() == []


def test_a_timeout_of_the_confirmation_unsubscribes(wire: Wire) -> None:
    request, sent = subscribe(wire)
    assert wire.pass_time(7.0) == [request]
    assert isinstance(request.error, OperationTimedOut)
    assert unsubscribed(wire) == [sent.correlation_id]


def test_a_dropped_subscription_is_not_unsubscribed(wire: Wire) -> None:
    buffer, sent = opened(wire)
    wire.reply(sent, b"", Command.SUBSCRIPTION_DROPPED)
    assert isinstance(buffer.ending, SubscriptionDropped)
    wire.pending.unsubscribe(buffer)
    assert wire.sent() == []


def test_an_overflow_unsubscribes(wire: Wire) -> None:
    buffer, sent = opened(wire)
    for _ in range(3):
        wire.reply(sent, EVENT, Command.STREAM_EVENT_APPEARED)
    assert isinstance(buffer.ending, SubscriptionDropped)
    assert unsubscribed(wire) == [sent.correlation_id]


def test_a_refused_subscription_is_requested_again(wire: Wire) -> None:
    request, sent = subscribe(wire)
    assert wire.reply(sent, b"", Command.SUBSCRIPTION_DROPPED) is None
    wire.pass_time(1.0)
    (again,) = wire.sent()
    assert confirm(wire, again) is request


def test_a_lost_connection_ends_subscriptions_without_unsubscribe(wire: Wire) -> None:
    (one, _), (other, _) = opened(wire), opened(wire)
    wire.pending.disconnected(LOST)
    assert one.ending is other.ending is LOST
    wire.pending.unsubscribe(one)
    wire.pending.connected()
    wire.pending.unsubscribe(other)
    assert wire.sent() == [], "that connection's subscriptions ended with it"


def test_an_unsent_unsubscribe_is_not_sent_on_the_next_connection(wire: Wire) -> None:
    buffer, _ = opened(wire)
    wire.pending.unsubscribe(buffer)
    wire.pending.disconnected(LOST)
    wire.pending.connected()
    assert wire.sent() == []


def test_an_unconfirmed_subscription_is_requested_again(wire: Wire) -> None:
    request, sent = subscribe(wire)
    wire.pending.disconnected(LOST)
    wire.pending.connected()
    (again,) = wire.sent()
    assert confirm(wire, sent) is None
    assert confirm(wire, again) is request


def test_closing_ends_every_subscription(wire: Wire) -> None:
    buffer, _ = opened(wire)
    wire.pending.close(LOST)
    assert buffer.ending is LOST


def test_packages_of_a_subscription_precede_its_unsubscribe(wire: Wire) -> None:
    buffer, sent = opened(wire)
    ack = Command.PERSISTENT_SUBSCRIPTION_ACK_EVENTS
    for payload in (b"one", b"two"):
        wire.pending.send_message(buffer, ack, payload)
    wire.pending.unsubscribe(buffer)
    wire.pending.send_message(buffer, ack, b"too late")
    packages = wire.sent()
    assert [(each.command, each.payload) for each in packages] == [
        (ack, b"one"),
        (ack, b"two"),
        (Command.UNSUBSCRIBE_FROM_STREAM, b""),
    ]
    assert {each.correlation_id for each in packages} == {sent.correlation_id}
    assert len(wire.pending) == 0, "nobody waits for an answer"
    assert wire.pending.is_leaving
    wire.reply(sent, b"", Command.SUBSCRIPTION_DROPPED)
    assert not wire.pending.is_leaving


def test_acknowledgements_are_not_sent_to_the_next_connection(wire: Wire) -> None:
    buffer, _ = opened(wire)
    wire.pending.send_message(buffer, Command.PERSISTENT_SUBSCRIPTION_ACK_EVENTS, b"lost with its connection")
    wire.pending.disconnected(LOST)
    wire.pending.connected()
    wire.pending.send_message(buffer, Command.PERSISTENT_SUBSCRIPTION_ACK_EVENTS, b"of a former connection")
    assert wire.sent() == []
