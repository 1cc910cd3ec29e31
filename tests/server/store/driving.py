"""Helpers of the store's tests: they write events and read pages as messages."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

from rxpump.model.positions import StreamDirection
from rxpump.server import SqliteStore
from rxpump.server.store.appender import AppendRequest
from rxpump.server.store.changes import Appended, Change, NotCommitted
from rxpump.server.store.deletion import DeleteRequest
from rxpump.server.store.new_event import NewEvent
from rxpump.server.store.record_schema import LogPage, StreamEntry, StreamPage
from rxpump.server.store.stored_stream import StoredStream
from rxpump.server.store.stream_window import Window
from rxpump.server.store.transaction import ReservePositions

ANY, NO_STREAM = -2, -1
FORWARD, BACKWARD = StreamDirection.FORWARD, StreamDirection.BACKWARD


def new_event(
    number: int = 0, *, type: str = "Counted", data: bytes | str | None = None, json: bool = False
) -> NewEvent:
    content = str(number) if data is None else data
    data = content if isinstance(content, bytes) else content.encode()
    return NewEvent(uuid4().bytes_le, type, data, data_content_type=int(json))


def append(stream: str, events: list[Any], expected: int = ANY) -> AppendRequest:
    return AppendRequest(stream, expected, events)


async def write(store: SqliteStore, stream: str, *events: Any, expected: int = ANY) -> Any:
    return await store.append(append(stream, list(events), expected))


async def write_metadata(store: SqliteStore, stream: str, metadata: bytes | dict[str, Any]) -> Appended:
    """Write the metadata of a stream, given as an object or as bytes."""
    data = metadata if isinstance(metadata, bytes) else json.dumps(metadata)
    written: Appended = await write(store, f"$${stream}", new_event(type="$metadata", data=data, json=True))
    return written


async def delete(store: SqliteStore, stream: str, expected: int = ANY, *, hard: bool = False) -> Any:
    return await store.append(DeleteRequest(stream, expected, hard))


async def write_numbers(store: SqliteStore, stream: str, count: int) -> StoredStream:
    await write(store, stream, *map(new_event, range(count)))
    return stream_of(store, stream)


async def appended(store: SqliteStore, change: Change[Any]) -> Appended:
    """Append a change, and return its result, which must be Appended."""
    outcome = await store.append(change)
    assert isinstance(outcome, Appended)
    return outcome


async def reserve_positions(store: SqliteStore, count: int = 1) -> Sequence[int]:
    """Reserve positions in the log for the events of a transaction."""
    places = await store.append(ReservePositions(count))
    assert not isinstance(places, NotCommitted)
    return places


def event_at(store: SqliteStore, stream: StoredStream, number: int, *, resolve_links: bool) -> Any:
    """Return an event that exists, as a `StreamEntry`."""
    event = store.read.event(stream, number, resolve_links=resolve_links)
    assert event is not None
    return StreamEntry.FromString(event.entry)


def stream_of(store: SqliteStore, name: str) -> StoredStream:
    """Return a stream that exists."""
    stream = store.read.stream(name)
    assert stream is not None
    return stream


def stream_page(
    store: SqliteStore,
    stream: StoredStream,
    low: int,
    high: int,
    direction: StreamDirection = FORWARD,
    resolve_links: bool = False,
) -> Any:
    page = store.read.stream_page(stream, Window(low, high), direction, resolve_links=resolve_links)
    events = StreamPage.FromString(page.events).events
    assert len(events) == page.size
    return events


def all_page(
    store: SqliteStore, start: int, count: int, direction: StreamDirection = FORWARD, resolve_links: bool = False
) -> Any:
    page = store.read.all_page(start, count, direction, resolve_links=resolve_links)
    events = LogPage.FromString(page.events).events
    assert len(events) == page.size
    return events


def data(events: Any) -> list[int]:
    return [int(event.event.data) for event in events]


class Clock:
    """A clock whose time a test sets, in seconds."""

    def __init__(self, now: int = 1_700_000_000) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now * 1_000_000_000


def visible(store: SqliteStore, name: str) -> list[int]:
    """Return the numbers of the visible events of a stream."""
    stream = stream_of(store, name)
    window = Window(stream.first_kept, min(stream.last, 10_000))
    page = store.read.stream_page(stream, window, FORWARD, resolve_links=False)
    return [event.event.event_number for event in StreamPage.FromString(page.events).events]


def fill(store: SqliteStore) -> None:
    """Make the disk full: the database cannot grow by another page."""
    [pages] = store.commits._connection.execute("PRAGMA page_count").fetchone()
    store.commits._connection.execute(f"PRAGMA max_page_count = {pages}")


def make_room(store: SqliteStore) -> None:
    store.commits._connection.execute("PRAGMA max_page_count = 1000000")


def damage(path: Path, statement: str, *arguments: Any) -> None:
    """Change stored data without the store's knowledge, as a failing disk does."""
    database = sqlite3.connect(path)
    changed = database.execute(statement, arguments).rowcount
    database.commit()
    database.close()
    assert changed > 0
