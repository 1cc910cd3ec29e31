from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from rxpump.server import SqliteStore
from rxpump.server.store.committed_batch import CommittedBatch
from rxpump.server.store.database import FIRST_POSITION
from rxpump.server.tcp import batch_frames as module
from rxpump.server.tcp.batch_frames import batch_frames
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.commands import Command
from rxpump.tcp.wire.framing import Framer
from tests.calls import record_calls
from tests.server.store.driving import all_page, new_event, write

ID, OTHER = bytes(range(16)), bytes(16)


def encoded(entries: Any) -> list[bytes]:
    return [entry.SerializeToString() for entry in entries]


def link(target: bytes) -> Any:
    return new_event(type="$>", data=target)


class Catcher:
    """A follower that keeps the batches that it receives."""

    def __init__(self) -> None:
        self.batches: list[CommittedBatch] = []

    def receive(self, batch: CommittedBatch) -> None:
        self.batches.append(batch)

    def drop(self) -> None:
        raise AssertionError


async def batch_of(store: SqliteStore, *events: Any, stream: str = "s") -> CommittedBatch:
    """Write events, and return the batch that followers of the stream receive."""
    catcher = Catcher()
    store.feed.follow(stream, catcher)
    await write(store, stream, *events)
    store.feed.leave(stream, catcher)
    [batch] = catcher.batches
    return batch


def appeared_events(
    batch: CommittedBatch, correlation_id: bytes = ID, after: int = 0, resolve_links: bool = False
) -> list[Any]:
    """Return the events that a subscription receives, as ResolvedEvents."""
    packages = Framer().feed(b"".join(batch_frames(batch, correlation_id, after=after, resolve_links=resolve_links)))
    assert {(each.command, each.correlation_id) for each in packages} <= {
        (Command.STREAM_EVENT_APPEARED, correlation_id)
    }
    messages = [schema.StreamEventAppeared.FromString(each.payload) for each in packages]
    assert [each.SerializeToString() for each in messages] == [each.payload for each in packages]
    return [each.event for each in messages]


@pytest.fixture
async def store() -> AsyncIterator[SqliteStore]:
    store = SqliteStore.in_memory()
    yield store
    await store.close()


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Count the calls of each function that builds bytes."""
    counts = {"appeared": 0, "shared_frames": 0}

    def counted(name: str) -> Callable[..., Any]:
        function = getattr(module, name)

        def call(*arguments: Any, **options: Any) -> Any:
            counts[name] += 1
            return function(*arguments, **options)

        return call

    for name in counts:
        monkeypatch.setattr(module, name, counted(name))
    return counts


async def test_a_subscription_gets_what_a_read_returns(store: SqliteStore) -> None:
    batch = await batch_of(store, *map(new_event, range(5)))
    assert encoded(appeared_events(batch)) == encoded(all_page(store, 0, 10))
    assert appeared_events(batch, OTHER) == appeared_events(batch, ID)
    assert repr(batch) == "<CommittedBatch of 5 events>"


async def test_events_before_a_subscription_are_not_sent(store: SqliteStore) -> None:
    batch = await batch_of(store, *map(new_event, range(5)))
    events = appeared_events(batch)
    assert events[0].commit_position == FIRST_POSITION
    for number, event in enumerate(events):
        assert appeared_events(batch, after=event.commit_position - 1) == events[number:]
        assert appeared_events(batch, after=event.commit_position) == events[number + 1 :]


async def test_links_are_resolved_on_request(store: SqliteStore) -> None:
    await write(store, "t", new_event(7))
    batch = await batch_of(
        store, link(b"0@t"), link(b"-1@t"), link(b"5@t"), link(b"0@none"), link(b"x"), new_event(1)
    )
    assert not any(event.HasField("link") for event in appeared_events(batch))
    *good, missing, nowhere, junk, plain = appeared_events(batch, resolve_links=True)
    assert [event.event.data for event in good] == [b"7", b"7"]
    assert [event.link.data for event in good] == [b"0@t", b"-1@t"]
    assert [event.HasField("event") for event in (missing, nowhere, junk)] == [False] * 3
    assert [event.link.event_number for event in (missing, nowhere, junk)] == [2, 3, 4]
    assert (plain.event.data, plain.HasField("link")) == (b"1", False)
    read = all_page(store, good[0].commit_position, 10, resolve_links=True)
    assert encoded(appeared_events(batch, resolve_links=True)) == encoded(read)


async def test_an_event_is_encoded_once_for_all(store: SqliteStore, calls: dict[str, int]) -> None:
    batch = await batch_of(store, *map(new_event, range(3)))
    for number in range(1000):
        appeared_events(batch, number.to_bytes(16, "little"), resolve_links=number % 2 == 1)
    assert calls == {"appeared": 6, "shared_frames": 2}


async def test_a_link_is_resolved_once_for_all(
    store: SqliteStore, calls: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    await write(store, "t", new_event(7))
    batch = await batch_of(store, link(b"0@t"), new_event(1))
    looked_up = record_calls(monkeypatch, store.read, "target")
    for _ in range(100):
        appeared_events(batch, resolve_links=True)
        appeared_events(batch, resolve_links=False)
    assert looked_up == [("t", 0)]
    assert calls["appeared"] == 4


async def test_a_large_batch_is_sent_in_chunks(store: SqliteStore) -> None:
    large = bytes(100_000)
    batch = await batch_of(store, *[new_event(data=large) for _ in range(5)], new_event(data=bytes(1_000_000)))
    sizes = [len(chunk) for chunk in batch_frames(batch, ID, after=0, resolve_links=False)]
    assert [size // 100_000 for size in sizes] == [2, 2, 1, 10]
    assert len(appeared_events(batch)) == 6
