"""Appends, decided and written one after the other inside a transaction that somebody else ends."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from rxpump.server.store.append_rule import Append, Repeated, WrongVersion, decide
from rxpump.server.store.record import Row, make_row

REPEATED_POSITION = -1
_EMPTY_WRITE_BYTES = 32  # a write without events takes a place in the log, as on a real server


class AppendRequest(NamedTuple):
    """`events` (NewEvent messages) for the end of `stream`, all or none."""

    stream: str
    expected_version: int
    events: Sequence[Any]


class Appended(NamedTuple):
    """The events are in the stream as `first` to `last`; -1 as `position`: they were there before.

    `rows` is what was written now.
    """

    first: int
    last: int
    position: int
    rows: Sequence[Row] = ()


AppendResult = Appended | WrongVersion


class Appender:
    """Decides on appends and writes them, in the transaction that is open on `connection`."""

    def __init__(self, connection: sqlite3.Connection, clock: Callable[[], int] = time.time_ns) -> None:
        self._connection = connection
        self._clock = clock

    def append(self, request: AppendRequest) -> AppendResult:
        """Do one append. After an exception the transaction must be rolled back."""
        stream = _StoredStream(self._connection, request.stream)
        decision = decide(request.expected_version, [event.event_id for event in request.events], stream)
        match decision:
            case Append(first):
                return self._write(stream, first, request.events)
            case Repeated(first, last):
                return Appended(first, last, REPEATED_POSITION)
            case _:
                return decision

    def _write(self, stream: _StoredStream, first: int, events: Sequence[Any]) -> Appended:
        last_commit, end, largest = self._connection.execute("SELECT last_commit, end, largest FROM log").fetchone()
        rows = self._rows(stream, first, events, end) if events else ()
        if rows:
            self._connection.executemany("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
            last_commit, end = rows[-1].position, rows[-1].position_after
            largest = max(largest, *(len(row.record) for row in rows))
        else:
            last_commit, end = end, end + _EMPTY_WRITE_BYTES
        self._connection.execute("UPDATE log SET last_commit = ?, end = ?, largest = ?", (last_commit, end, largest))
        return Appended(first, first + len(events) - 1, last_commit, rows)

    def _rows(self, stream: _StoredStream, first: int, events: Sequence[Any], position: int) -> Sequence[Row]:
        now = self._clock()
        key = stream.key_for_writing()
        rows: list[Row] = []
        for revision, event in enumerate(events, first):
            row = make_row(event, stream=key, name=stream.name, revision=revision, position=position, now_ns=now)
            position = row.position_after
            rows.append(row)
        return rows


class _StoredStream:
    """The state of one stream, as the open transaction sees it."""

    def __init__(self, connection: sqlite3.Connection, name: str) -> None:
        self._connection = connection
        self.name = name
        self._key = self._key_of(name)
        self.last = -1 if self._key is None else self._last_of(self._key)

    def key_for_writing(self) -> int:
        if self._key is None:
            self._key = self._connection.execute("INSERT INTO streams (name) VALUES (?)", (self.name,)).lastrowid
        assert self._key is not None
        return self._key

    def has_metadata(self) -> bool:
        key = self._key_of(f"$${self.name}")
        return key is not None and self._last_of(key) >= 0

    def recent(self, event_id: bytes) -> int | None:
        placed = self._connection.execute(
            "SELECT stream, revision FROM events WHERE event_id = ? ORDER BY position DESC LIMIT 1", (event_id,)
        ).fetchone()
        return placed[1] if placed is not None and placed[0] == self._key else None

    def ids_after(self, number: int, count: int) -> list[bytes]:
        return [
            row[0]
            for row in self._connection.execute(
                "SELECT event_id FROM events WHERE stream = ? AND revision > ? ORDER BY revision LIMIT ?",
                (self._key, number, count),
            )
        ]

    def _key_of(self, name: str) -> int | None:
        found = self._connection.execute("SELECT id FROM streams WHERE name = ?", (name,)).fetchone()
        return None if found is None else found[0]

    def _last_of(self, key: int) -> int:
        last = self._connection.execute("SELECT max(revision) FROM events WHERE stream = ?", (key,)).fetchone()[0]
        return -1 if last is None else last
