"""Subscriptions (docs/protocol/tcp.md, section 4.15): cases that the recordings lack."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from rxpump import Credentials
from rxpump.server import SqliteStore
from rxpump.server.store.appender import AppendRequest
from rxpump.server.store.changes import Appended
from rxpump.server.tcp import subscriptions
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.codes import SubscriptionDropReason
from rxpump.tcp.wire.commands import Command
from tests.raw_client import ADMIN, OPS
from tests.server.talk import Talk, event_of

APPEARED = Command.STREAM_EVENT_APPEARED
A, B = b"a" * 16, b"b" * 16


def subscribe(
    talk: Talk, stream: str, id: bytes = A, *, resolve: bool = False, user: Credentials | None = None
) -> Any:
    """Subscribe, and return the SubscriptionConfirmation."""
    ask = schema.SubscribeToStream(event_stream_id=stream, resolve_link_tos=resolve)
    [(command, payload)] = talk.send(Command.SUBSCRIBE_TO_STREAM, ask, user, id)
    assert command == Command.SUBSCRIPTION_CONFIRMATION
    return schema.SubscriptionConfirmation.FromString(payload)


def received_events(talk: Talk, id: bytes = A) -> list[tuple[int, str]]:
    """Return the events that a subscription received since the last request, as (number, data)."""
    appeared = [each for each in talk.answers if (each.command, each.correlation_id) == (APPEARED, id)]
    events = [schema.StreamEventAppeared.FromString(each.payload).event.event for each in appeared]
    return [(event.event_number, event.data.decode()) for event in events]


@pytest.fixture
async def other(talk: Talk) -> Talk:
    """A second client of the same store."""
    return Talk(talk.store)


async def test_events_after_the_confirmation_are_sent(talk: Talk, other: Talk) -> None:
    written = await other.write("s", "0", "1")
    confirmation = subscribe(talk, "s")
    assert confirmation.last_commit_position == written.commit_position
    assert confirmation.last_event_number == 1
    await other.write("s", "2", "3")
    await other.write("elsewhere", "0")
    await other.write("s", "4")
    assert received_events(talk) == [(2, "2"), (3, "3"), (4, "4")]


async def test_a_subscription_to_all_has_no_last_number(talk: Talk, other: Talk) -> None:
    written = await other.write("s", "0")
    confirmation = subscribe(talk, "", user=ADMIN)
    assert confirmation.last_commit_position == written.commit_position
    assert not confirmation.HasField("last_event_number")
    await other.write("s", "1")
    await other.write("$system", "0", user=ADMIN)
    assert received_events(talk) == [(1, "1"), (0, "0")]


async def test_an_empty_name_means_all_streams(talk: Talk, other: Talk) -> None:
    [(command, _)] = talk.send(Command.SUBSCRIBE_TO_STREAM, b"", ADMIN, A)
    assert command == Command.SUBSCRIPTION_CONFIRMATION
    await other.write("s", "0")
    assert received_events(talk) == [(0, "0")]


async def test_the_name_of_all_is_a_stream_without_events(talk: Talk, other: Talk) -> None:
    assert subscribe(talk, "$all", user=ADMIN).last_event_number == -1
    await other.write("s", "0")
    assert received_events(talk) == []


async def test_a_missing_stream_in_an_empty_store_is_followed(talk: Talk, other: Talk) -> None:
    confirmation = subscribe(talk, "s")
    assert (confirmation.last_commit_position, confirmation.last_event_number) == (-1, -1)
    await other.write("s", "0")
    assert received_events(talk) == [(0, "0")]


@pytest.mark.parametrize(("stream", "user"), [("", None), ("", OPS), ("$all", None), ("$users", OPS), ("$$$x", None)])
async def test_subscribing_needs_permission_to_read(
    talk: Talk, other: Talk, stream: str, user: Credentials | None
) -> None:
    ask = schema.SubscribeToStream(event_stream_id=stream)
    [(command, payload)] = talk.send(Command.SUBSCRIBE_TO_STREAM, ask, user, A)
    assert command == Command.SUBSCRIPTION_DROPPED
    assert schema.SubscriptionDropped.FromString(payload).reason == SubscriptionDropReason.ACCESS_DENIED
    await other.write("$users", "0", user=ADMIN)
    assert received_events(talk, B) == []
    assert len(talk.conversation.subscriptions) == 0


async def test_targets_of_links_need_no_permission(talk: Talk, other: Talk) -> None:
    await other.write("$secret", "content", user=ADMIN)
    subscribe(talk, "links", resolve=True)
    await other.write("links", "0@$secret")
    assert received_events(talk) == [(0, "content")]


async def test_two_subscriptions_can_share_an_id(talk: Talk, other: Talk) -> None:
    subscribe(talk, "s")
    subscribe(talk, "t")
    await other.write("s", "0")
    await other.write("t", "0")
    subscribe(talk, "s")
    await other.write("s", "1")
    assert received_events(talk) == [(1, "1"), (1, "1")]


async def test_own_events_are_sent_before_the_reply_to_the_write(talk: Talk) -> None:
    subscribe(talk, "s")
    message = schema.WriteEvents(event_stream_id="s", expected_version=-2, events=[event_of("0")])
    talk.send(Command.WRITE_EVENTS, message, id=B)
    await talk.settled()
    assert [answer.command for answer in talk.answers] == [
        APPEARED,
        Command.WRITE_EVENTS_COMPLETED,
    ]


async def test_the_subscriptions_of_one_client_are_bounded(
    talk: Talk, other: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscriptions, "_MOST_BYTES", 10_000)
    for number in range(10):
        subscribe(talk, "s", bytes([number]) * 16 if number else A)
    ask = schema.SubscribeToStream(event_stream_id="s" * 9_000)
    [(command, payload)] = talk.send(Command.SUBSCRIBE_TO_STREAM, ask, id=B)
    assert (command, payload.endswith(b"Too many subscriptions.")) == (Command.BAD_REQUEST, True)
    subscribe(other, "s" * 9_000)
    for number in range(1, 10):
        talk.send(Command.UNSUBSCRIBE_FROM_STREAM, id=bytes([number]) * 16)
    subscribe(talk, "s" * 8_000, B)


def keep_the_loop_busy_until_it_is_committed(store: SqliteStore) -> None:
    """Block the loop until the thread has committed, so that the loop has not published the commit yet."""
    while not store.commits.count:
        time.sleep(0.001)


async def test_a_commit_before_the_subscription_is_not_sent(tmp_path: Path) -> None:
    store = SqliteStore.open(tmp_path / "events.db")
    talk = Talk(store)
    outcome = store.append(AppendRequest("s", -2, [event_of("0")]))
    keep_the_loop_busy_until_it_is_committed(store)
    in_flight = subscribe(talk, "s").last_event_number, subscribe(talk, "", B, user=ADMIN).last_commit_position
    assert not outcome.done()
    written = await outcome
    assert isinstance(written, Appended)
    assert in_flight == (0, written.position)
    assert talk.answers[1:] == []
    await store.append(AppendRequest("s", -2, [event_of("1")]))
    assert received_events(talk, A) == [(1, "1")]
    await store.close()
