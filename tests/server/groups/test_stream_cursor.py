"""Cursors in streams with missing, truncated or expired events."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest

from rxpump.model.limits import MAX_EVENT_NUMBER
from rxpump.server import SqliteStore
from rxpump.server.groups.settings import GroupSettings
from rxpump.server.groups.stream_cursor import StreamCursor
from rxpump.server.store.deletion import DeleteRequest
from rxpump.tcp.wire import schema
from tests.server.store.driving import ANY, new_event, write

SETTINGS = GroupSettings(stream="s", group="g")


@pytest.fixture
async def store() -> AsyncIterator[SqliteStore]:
    one = SqliteStore.in_memory()
    yield one
    await one.close()


def numbers(reading: StreamCursor, count: int = 20) -> list[int]:
    """Return the numbers on the pages up to the end."""
    found = []
    while reading.may_have_more:
        found += [message.number for message in reading.page(count)]
    return found


async def describe(store: SqliteStore, **metadata: int) -> None:
    keyed = {f"${key}": value for key, value in metadata.items()}
    event = schema.NewEvent(event_id=b"m" * 16, event_type="$metadata", data_content_type=1)
    event.data = json.dumps(keyed).encode()
    await write(store, "$$s", event)


async def test_a_cursor_reads_pages_and_continues_at_the_end(store: SqliteStore) -> None:
    await write(store, "s", *map(new_event, range(7)))
    reading = StreamCursor(store.read, "s", 2, SETTINGS)
    assert numbers(reading, 2) == [2, 3, 4, 5, 6]
    assert repr(reading) == "<StreamCursor 's' from 7, at its end>"
    await write(store, "s", new_event(7))
    reading.may_have_more = True
    assert repr(reading) == "<StreamCursor 's' from 7 on>"
    assert numbers(reading) == [7]


async def test_a_cursor_stops_at_its_last_number(store: SqliteStore) -> None:
    await write(store, "s", *map(new_event, range(7)))
    assert numbers(StreamCursor(store.read, "s", 0, SETTINGS, until=3), 2) == [0, 1, 2, 3]


async def test_a_missing_stream_is_empty(store: SqliteStore) -> None:
    assert numbers(StreamCursor(store.read, "s", 0, SETTINGS)) == []


async def test_a_start_after_the_end_is_kept(store: SqliteStore) -> None:
    await write(store, "s", new_event(0))
    reading = StreamCursor(store.read, "s", 5, SETTINGS)
    assert numbers(reading) == []
    await write(store, "s", *map(new_event, range(1, 8)))
    reading.may_have_more = True
    assert numbers(reading, 2) == [5, 6, 7]


@pytest.mark.parametrize("metadata", [{"tb": 55}, {"maxCount": 5}])
async def test_truncated_events_are_skipped(store: SqliteStore, metadata: dict[str, int]) -> None:
    await write(store, "s", *map(new_event, range(60)))
    await describe(store, **metadata)
    assert numbers(StreamCursor(store.read, "s", 0, SETTINGS), 10) == list(range(55, 60))


async def test_expired_events_are_skipped() -> None:
    now = 0
    store = SqliteStore.in_memory(clock=lambda: now)
    await write(store, "s", *map(new_event, range(50)))
    await describe(store, maxAge=10)
    now = 60 * 10**9
    await write(store, "s", new_event(50))
    assert numbers(StreamCursor(store.read, "s", 0, SETTINGS), 10) == [50]
    await store.close()


async def test_a_deleted_stream_is_empty_until_it_is_written_to_again(store: SqliteStore) -> None:
    await write(store, "s", *map(new_event, range(5)))
    reading = StreamCursor(store.read, "s", 2, SETTINGS)
    await store.append(DeleteRequest("s", ANY, hard=False))
    assert numbers(reading) == []
    await write(store, "s", *map(new_event, range(5, 8)))
    reading.may_have_more = True
    assert numbers(reading, 2) == [5, 6, 7]


async def test_a_tombstone_that_was_there_before_makes_a_stream_unreadable(store: SqliteStore) -> None:
    await write(store, "s", *map(new_event, range(5)))
    await store.append(DeleteRequest("s", ANY, hard=True))
    reading = StreamCursor(store.read, "s", 2, SETTINGS)
    assert numbers(reading) == []
    assert reading.is_unreadable()


@pytest.mark.parametrize("page_size", [2, 20])
@pytest.mark.parametrize("is_soft_deleted_before", [False, True])
async def test_a_tombstone_is_the_last_event(
    store: SqliteStore, page_size: int, is_soft_deleted_before: bool
) -> None:
    await write(store, "s", *map(new_event, range(5)))
    reading = StreamCursor(store.read, "s", 2, SETTINGS, awaits_tombstone=True)
    if is_soft_deleted_before:
        await store.append(DeleteRequest("s", ANY, hard=False))
    await store.append(DeleteRequest("s", ANY, hard=True))
    assert reading.unread(2) == (2, 3)
    assert reading.unread(10) == (4, MAX_EVENT_NUMBER)
    assert numbers(reading, page_size) == [2, 3, 4, MAX_EVENT_NUMBER]
    assert reading.unread(10) == (0, None)
    assert reading.count_after(1, 10) == 4
    assert not reading.is_unreadable()
    reading.may_have_more = True
    assert numbers(reading) == []


async def test_a_tombstone_is_not_too_old(store: SqliteStore) -> None:
    await describe(store, maxAge=1)
    reading = StreamCursor(store.read, "s", 0, SETTINGS, awaits_tombstone=True)
    await store.append(DeleteRequest("s", ANY, hard=True))
    assert numbers(reading) == [MAX_EVENT_NUMBER]


async def test_a_scavenge_does_not_remove_a_tombstone(store: SqliteStore) -> None:
    await write(store, "s", *map(new_event, range(5)))
    reading = StreamCursor(store.read, "s", 0, SETTINGS, awaits_tombstone=True)
    await store.append(DeleteRequest("s", ANY, hard=True))
    await store.scavenge()
    assert numbers(reading) == [MAX_EVENT_NUMBER]


async def test_events_of_the_parked_stream_are_replays(store: SqliteStore) -> None:
    await write(store, "s", new_event(0, data=b"content"))
    await write(store, "parked", new_event(type="$>", data=b"0@s"))
    [message] = StreamCursor(store.read, "parked", 0, SETTINGS).page(20)
    assert message.replay_of == b"0@s"
    assert b"content" in message.entry
