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


def positions(buffer: LiveBuffer) -> list[int]:
    return [event.position.commit for event in buffer.take() if event.position]


@pytest.fixture
def buffer() -> LiveBuffer:
    return LiveBuffer("ponies", last_commit_position=1, last_event_number=0, max_events=3, max_bytes=1000)


def test_take_returns_all_events_once(buffer: LiveBuffer) -> None:
    for position in (5, 6, 7):
        buffer.receive(appeared(position))
    assert positions(buffer) == [5, 6, 7]
    assert positions(buffer) == []


def test_on_change_is_called_for_the_first_event_and_the_end(buffer: LiveBuffer) -> None:
    news: list[int] = []
    buffer.on_change = lambda: news.append(1)
    buffer.receive(appeared(5))
    buffer.receive(appeared(6))
    assert len(news) == 1, "not for each event"
    buffer.take()
    buffer.receive(appeared(7))
    assert len(news) == 2
    buffer.end(ConnectionClosed("tcp://node", "gone"))
    buffer.end(ConnectionClosed("tcp://node", "gone again"))
    assert len(news) == 3


def test_an_overflow_ends_it_and_keeps_the_buffered_events(buffer: LiveBuffer) -> None:
    for position in (5, 6, 7, 8, 9):
        buffer.receive(appeared(position))
    assert isinstance(buffer.ending, SubscriptionDropped)
    assert buffer.ending.retryable
    assert positions(buffer) == [5, 6, 7], "all from before the first that was lost, and none after"


def test_too_many_bytes_end_the_subscription(buffer: LiveBuffer) -> None:
    buffer.receive(appeared(5, bytes(600)))
    buffer.receive(appeared(6, bytes(600)))
    assert isinstance(buffer.ending, SubscriptionDropped)
    assert positions(buffer) == [5]


def test_a_single_event_above_the_limit_is_accepted(buffer: LiveBuffer) -> None:
    buffer.receive(appeared(5, bytes(5000)))
    assert buffer.ending is None
    assert positions(buffer) == [5]


def test_taken_events_no_longer_count(buffer: LiveBuffer) -> None:
    for position in range(20):
        buffer.receive(appeared(position, bytes(600)))
        assert positions(buffer) == [position]
    assert buffer.ending is None


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
def test_each_drop_reason_has_its_error(buffer: LiveBuffer, reason: int, error: type[Exception]) -> None:
    buffer.receive(appeared(5))
    buffer.receive(dropped(reason))
    buffer.receive(appeared(6))
    assert type(buffer.ending) is error
    assert positions(buffer) == [5]


def test_an_unexpected_reply_ends_the_subscription(buffer: LiveBuffer) -> None:
    buffer.receive(Package(Command.PONG, ID))
    assert isinstance(buffer.ending, UnexpectedReply)
    assert str(buffer.ending) == (
        "the reply to the subscription to 'ponies' is Pong, which this request does not allow"
    )


def test_a_drop_that_does_not_parse_ends_it(buffer: LiveBuffer) -> None:
    buffer.receive(Package(Command.SUBSCRIPTION_DROPPED, ID, b"\xff\xff"))
    assert isinstance(buffer.ending, MalformedReply)


def test_a_malformed_event_raises_in_take(buffer: LiveBuffer) -> None:
    buffer.receive(Package(Command.STREAM_EVENT_APPEARED, ID, b"\x0a\xff"))
    with pytest.raises(MalformedReply, match="the subscription to 'ponies'"):
        buffer.take()


def test_the_repr_shows_the_state(buffer: LiveBuffer) -> None:
    buffer.receive(appeared(5))
    assert repr(buffer) == "<LiveBuffer of ponies, 1 events buffered, open>"
    buffer.receive(dropped(0))
    assert "ended: the subscription to 'ponies' was dropped: unsubscribed" in repr(buffer)


def test_a_checkpoint_is_stored_and_calls_on_change(buffer: LiveBuffer) -> None:
    news: list[int] = []
    buffer.on_change = lambda: news.append(1)
    assert buffer.checkpoint is None
    reached = schema.CheckpointReached(commit_position=300, prepare_position=200)
    buffer.receive(Package(Command.CHECKPOINT_REACHED, ID, reached.SerializeToString()))
    assert [buffer.checkpoint, news] == [Position(300, 200), [1]]
    assert positions(buffer) == []


def test_a_checkpoint_that_does_not_parse_ends_it(buffer: LiveBuffer) -> None:
    buffer.receive(Package(Command.CHECKPOINT_REACHED, ID, b"\xff"))
    assert isinstance(buffer.ending, MalformedReply)
