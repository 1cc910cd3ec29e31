from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from rxpump.server import SqliteStore
from rxpump.server.store import committed_batch as module
from rxpump.server.store.committed_batch import CommittedBatch
from rxpump.server.store.database import FIRST_POSITION
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.commands import Command
from rxpump.tcp.wire.framing import Framer
from tests.recording_calls import record_calls
from tests.server.store.driving import all_page, new_event, write

ID, OTHER = bytes(range(16)), bytes(16)


def link(target: bytes) -> Any:
    return new_event(type="$>", data=target)


class Catcher:
    """Keeps the bursts that it receives."""

    def __init__(self) -> None:
        self.bursts: list[CommittedBatch] = []

    def receive(self, burst: CommittedBatch) -> None:
        self.bursts.append(burst)

    def drop(self) -> None:
        raise AssertionError


async def burst_of(store: SqliteStore, *events: Any, stream: str = "s") -> CommittedBatch:
    """What is told of a write to a stream."""
    catcher = Catcher()
    store.feed.follow(stream, catcher)
    await write(store, stream, *events)
    store.feed.leave(stream, catcher)
    [burst] = catcher.bursts
    return burst


def told(burst: CommittedBatch, correlation_id: bytes = ID, after: int = 0, resolve_links: bool = False) -> list[Any]:
    """What a subscription is told, as ResolvedEvents."""
    packages = Framer().feed(b"".join(burst.frames(correlation_id, after=after, resolve_links=resolve_links)))
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
    """How often each of the functions that put bytes together was called."""
    counts = {"appeared": 0, "shared_frames": 0}

    def counted(name: str) -> Callable[..., Any]:
        function = getattr(module, name)

        def call(*arguments: Any) -> Any:
            counts[name] += 1
            return function(*arguments)

        return call

    for name in counts:
        monkeypatch.setattr(module, name, counted(name))
    return counts


async def test_what_is_told_is_what_is_read(store: SqliteStore) -> None:
    burst = await burst_of(store, *map(new_event, range(5)))
    assert told(burst) == list(all_page(store, 0, 10))
    assert told(burst, OTHER) == told(burst, ID)
    assert repr(burst) == "<CommittedBatch of 5 events>"


async def test_what_lies_before_a_subscription_is_not_told(store: SqliteStore) -> None:
    burst = await burst_of(store, *map(new_event, range(5)))
    events = told(burst)
    assert events[0].commit_position == FIRST_POSITION
    for number, event in enumerate(events):
        assert told(burst, after=event.commit_position - 1) == events[number:]
        assert told(burst, after=event.commit_position) == events[number + 1 :]


async def test_links_are_followed_for_who_asked(store: SqliteStore) -> None:
    await write(store, "t", new_event(7))
    burst = await burst_of(
        store, link(b"0@t"), link(b"-1@t"), link(b"5@t"), link(b"0@none"), link(b"x"), new_event(1)
    )
    assert not any(event.HasField("link") for event in told(burst))
    *good, missing, nowhere, junk, plain = told(burst, resolve_links=True)
    assert [event.event.data for event in good] == [b"7", b"7"]
    assert [event.link.data for event in good] == [b"0@t", b"-1@t"]
    assert [event.HasField("event") for event in (missing, nowhere, junk)] == [False] * 3
    assert [event.link.event_number for event in (missing, nowhere, junk)] == [2, 3, 4]
    assert (plain.event.data, plain.HasField("link")) == (b"1", False)
    assert told(burst, resolve_links=True) == list(all_page(store, good[0].commit_position, 10, resolve_links=True))


async def test_an_event_is_put_together_once_for_everybody(store: SqliteStore, calls: dict[str, int]) -> None:
    burst = await burst_of(store, *map(new_event, range(3)))
    for number in range(1000):
        told(burst, number.to_bytes(16, "little"), resolve_links=number % 2 == 1)
    assert calls == {"appeared": 3, "shared_frames": 2}


async def test_a_link_is_resolved_once_for_everybody(
    store: SqliteStore, calls: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    await write(store, "t", new_event(7))
    burst = await burst_of(store, link(b"0@t"), new_event(1))
    looked_up = record_calls(monkeypatch, store.read, "target")
    for _ in range(100):
        told(burst, resolve_links=True)
        told(burst, resolve_links=False)
    assert looked_up == [("t", 0)]
    assert calls["appeared"] == 3


async def test_a_large_burst_goes_in_volleys(store: SqliteStore) -> None:
    large = bytes(100_000)
    burst = await burst_of(store, *[new_event(data=large) for _ in range(5)], new_event(data=bytes(1_000_000)))
    sizes = [len(volley) for volley in burst.frames(ID, after=0, resolve_links=False)]
    assert [size // 100_000 for size in sizes] == [2, 2, 1, 10]
    assert len(told(burst)) == 6
