"""What can be asked of the log. Nothing here waits: a page is a range of one index."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from typing import Final, NamedTuple

from rxpump.direction import StreamDirection
from rxpump.position import Position
from rxpump.server.store.pages import Page, plain_page, resolve, resolved_page
from rxpump.server.store.record import PLACE_BYTES
from rxpump.server.store.stored_stream import StoredStream, Target, stored_stream
from rxpump.server.store.stream_window import Window

_ORDER: Final = {StreamDirection.FORWARD: "ASC", StreamDirection.BACKWARD: "DESC"}

# A link to -1@stream leads to that stream's last event.
_TARGET: Final = """
    LEFT JOIN streams ON streams.name = events.link_stream
    LEFT JOIN events AS target ON target.stream = streams.id
        AND target.revision = iif(events.link_revision < 0, streams.last, events.link_revision)
"""
_TARGET_COLUMNS: Final = "target.record, target.revision, target.created, streams.id, streams.last, streams.metadata"


class LogState(NamedTuple):
    """last_commit: the position of the last write, -1 before the first. end: where the next one goes.
    largest: the most bytes that a record has."""

    last_commit: int
    end: int
    largest: int


class StoredEvent(NamedTuple):
    """The fields of a ResolvedIndexedEvent, encoded, and the stream that a link was followed into."""

    fields: bytes
    link_stream: str | None


class LogRow(NamedTuple):
    """One event of the log: its columns, and where it leads if it is a link."""

    all_head: bytes
    record: bytes
    all_tail: bytes
    link_stream: str | None
    link_revision: int | None


class Transaction(NamedTuple):
    """One that was committed: its events are in `stream` as `first` to `last`."""

    stream: str
    first: int
    last: int


class Head(NamedTuple):
    """Where the log and a stream ended at one moment, each as the last of what there was; -1 is nothing."""

    last_commit: int
    last: int


class Reader:
    """Reads what is committed, on a connection that only reads (or that nobody writes on meanwhile)."""

    def __init__(self, connection: sqlite3.Connection, clock: Callable[[], int] = time.time_ns) -> None:
        self._connection = connection
        self._clock = clock

    def log(self) -> LogState:
        """Tell the state of the whole log."""
        return LogState(*self._connection.execute("SELECT last_commit, end, largest FROM log").fetchone())

    def stream(self, name: str) -> StoredStream | None:
        """Look for a stream; None if it never had an event."""
        found = self._connection.execute(
            "SELECT id, last, metadata FROM streams WHERE name = ? AND last >= 0", (name,)
        ).fetchone()
        return None if found is None else stored_stream(name, *found)

    def place(self, position: Position) -> int:
        """Tell where in the log a position is: of what lies there and after it, nothing is before the position.

        An event of a transaction is found by its own position and, as who reads backward is told it as the
        place to go on from, by one whose commit is where the commit record ends.
        """
        commit, prepare = position
        if prepare < commit:
            found = self._connection.execute(
                "SELECT position FROM prepares WHERE commit_position = ? AND prepare_position >= ?"
                " UNION ALL SELECT position FROM prepares WHERE commit_position = ? AND prepare_position = ?"
                " ORDER BY position LIMIT 1",
                (commit, prepare, commit - PLACE_BYTES, prepare),
            ).fetchone()
            if found is not None:
                return int(found[0])
        return min(commit + (prepare > commit), self.log().end)

    def transaction(self, id: int) -> Transaction | None:
        """Look for a transaction that was committed."""
        found = self._connection.execute(
            "SELECT stream, first, last FROM transactions WHERE id = ?", (id,)
        ).fetchone()
        return None if found is None else Transaction(*found)

    def access_lists(self, name: str) -> tuple[bytes | None, bytes | None]:
        """Give what decides on the access to a stream: its metadata's summary, and the server's settings."""
        found = self._connection.execute(
            "SELECT (SELECT metadata FROM streams WHERE name = ?), settings FROM log", (name,)
        ).fetchone()
        return found[0], found[1]

    def head(self, name: str) -> Head:
        """Tell where the log and the stream `name` end.

        That is one query, so both are of one moment: no write is in the one and not in the other.
        """
        return Head(
            *self._connection.execute(
                "SELECT last_commit, ifnull((SELECT last FROM streams WHERE name = ?), -1) FROM log", (name,)
            ).fetchone()
        )

    def target(self, name: str, revision: int | None) -> bytes | None:
        """Read the record that a link leads to; None if it leads nowhere, or to what is hidden."""
        stream = self.stream(name)
        if stream is None or revision is None:
            return None
        number = stream.last if revision < 0 else revision
        found = self._connection.execute(
            "SELECT record, created FROM events WHERE stream = ? AND revision = ?", (stream.key, number)
        ).fetchone()
        return found[0] if found is not None and stream.shows(number, found[1], self._now()) else None

    def event(self, stream: StoredStream, revision: int, *, resolve_links: bool) -> StoredEvent | None:
        """Read one event; None if the stream shows none of that number."""
        found = self._connection.execute(
            f"SELECT events.record, events.created, events.link_stream, {_TARGET_COLUMNS} FROM events {_TARGET}"
            " WHERE events.stream = ? AND events.revision = ?",
            (stream.key, revision),
        ).fetchone()
        if found is None:
            return None
        record, created, link_stream, *target = found
        now = self._now()
        if not stream.shows(revision, created, now):
            return None
        if link_stream is None or not resolve_links:
            return StoredEvent(record, None)
        return StoredEvent(resolve(record, Target(*target).shown(link_stream, now)), link_stream)

    def stream_page(
        self, stream: StoredStream, window: Window, direction: StreamDirection, *, resolve_links: bool
    ) -> Page:
        """Read the events of `window`, as ReadStreamEventsCompleted.events."""
        span: tuple[int, ...] = (stream.key, window.low, window.high)
        where = "events.stream = ? AND events.revision BETWEEN ? AND ?"
        order = f"ORDER BY events.revision {_ORDER[direction]}"
        since = stream.since(self._now())
        if since is not None:
            where, span = f"{where} AND events.created >= ?", (*span, since)
        if resolve_links and self._has_links(f"events INDEXED BY links_by_stream WHERE {where}", span):
            return self._resolved("x''", where, order, span, b"\x0a")
        cursor = self._connection.execute(f"SELECT stream_head, record FROM events WHERE {where} {order}", span)
        return plain_page(cursor, max(0, window.high - window.low + 1), self.log().largest)

    def all_page(self, start: int, count: int, direction: StreamDirection, *, resolve_links: bool) -> Page:
        """Read `count` events, as ReadAllEventsCompleted.events: from position `start` on, or before it."""
        where = f"events.position {'>=' if direction is StreamDirection.FORWARD else '<'} ?"
        order = f"ORDER BY events.position {_ORDER[direction]} LIMIT ?"
        span = (start, count)
        if resolve_links and self._has_links(f"events INDEXED BY links_by_position WHERE {where}", (start,)):
            return self._resolved("events.all_tail", where, order, span, b"\x1a")
        cursor = self._connection.execute(
            f"SELECT all_head, record, all_tail FROM events WHERE {where} {order}", span
        )
        return plain_page(cursor, count, self.log().largest)

    def log_rows(self, start: int, direction: StreamDirection) -> sqlite3.Cursor:
        """Read events as the columns of LogRow: from position `start` on, or before it. Close the cursor soon."""
        comparison, order = (">=" if direction is StreamDirection.FORWARD else "<"), _ORDER[direction]
        return self._connection.execute(
            "SELECT all_head, record, all_tail, link_stream, link_revision FROM events"
            f" WHERE position {comparison} ? ORDER BY position {order}",
            (start,),
        )

    def _has_links(self, part: str, span: tuple[int, ...]) -> bool:
        question = f"SELECT 1 FROM {part} AND events.link_stream IS NOT NULL LIMIT 1"
        return self._connection.execute(question, span).fetchone() is not None

    def _resolved(self, tail: str, where: str, order: str, span: tuple[int, ...], tag: bytes) -> Page:
        rows = self._connection.execute(
            f"SELECT events.record, {tail}, events.link_stream, {_TARGET_COLUMNS} FROM events {_TARGET}"
            f" WHERE {where} {order}",
            span,
        )
        return resolved_page(rows, tag, self._now())

    def _now(self) -> int:
        return self._clock() // 1_000_000
