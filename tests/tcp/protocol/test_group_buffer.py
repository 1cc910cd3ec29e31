from __future__ import annotations

import pytest

from rxpump.errors import MalformedReply, SubscriptionDropped, UnexpectedReply
from rxpump.tcp.protocol.group_buffer import GroupBuffer
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.commands import Command
from rxpump.tcp.wire.package import Package

ID = bytes(range(16))


def appeared(number: int, retry_count: int | None = 0, data: bytes = b"") -> Package:
    event = schema.ResolvedIndexedEvent(event=schema.EventRecord(event_number=number, data=data))
    message = schema.PersistentSubscriptionStreamEventAppeared(event=event, retry_count=retry_count)
    return Package(Command.PERSISTENT_SUBSCRIPTION_STREAM_EVENT_APPEARED, ID, message.SerializeToString())


@pytest.fixture
def buffer() -> GroupBuffer:
    return GroupBuffer(
        "ponies", "judges", "ponies::judges", last_commit_position=1, last_event_number=0, max_events=4
    )


def taken(buffer: GroupBuffer) -> list[tuple[int, int, int]]:
    return [(each.event.event.event_number, each.retry_count, len(each.event.event.data)) for each in buffer.take()]


def test_take_returns_all_events_with_their_retry_counts(buffer: GroupBuffer) -> None:
    """Servers before 4.1 send no retry count, and servers with proto3 leave out a 0."""
    for package in (appeared(1, 2), appeared(2, None, bytes(100)), appeared(3, 1, bytes(20_000)), appeared(4, None)):
        buffer.receive(package)
    assert taken(buffer) == [(1, 2, 0), (2, 0, 100), (3, 1, 20_000), (4, 0, 0)]
    assert taken(buffer) == []


def test_too_many_events_end_the_subscription(buffer: GroupBuffer) -> None:
    for number in range(5):
        buffer.receive(appeared(number))
    assert isinstance(buffer.ending, SubscriptionDropped)
    assert buffer.ending.retryable


def test_an_unexpected_package_ends_the_subscription(buffer: GroupBuffer) -> None:
    buffer.receive(Package(Command.STREAM_EVENT_APPEARED, ID))
    assert isinstance(buffer.ending, UnexpectedReply)


def test_an_update_of_the_group_drops_the_subscription(buffer: GroupBuffer) -> None:
    """See docs/protocol/tcp.md, section 7.1, trap 12."""
    buffer.receive(Package(Command.SUBSCRIPTION_DROPPED, ID))
    assert isinstance(buffer.ending, SubscriptionDropped)


def test_a_malformed_event_raises_malformed_reply(buffer: GroupBuffer) -> None:
    buffer.receive(Package(Command.PERSISTENT_SUBSCRIPTION_STREAM_EVENT_APPEARED, ID, b"\xff"))
    with pytest.raises(MalformedReply):
        buffer.take()


def test_the_repr_shows_the_state(buffer: GroupBuffer) -> None:
    buffer.receive(appeared(1))
    assert repr(buffer) == "<GroupBuffer of ponies, 1 events buffered, open>"
