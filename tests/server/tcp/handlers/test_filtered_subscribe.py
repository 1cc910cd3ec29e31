from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from rxpump import Credentials
from rxpump.server.store.regex import Regex
from rxpump.server.tcp import subscriptions
from rxpump.server.tcp.filtered_subscription import FilteredSubscription
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.codes import FilterContext, FilterType, SubscriptionDropReason
from rxpump.tcp.wire.commands import Command
from tests.raw_client import ADMIN, OPS
from tests.server.talk import Talk

REGEX, PREFIX = FilterType
STREAM, TYPE = FilterContext
FOREVER = f"(?:a{'b?' * 100})*$"


def ask(
    talk: Talk,
    *data: str,
    stream: str = "",
    type: FilterType = PREFIX,
    by: FilterContext | int = STREAM,
    interval: int = -1,
    resolve: bool = False,
    user: Credentials | None = ADMIN,
) -> tuple[int, bytes]:
    message = schema.FilteredSubscribeToStream(
        event_stream_id=stream,
        resolve_link_tos=resolve,
        filter=schema.Filter(context=by, type=type, data=data),
        checkpoint_interval=interval,
    )
    [(command, payload)] = talk.send(Command.FILTERED_SUBSCRIBE_TO_STREAM, message, user)
    return command, payload


def subscribe(talk: Talk, *data: str, **options: Any) -> Any:
    command, payload = ask(talk, *data, **options)
    assert command == Command.SUBSCRIPTION_CONFIRMATION
    talk.answers.clear()
    return schema.SubscriptionConfirmation.FromString(payload)


def received_events(talk: Talk) -> list[Any]:
    """Return the data of events and the commit positions of checkpoints that arrived since the last call."""
    received = []
    for answer in talk.answers:
        if answer.command == Command.STREAM_EVENT_APPEARED:
            received.append(schema.StreamEventAppeared.FromString(answer.payload).event.event.data.decode())
        elif answer.command == Command.CHECKPOINT_REACHED:
            at = schema.CheckpointReached.FromString(answer.payload)
            assert at.commit_position == at.prepare_position
            received.append(at.commit_position)
        else:
            received.append(answer.command)
    return received


@pytest.fixture
async def other(talk: Talk) -> Talk:
    return Talk(talk.store)


async def test_only_matching_events_are_sent(talk: Talk, other: Talk) -> None:
    written = await other.write("s", "before")
    assert subscribe(talk, "s").last_commit_position == written.commit_position
    await other.write("s", "0")
    await other.write("t", "1", "2")
    await other.write("s2", "3", "4")
    assert received_events(talk) == ["0", "3", "4"]


async def test_checkpoints_count_all_examined_events(talk: Talk, other: Talk) -> None:
    subscribe(talk, "s", interval=2)
    written = [await other.write(stream, str(number)) for number, stream in enumerate("sttss")]
    positions = [each.commit_position for each in written]
    assert received_events(talk) == ["0", positions[1], "3", positions[3], "4"]


async def test_checkpoints_are_sent_within_one_write(talk: Talk, other: Talk) -> None:
    subscribe(talk, "s", interval=1)
    last = await other.write("s", "0", "1", "2")
    received = received_events(talk)
    assert (received[0::2], received[-1]) == (["0", "1", "2"], last.commit_position)
    assert received[1::2] == sorted(received[1::2])


async def test_a_link_is_matched_before_it_is_resolved(talk: Talk, other: Talk) -> None:
    await other.write("s", "content")
    subscribe(talk, "^\\$>$", type=REGEX, by=TYPE, resolve=True)
    await other.write("links", "0@s", "plain")
    assert received_events(talk) == ["content"]


async def test_one_stream_can_be_filtered_too(talk: Talk, other: Talk) -> None:
    await other.write("s", "0")
    confirmation = subscribe(talk, "T", by=TYPE, stream="s", user=None)
    assert confirmation.last_event_number == 0
    await other.write("s", "1")
    await other.write("t", "2")
    assert received_events(talk) == ["1"]


async def test_unsubscribing_ends_the_subscription(talk: Talk, other: Talk) -> None:
    subscribe(talk, "s")
    talk.send(Command.UNSUBSCRIBE_FROM_STREAM)
    assert received_events(talk) == [Command.SUBSCRIPTION_DROPPED]
    talk.answers.clear()
    await other.write("s", "0")
    assert received_events(talk) == []


@pytest.mark.parametrize("user", [None, OPS])
async def test_subscribing_needs_permission_to_read_all(talk: Talk, user: Credentials | None) -> None:
    command, payload = ask(talk, "s", user=user)
    assert command == Command.SUBSCRIPTION_DROPPED
    assert schema.SubscriptionDropped.FromString(payload).reason == SubscriptionDropReason.ACCESS_DENIED


@pytest.mark.parametrize(
    ("data", "options", "why"),
    [
        ("(", {"type": REGEX}, b"missing )"),
        ("s", {"interval": -2}, b"interval should be positive"),
        ("s", {"by": 9}, b"context of a filter must be 0"),
    ],
)
async def test_an_invalid_filter_is_a_bad_request(talk: Talk, data: str, options: dict[str, Any], why: bytes) -> None:
    command, payload = ask(talk, data, **options)
    assert (command, why in payload) == (Command.BAD_REQUEST, True)
    assert len(talk.conversation.subscriptions) == 0


@pytest.mark.usefixtures("without_re2")
async def test_a_costly_regex_ends_only_its_subscription(talk: Talk, other: Talk) -> None:
    subscribe(talk, FOREVER, type=REGEX)
    subscribe(other, "a")
    third = Talk(talk.store)
    await third.write("b", "0")
    assert received_events(talk) == ["0"]
    talk.answers.clear()
    await third.write("a" * 1000, "1")
    assert received_events(talk) == [Command.SUBSCRIPTION_DROPPED]
    assert received_events(other) == ["1"]
    assert len(talk.conversation.subscriptions) == 0


@pytest.mark.usefixtures("without_re2")
async def test_a_costly_batch_ends_only_its_subscription(talk: Talk, other: Talk) -> None:
    subscribe(talk, FOREVER, type=REGEX, by=TYPE, stream="s")
    subscribe(other, "s")
    [subscription] = talk.conversation.subscriptions._all()
    assert isinstance(subscription, FilteredSubscription)
    search = subscription._wanted.search
    names = [f"{n}{'a' * 60}" for n in range(500)]
    for_one = Regex(FOREVER)
    for_one.search(names[0])
    assert for_one.steps > 1_000  # A single search needs far fewer steps than its limit.
    events = [schema.NewEvent(event_id=uuid4().bytes_le, event_type=name) for name in names]
    await Talk(talk.store).write("s", *events)
    assert received_events(talk) == [Command.SUBSCRIPTION_DROPPED]
    assert len(received_events(other)) == len(events)
    assert search.steps < for_one.steps * len(events) / 4


@pytest.mark.usefixtures("without_re2")
async def test_filters_count_as_memory_of_the_client(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscriptions, "_MOST_BYTES", 10_000)
    command, payload = ask(talk, "a" * 100, type=REGEX)
    assert (command, payload.endswith(b"Too many subscriptions.")) == (Command.BAD_REQUEST, True)
    subscribe(talk, "a", type=REGEX)
    talk.send(Command.UNSUBSCRIBE_FROM_STREAM)
    assert talk.conversation.subscriptions.has_room_for("s" * 9_000)


async def test_an_interval_of_zero_acts_as_one(talk: Talk) -> None:
    subscribe(talk, "nothing", interval=0)
    other = Talk(talk.store, talk.node)
    await other.write("s", "1", "2")
    assert [answer.command for answer in talk.answers] == [Command.CHECKPOINT_REACHED] * 2
