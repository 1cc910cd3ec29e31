from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from rxpump.server import SqliteStore
from rxpump.server.store import feed
from rxpump.server.store.committed_batch import CommittedBatch
from rxpump.server.store.feed import EVERYTHING
from rxpump.server.store.record_schema import LogEntry
from tests.server.store.driving import NO_STREAM, all_page, append, new_event, write


class Follower:
    """Keeps the events that it receives, one list for each batch."""

    def __init__(self, fails: bool = False) -> None:
        self.batches: list[list[Any]] = []
        self.is_dropped = False
        self.fails = fails

    def receive(self, batch: CommittedBatch) -> None:
        if self.fails:
            raise ZeroDivisionError
        self.batches.append(entries(batch))

    def drop(self) -> None:
        self.is_dropped = True

    @property
    def events(self) -> list[Any]:
        return [event for batch in self.batches for event in batch]


def follow(store: SqliteStore, *streams: str) -> list[Follower]:
    followers = [Follower() for _ in streams]
    for stream, follower in zip(streams, followers, strict=True):
        store.feed.follow(stream, follower)
    return followers


def entries(batch: CommittedBatch) -> list[Any]:
    return [LogEntry.FromString(b"".join(event.encoded(resolve_links=False))) for event in batch.events_after(0)]


def names(events: Any) -> list[str]:
    return [f"{event.event.event_number}@{event.event.event_stream_id}" for event in events]


async def test_followers_get_their_stream_or_all_streams(store: SqliteStore) -> None:
    a, b, everything = follow(store, "a", "b", EVERYTHING)
    for stream in ("a", "b", "c", "a"):
        await write(store, stream, new_event())
    assert names(a.events) == ["0@a", "1@a"]
    assert names(b.events) == ["0@b"]
    assert names(everything.events) == ["0@a", "0@b", "0@c", "1@a"]
    assert everything.events == list(all_page(store, 0, 10))


async def test_a_stream_without_followers_costs_nothing(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "CommittedEvent", None)
    (other,) = follow(store, "other")
    await write(store, "s", new_event())
    assert other.batches == []


async def test_a_write_without_new_events_is_not_published(store: SqliteStore) -> None:
    (everything,) = follow(store, EVERYTHING)
    event = new_event()
    await write(store, "s")
    await write(store, "s", event, expected=NO_STREAM)
    await write(store, "s", event, expected=NO_STREAM)
    await write(store, "s", new_event(), expected=NO_STREAM)
    assert names(everything.events) == ["0@s"]


async def test_a_transaction_is_published_as_one_batch(store: SqliteStore) -> None:
    s, everything = follow(store, "s", EVERYTHING)
    gate = store.append(append("gate", [new_event()]))
    appends = [store.append(append("s" if n % 2 else "t", [new_event()] * 3)) for n in range(100)]
    await asyncio.gather(gate, *appends)
    assert len(everything.events) == 301
    assert len(s.events) == 150
    assert len(everything.batches) <= store.commits.count < 20
    assert len(s.batches) <= store.commits.count


async def test_followers_receive_before_the_write_completes(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    (follower,) = follow(store, "s")
    order = []
    monkeypatch.setattr(follower, "receive", lambda batch: order.append("follower"))
    outcome = store.append(append("s", [new_event()]))
    outcome.add_done_callback(lambda _: order.append("writer"))
    await outcome
    await asyncio.sleep(0)
    assert order == ["follower", "writer"]


async def test_a_follower_that_left_receives_nothing(store: SqliteStore) -> None:
    a, b = follow(store, "s", "s")
    await write(store, "s", new_event())
    store.feed.leave("s", a)
    store.feed.leave("s", a)
    await write(store, "s", new_event())
    assert (len(a.events), len(b.events)) == (1, 2)
    assert repr(store.feed) == "<Feed of 1 streams to 1 followers>"
    store.feed.leave("s", b)
    assert repr(store.feed) == "<Feed of 0 streams to 0 followers>"


async def test_a_follower_can_leave_during_receive(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = follow(store, "s", "s")
    monkeypatch.setattr(a, "receive", lambda batch: store.feed.leave("s", a))
    await write(store, "s", new_event())
    assert len(b.events) == 1


async def test_only_the_follower_that_fails_is_dropped(store: SqliteStore, caplog: pytest.LogCaptureFixture) -> None:
    before, broken, after = follow(store, "s", "s", "s")
    broken.fails = True
    with caplog.at_level(logging.CRITICAL):
        assert (await write(store, "s", new_event())).first == 0
    assert broken.is_dropped
    assert names(before.events) == names(after.events) == ["0@s"]


async def test_head_reads_log_and_stream_at_one_moment(store: SqliteStore) -> None:
    assert store.read.head("s") == (-1, -1)
    first = await write(store, "s", new_event(), new_event())
    second = await write(store, "other", new_event())
    assert store.read.head("s") == (second.position, 1)
    assert store.read.head("none") == store.read.head(EVERYTHING) == (second.position, -1)
    assert first.position < second.position
