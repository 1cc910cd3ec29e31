from __future__ import annotations

import pytest

from rxpump.errors import (
    AccessDenied,
    ConnectionClosed,
    MalformedReply,
    SubscriptionDropped,
    UnexpectedReply,
)
from rxpump.model.positions import Position
from rxpump.tcp.protocol.subscription_buffer import LiveBuffer
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.codes import SubscriptionDropReason
from rxpump.tcp.wire.commands import Command
from rxpump.tcp.wire.package import Package

ID = bytes(range(16))


def appeared(position: int, data: bytes = b"") -> Package:
    event = schema.ResolvedEvent(event=schema.EventRecord(data=data), commit_position=position)
    return Package(Command.STREAM_EVENT_APPEARED, ID, schema.StreamEventAppeared(event=event).SerializeToString())


def dropped(reason: int) -> Package:
    return Package(Command.SUBSCRIPTION_DROPPED, ID, schema.SubscriptionDropped(reason=reason).SerializeToString())


def positions(channel: LiveBuffer) -> list[int]:
    return [event.position.commit for event in channel.take() if event.position]


@pytest.fixture
def channel() -> LiveBuffer:
    return LiveBuffer("ponies", last_commit_position=1, last_event_number=0, max_events=3, max_bytes=1000)


def test_what_arrives_is_taken_together_and_once(channel: LiveBuffer) -> None:
    for position in (5, 6, 7):
        channel.receive(appeared(position))
    assert positions(channel) == [5, 6, 7]
    assert positions(channel) == []


def test_there_is_news_when_the_first_arrives_and_when_it_ends(channel: LiveBuffer) -> None:
    news: list[int] = []
    channel.on_change = lambda: news.append(1)
    channel.receive(appeared(5))
    channel.receive(appeared(6))
    assert len(news) == 1, "not for each event"
    channel.take()
    channel.receive(appeared(7))
    assert len(news) == 2
    channel.end(ConnectionClosed("tcp://node", "gone"))
    channel.end(ConnectionClosed("tcp://node", "gone again"))
    assert len(news) == 3


def test_an_overflow_ends_it_and_keeps_the_buffered_events(channel: LiveBuffer) -> None:
    for position in (5, 6, 7, 8, 9):
        channel.receive(appeared(position))
    assert isinstance(channel.ending, SubscriptionDropped)
    assert channel.ending.retryable
    assert positions(channel) == [5, 6, 7], "all from before the first that was lost, and none after"


def test_more_bytes_than_it_may_hold_end_it(channel: LiveBuffer) -> None:
    channel.receive(appeared(5, bytes(600)))
    channel.receive(appeared(6, bytes(600)))
    assert isinstance(channel.ending, SubscriptionDropped)
    assert positions(channel) == [5]


def test_one_event_larger_than_all_it_may_hold_still_arrives(channel: LiveBuffer) -> None:
    channel.receive(appeared(5, bytes(5000)))
    assert channel.ending is None
    assert positions(channel) == [5]


def test_room_that_was_taken_is_room_again(channel: LiveBuffer) -> None:
    for position in range(20):
        channel.receive(appeared(position, bytes(600)))
        assert positions(channel) == [position]
    assert channel.ending is None


@pytest.mark.parametrize(
    ("reason", "error"),
    [
        (SubscriptionDropReason.UNSUBSCRIBED, SubscriptionDropped),
        (SubscriptionDropReason.ACCESS_DENIED, AccessDenied),
        (SubscriptionDropReason.NOT_FOUND, SubscriptionDropped),
        (SubscriptionDropReason.PERSISTENT_SUBSCRIPTION_DELETED, SubscriptionDropped),
        (SubscriptionDropReason.SUBSCRIBER_MAX_COUNT_REACHED, SubscriptionDropped),
        (99, UnexpectedReply),
    ],
)
def test_a_drop_ends_it_for_its_reason(channel: LiveBuffer, reason: int, error: type[Exception]) -> None:
    channel.receive(appeared(5))
    channel.receive(dropped(reason))
    channel.receive(appeared(6))
    assert type(channel.ending) is error
    assert positions(channel) == [5]


def test_another_reply_ends_it(channel: LiveBuffer) -> None:
    channel.receive(Package(Command.PONG, ID))
    assert isinstance(channel.ending, UnexpectedReply)
    assert str(channel.ending) == (
        "the reply to the subscription to 'ponies' is a Pong, which this request does not allow"
    )


def test_a_drop_that_does_not_parse_ends_it(channel: LiveBuffer) -> None:
    channel.receive(Package(Command.SUBSCRIPTION_DROPPED, ID, b"\xff\xff"))
    assert isinstance(channel.ending, MalformedReply)


def test_events_that_do_not_parse_are_an_error_of_whoever_takes_them(channel: LiveBuffer) -> None:
    channel.receive(Package(Command.STREAM_EVENT_APPEARED, ID, b"\x0a\xff"))
    with pytest.raises(MalformedReply, match="the subscription to 'ponies'"):
        channel.take()


def test_it_shows_its_state(channel: LiveBuffer) -> None:
    channel.receive(appeared(5))
    assert repr(channel) == "<LiveBuffer of ponies, 1 events buffered, open>"
    channel.receive(dropped(0))
    assert "ended: the subscription to 'ponies' was dropped: unsubscribed" in repr(channel)


def test_a_checkpoint_is_news_and_tells_how_far_was_looked(channel: LiveBuffer) -> None:
    news: list[int] = []
    channel.on_change = lambda: news.append(1)
    assert channel.checkpoint is None
    reached = schema.CheckpointReached(commit_position=300, prepare_position=200)
    channel.receive(Package(Command.CHECKPOINT_REACHED, ID, reached.SerializeToString()))
    assert [channel.checkpoint, news] == [Position(300, 200), [1]]
    assert positions(channel) == []


def test_a_checkpoint_that_does_not_parse_ends_it(channel: LiveBuffer) -> None:
    channel.receive(Package(Command.CHECKPOINT_REACHED, ID, b"\xff"))
    assert isinstance(channel.ending, MalformedReply)
