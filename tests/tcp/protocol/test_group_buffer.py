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
def channel() -> GroupBuffer:
    return GroupBuffer(
        "ponies", "judges", "ponies::judges", last_commit_position=1, last_event_number=0, max_events=4
    )


def taken(channel: GroupBuffer) -> list[tuple[int, int, int]]:
    return [(each.event.event.event_number, each.retry_count, len(each.event.event.data)) for each in channel.take()]


def test_what_arrives_is_taken_together_each_with_its_own_count(channel: GroupBuffer) -> None:
    """Servers before 4.1 send no retry count, and servers with proto3 leave out a 0."""
    for package in (appeared(1, 2), appeared(2, None, bytes(100)), appeared(3, 1, bytes(20_000)), appeared(4, None)):
        channel.receive(package)
    assert taken(channel) == [(1, 2, 0), (2, 0, 100), (3, 1, 20_000), (4, 0, 0)]
    assert taken(channel) == []


def test_more_than_may_be_unanswered_is_the_end(channel: GroupBuffer) -> None:
    for number in range(5):
        channel.receive(appeared(number))
    assert isinstance(channel.ending, SubscriptionDropped)
    assert channel.ending.retryable


def test_what_is_of_another_kind_ends_it(channel: GroupBuffer) -> None:
    channel.receive(Package(Command.STREAM_EVENT_APPEARED, ID))
    assert isinstance(channel.ending, UnexpectedReply)


def test_an_update_looks_like_an_ordinary_end(channel: GroupBuffer) -> None:
    """See docs/protocol/tcp.md, section 7.1, trap 12."""
    channel.receive(Package(Command.SUBSCRIPTION_DROPPED, ID))
    assert isinstance(channel.ending, SubscriptionDropped)


def test_what_does_not_parse_is_named(channel: GroupBuffer) -> None:
    channel.receive(Package(Command.PERSISTENT_SUBSCRIPTION_STREAM_EVENT_APPEARED, ID, b"\xff"))
    with pytest.raises(MalformedReply):
        channel.take()


def test_its_repr_tells_its_state(channel: GroupBuffer) -> None:
    channel.receive(appeared(1))
    assert repr(channel) == "<GroupBuffer of ponies, 1 events buffered, open>"
