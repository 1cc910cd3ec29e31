"""Reads of committed data. No method is a coroutine, because each read is short: a page is a range of one index."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final, NamedTuple

from rxpump.model.limits import MAX_EVENT_NUMBER
from rxpump.model.positions import Position, StreamDirection
from rxpump.server.errors import DamagedRecord, damaged_event, damaged_position
from rxpump.server.store.checksum import Mismatch, first_place, row_checksum, verify
from rxpump.server.store.database import FIRST_POSITION
from rxpump.server.store.log_state import LOG_COLUMNS, LogState
from rxpump.server.store.pages import LOG_ENTRY, STREAM_ENTRY, Page, plain_page, resolve, resolved_page
from rxpump.server.store.record import RESERVED_BYTES, leads_to
from rxpump.server.store.stored_stream import (
    STREAM_BY_NAME,
    STREAM_COLUMNS,
    TARGET_COLUMNS,
    StoredStream,
    StreamRow,
    Target,
    stored_stream,
)
from rxpump.server.store.stream_window import Window

_ORDER: Final = {StreamDirection.FORWARD: "ASC", StreamDirection.BACKWARD: "DESC"}

# The target of a link to -1@stream is the last event of that stream.
_TARGET: Final = """
    LEFT JOIN streams ON streams.name = events.link_stream
    LEFT JOIN events AS target ON target.stream = streams.id
        AND target.revision = iif(events.link_revision < 0, streams.last, events.link_revision)
"""
_NO_STREAM: Final = -1


class StoredEvent(NamedTuple):
    """An event as an encoded `StreamEntry`, and the stream in which the target of a link was looked up."""

    entry: bytes
    link_stream: str | None


class LogRow(NamedTuple):
    """One event of the log: its columns, and its target if it is a link."""

    all_head: bytes
    record: bytes
    all_tail: bytes
    position: int
    checksum: int
    link_stream: str | None
    link_revision: int | None


def verify_log(rows: Sequence[LogRow]) -> None:
    """Verify at least one event of the log.

    Raises:
        DamagedRecord: One of the events is damaged.
    """
    heads, records, tails, positions, checksums, *_ = zip(*rows, strict=True)
    try:
        verify((heads, records, tails), positions, checksums)
    except Mismatch as damage:
        raise damaged_position(damage.places[0]) from None


class Transaction(NamedTuple):
    """A committed transaction: its events are in `stream` with the numbers `first` to `last`."""

    stream: str
    first: int
    last: int


class Head(NamedTuple):
    """The last position of the log and the last number of a stream at one moment; -1 if there is nothing."""

    last_commit: int
    last: int


class Reader:
    """Reads committed data.

    The reader verifies each row by its checksum. All methods raise DamagedRecord for a damaged row; the
    rest of the store stays readable.

    Args:
        connection: Connection that only reads, or on which nothing is written during a read.
        clock: Returns the Unix time in nanoseconds, for the ages of events.
    """

    def __init__(self, connection: sqlite3.Connection, clock: Callable[[], int] = time.time_ns) -> None:
        self._connection = connection
        self._clock = clock

    def log(self) -> LogState:
        """Return the state of the log."""
        return LogState.read(self._connection)

    def stream(self, name: str) -> StoredStream | None:
        """Return a stream; None if it never had an event."""
        found = self._connection.execute(STREAM_BY_NAME, (name,)).fetchone()
        stream = None if found is None else stored_stream(found)
        return None if stream is None or stream.last == _NO_STREAM else stream

    def offset(self, position: Position) -> int:
        """Return the offset in the log at which a read from `position` starts.

        All events from the offset on are at or after the position, and no other events are. An event of a transaction
        is also found by the position that a backward page names as the next one. The commit of that position is the
        end of the commit record.
        """
        commit, prepare = position
        if prepare < commit:
            columns = "commit_position, prepare_position, position, checksum"
            found = self._connection.execute(
                f"SELECT {columns} FROM prepares WHERE commit_position = ? AND prepare_position >= ?"
                f" UNION ALL SELECT {columns} FROM prepares WHERE commit_position = ? AND prepare_position = ?"
                " ORDER BY position LIMIT 1",
                (commit, prepare, commit - RESERVED_BYTES, prepare),
            ).fetchone()
            if found is not None:
                *numbers, checksum = found
                if row_checksum(numbers) != checksum:
                    raise damaged_position(prepare)
                return int(found[2])
        return min(commit + (prepare > commit), self.log().end)

    def is_inside_record(self, place: int, direction: StreamDirection) -> bool:
        """Return whether an offset is inside a record, where a read by a real server fails.

        Replies never contain such an offset. Offsets at which nothing is stored, because they were reserved or
        scavenged, are valid. So are those inside the last record for a read forward, which looks for no later record.
        """
        if 0 < place < FIRST_POSITION:
            return True
        if direction is StreamDirection.FORWARD and place > self.log().last_commit:
            return False
        found = self._connection.execute(
            "SELECT position + length(record) > ? AND NOT EXISTS"
            " (SELECT 1 FROM prepares WHERE prepares.position = events.position)"
            " FROM events WHERE position < ? ORDER BY position DESC LIMIT 1",
            (place, place),
        ).fetchone()
        return found is not None and bool(found[0])

    def transaction(self, id: int) -> Transaction | None:
        """Return a committed transaction; None if there is none with this id."""
        found = self._connection.execute(
            "SELECT stream, first, last, checksum FROM transactions WHERE id = ?", (id,)
        ).fetchone()
        if found is None:
            return None
        stream, first, last, checksum = found
        if row_checksum((id, first, last), stream) != checksum:
            raise DamagedRecord(f"transaction {id}")
        return Transaction(stream, first, last)

    def access_lists(self, name: str) -> tuple[bytes | None, bytes | None]:
        """Return the data that determine who may access a stream.

        Returns:
            The summary of the stream's metadata, and the data of the server's settings. Each is None if it does not
            exist.
        """
        settings, checksum, *found = self._connection.execute(
            f"SELECT settings, settings_checksum, {STREAM_COLUMNS} FROM log LEFT JOIN streams ON name = ?", (name,)
        ).fetchone()
        if row_checksum((), settings) != checksum:
            raise DamagedRecord("the copy of the last event of $settings")
        row = StreamRow(*found)
        return None if row.key is None else row.verified().summary, settings

    def head(self, name: str) -> Head:
        """Return the last position of the log and the last number of a stream.

        One query reads both, so that each write is in both or in neither.
        """
        found = self._connection.execute(
            f"SELECT {LOG_COLUMNS}, {STREAM_COLUMNS} FROM log LEFT JOIN streams ON name = ?", (name,)
        ).fetchone()
        row = StreamRow(*found[4:])
        return Head(LogState.of(*found[:4]).last_commit, _NO_STREAM if row.key is None else row.verified().last)

    def last_before_tombstone(self, stream: StoredStream) -> int:
        """Return the number of the last stored event of a tombstoned stream before its tombstone; -1 if none is."""
        query = "SELECT ifnull(max(revision), -1) FROM events WHERE stream = ? AND revision < ?"
        return int(self.rows(query, (stream.key, MAX_EVENT_NUMBER)).fetchone()[0])

    def target(self, name: str, revision: int | None) -> bytes | None:
        """Return the record of a link's target.

        Args:
            name: Stream of the target.
            revision: Number of the target; -1 for the last event; None if the link names no event.

        Returns:
            The record; None if there is no such event, or if it is not visible.
        """
        stream = self.stream(name)
        if stream is None or revision is None:
            return None
        number = stream.last if revision < 0 else revision
        found = self._connection.execute(
            "SELECT stream_head, record, created, stream_checksum FROM events WHERE stream = ? AND revision = ?",
            (stream.key, number),
        ).fetchone()
        if found is None:
            self.check_missing(stream, number, number, 0)
            return None
        head, record, created, checksum = found
        stream.check(number, head, record, created, checksum)
        return bytes(record) if stream.shows(number, created, self.now()) else None

    def event(self, stream: StoredStream, revision: int, *, resolve_links: bool) -> StoredEvent | None:
        """Return one event.

        Args:
            stream: The stream.
            revision: Number of the event.
            resolve_links: Whether to add the target if the event is a link.

        Returns:
            The event; None if the stream shows no event with this number.
        """
        found = self._connection.execute(
            "SELECT events.stream_head, events.record, events.stream_checksum, events.created, events.link_stream,"
            f" events.link_revision, {TARGET_COLUMNS} FROM events {_TARGET}"
            " WHERE events.stream = ? AND events.revision = ?",
            (stream.key, revision),
        ).fetchone()
        if found is None:
            self.check_missing(stream, revision, revision, 0)
            return None
        head, record, checksum, created, link_stream, link_revision, *target = found
        stream.check(revision, head, record, created, checksum)
        now = self.now()
        if not stream.shows(revision, created, now):
            return None
        if link_stream is None or not resolve_links:
            return StoredEvent(record, None)
        if not leads_to(record, (link_stream, link_revision)):
            raise damaged_event(stream.name, revision)
        return StoredEvent(resolve(record, Target.of(*target).shown(link_revision, now)), link_stream)

    def stream_page(
        self, stream: StoredStream, window: Window, direction: StreamDirection, *, resolve_links: bool
    ) -> Page:
        """Return the visible events of a window of a stream, as a `StreamPage`."""
        since = stream.since(self.now())
        try:
            page = self._stream_page(stream, window, direction, since, resolve_links=resolve_links)
        except Mismatch as damage:
            number = damage.places[0]
            lost = None if number is None else number - first_place(stream.key)
            raise damaged_event(stream.name, lost) from None
        low, high = window
        expected = min(high, stream.last) - max(low, stream.scavenged + 1) + 1
        if since is None and not page.cut and page.size < expected:
            self.check_missing(stream, low, high, page.size)
        return page

    def _stream_page(
        self,
        stream: StoredStream,
        window: Window,
        direction: StreamDirection,
        since: int | None,
        *,
        resolve_links: bool,
    ) -> Page:
        (low, high), place = window, first_place(stream.key)
        span: tuple[int, ...] = (stream.key, low, high)
        where = "events.stream = ? AND events.revision BETWEEN ? AND ?"
        order = f"ORDER BY events.revision {_ORDER[direction]}"
        if since is not None:
            where, span = f"{where} AND events.created >= ?", (*span, since)
        columns, numbers = f"{STREAM_ENTRY}, events.stream_checksum", "events.revision + ?"
        if resolve_links and self._has_links(f"events INDEXED BY links_by_stream WHERE {where}", span):
            pieces = f"events.stream_head, events.record, x'', events.stream_checksum, {numbers}"
            return self._resolved(pieces, where, order, (place, *span), b"\x0a")
        count = max(0, high - low + 1)
        if since is None and stream.scavenged < low and high <= stream.last:
            places = range(place + low, place + high + 1)[:: 1 if direction is StreamDirection.FORWARD else -1]
            cursor = self._connection.execute(f"SELECT {columns} FROM events WHERE {where} {order}", span)
            # If a scavenge has left gaps meanwhile, the numbers must be read together with the events.
            with suppress(Mismatch):
                return plain_page(cursor, count, self.log().largest, places)
            cursor.close()
        cursor = self._connection.execute(
            f"SELECT {columns}, {numbers} FROM events WHERE {where} {order}", (place, *span)
        )
        return plain_page(cursor, count, self.log().largest)

    def all_page(self, start: int, count: int, direction: StreamDirection, *, resolve_links: bool) -> Page:
        """Return a page of events of all streams, as a `LogPage`.

        Args:
            start: Offset in the log. Forward, events from it on are read; backward, events before it.
            count: Maximum number of events.
            direction: Direction of the read.
            resolve_links: Whether to add the targets of links.
        """
        where = f"events.position {'>=' if direction is StreamDirection.FORWARD else '<'} ?"
        order = f"ORDER BY events.position {_ORDER[direction]} LIMIT ?"
        span = (start, count)
        columns = "events.all_checksum, events.position"
        try:
            if resolve_links and self._has_links(f"events INDEXED BY links_by_position WHERE {where}", (start,)):
                pieces = f"events.all_head, events.record, events.all_tail, {columns}"
                return self._resolved(pieces, where, order, span, b"\x1a")
            query = f"SELECT {LOG_ENTRY}, {columns} FROM events WHERE {where} {order}"
            return plain_page(self._connection.execute(query, span), count, self.log().largest)
        except Mismatch as damage:
            raise damaged_position(damage.places[0]) from None

    def log_rows(self, start: int, direction: StreamDirection) -> sqlite3.Cursor:
        """Return a cursor whose rows are events of the log, with the columns of `LogRow`.

        The caller closes the cursor soon, and checks the rows with `verify_log`.

        Args:
            start: Offset in the log. Forward, events from it on are read; backward, events before it.
            direction: Direction of the read.
        """
        comparison, order = (">=" if direction is StreamDirection.FORWARD else "<"), _ORDER[direction]
        return self._connection.execute(
            "SELECT all_head, record, all_tail, position, all_checksum, link_stream, link_revision FROM events"
            f" WHERE position {comparison} ? ORDER BY position {order}",
            (start,),
        )

    def _has_links(self, part: str, span: tuple[int, ...]) -> bool:
        question = f"SELECT 1 FROM {part} AND events.link_stream IS NOT NULL LIMIT 1"
        return self._connection.execute(question, span).fetchone() is not None

    def _resolved(self, columns: str, where: str, order: str, span: tuple[int, ...], tag: bytes) -> Page:
        rows = self._connection.execute(
            f"SELECT {columns}, events.link_stream, events.link_revision, {TARGET_COLUMNS} FROM events {_TARGET}"
            f" WHERE {where} {order}",
            span,
        )
        return resolved_page(rows, tag, self.now())

    def rows(self, query: str, values: tuple[int, ...]) -> sqlite3.Cursor:
        """Return a cursor over the rows of a query. Close it soon, because it keeps its snapshot of the database."""
        return self._connection.execute(query, values)

    def check_missing(self, stream: StoredStream, low: int, high: int, found: int) -> None:
        """Check that only scavenged events are missing between `low` and `high`, where `found` events were found.

        Raises:
            DamagedRecord: An event is missing that no scavenge has removed.
        """
        now = self.stream(stream.name)
        if now is None or now.is_tombstoned:
            return
        low, high = max(low, now.scavenged + 1), min(high, stream.last)
        if found > high - low:
            return
        rows = self._connection.execute(
            "SELECT revision FROM events WHERE stream = ? AND revision BETWEEN ? AND ? ORDER BY revision",
            (now.key, low, high),
        )
        stored = {number for (number,) in rows}
        missing = next((number for number in range(low, high + 1) if number not in stored), None)
        raise damaged_event(stream.name, missing)

    def now(self) -> int:
        """Return the Unix time in milliseconds."""
        return self._clock() // 1_000_000
