"""Verification of a whole store, which finds lost events and all other damage.

The file is not changed, so that it can be verified while a server has it open.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple
from urllib.parse import quote

from google.protobuf.message import DecodeError

from rxpump.model.limits import MAX_EVENT_NUMBER
from rxpump.server.errors import StoreTooOld
from rxpump.server.store.checksum import Mismatch, first_place, row_checksum, verify
from rxpump.server.store.database import VERSION, check_readable, check_version, open_errors, read_text
from rxpump.server.store.record import Row, link_of
from rxpump.server.store.record_schema import StreamEntry
from rxpump.server.store.stored_stream import STREAM_COLUMNS, StreamRow

_BATCH: Final = 500  # number of events that are read and verified together
_MAX_MESSAGES: Final = 100  # largest number of messages of SQLite's check
_UNKNOWN_NAME: Final = "(the name is lost)"


class LostEvents(NamedTuple):
    """Events of a stream that cannot be read.

    Attributes:
        stream: Name of the stream.
        first: Number of the first event.
        last: Number of the last event.
        positions: Positions of the first and the last event in the log; None if they are not known.
    """

    stream: str
    first: int
    last: int
    positions: tuple[int, int] | None

    def __str__(self) -> str:
        numbers = f"event {self.first}" if self.first == self.last else f"events {self.first} to {self.last}"
        if self.positions is None:
            return f"{numbers} of stream {self.stream!r}, at unknown positions"
        first, last = self.positions
        where = f"position {first}" if first == last else f"positions {first} to {last}"
        return f"{numbers} of stream {self.stream!r}, at {where}"


@dataclass
class Report:
    """Result of the verification of a store.

    Attributes:
        path: Path of the file.
        streams: Number of streams.
        events: Number of undamaged events.
        lost: Events that cannot be read.
        damaged: Descriptions of all other damage.
    """

    path: str
    streams: int = 0
    events: int = 0
    lost: list[LostEvents] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)

    @property
    def is_sound(self) -> bool:
        """Whether nothing is lost or damaged."""
        return not self.lost and not self.damaged


def check(path: str | os.PathLike[str]) -> Report:
    """Verify the store in a file: SQLite's pages and indexes, and all checksums.

    Returns:
        The report. Nothing is repaired.

    Raises:
        StoreError: The file cannot be opened, or has an earlier version without checksums.
    """
    path = os.path.realpath(path)
    check_readable(path)
    report = Report(path)
    with open_errors(path), closing(_open(path)) as connection:
        version = check_version(path, connection)
        if version < VERSION:
            raise StoreTooOld(path, f"its version is {version}; open it with a server of this version to upgrade it")
        _Check(connection, report).run()
    return report


def _open(path: str) -> sqlite3.Connection:
    """Open the database for reading, without creating files beside it.

    A program that has the database open keeps a write-ahead log beside it. If there is none, the file is read as one
    that does not change.
    """
    in_use = os.path.exists(f"{path}-wal")
    uri = f"file:{quote(path)}?mode=ro{'' if in_use else '&immutable=1'}"
    connection = sqlite3.connect(uri, uri=True, isolation_level=None)
    connection.text_factory = read_text
    return connection


_EVENT: Final = f"SELECT {', '.join(Row._fields)} FROM events"


class _Check:
    """One verification, which fills `report`."""

    def __init__(self, connection: sqlite3.Connection, report: Report) -> None:
        self._connection = connection
        self._report = report
        self._lost: list[LostEvents] = []  # events of the current stream

    def run(self) -> None:
        self._connection.execute("BEGIN")  # one snapshot for all reads
        self._check_pages()
        self._check_log()
        for table, numbers, text in (
            ("prepares", ("commit_position", "prepare_position", "position"), ()),
            ("transactions", ("id", "first", "last"), ("stream",)),
        ):
            self._check_table(table, numbers, text)
        known = set()
        for row in self._rows("the list of streams", f"SELECT {STREAM_COLUMNS} FROM streams ORDER BY id"):
            stream = StreamRow(*row)
            known.add(stream.key)
            self._check_stream(stream)
        for (key,) in self._rows("the index of streams", "SELECT stream FROM events GROUP BY stream"):
            if key not in known:
                self._check_orphans(key)

    def _rows(self, what: str, question: str, arguments: Sequence[object] = ()) -> Iterator[tuple[Any, ...]]:
        """Yield rows until one cannot be read."""
        try:
            yield from self._connection.execute(question, arguments)
        except sqlite3.DatabaseError as error:
            self._report.damaged.append(f"{what} cannot be read any further: {error}")

    def _check_pages(self) -> None:
        """Run SQLite's integrity check, which compares indexes with their tables."""
        for (message,) in self._rows("the file", f"PRAGMA integrity_check({_MAX_MESSAGES})"):
            if message != "ok":
                self._report.damaged.extend(f"SQLite: {line}" for line in message.splitlines())

    def _check_log(self) -> None:
        question = "SELECT last_commit, end, largest, checksum, settings, settings_checksum FROM log"
        rows = list(self._rows("the state of the log", question))
        if len(rows) != 1:
            self._report.damaged.append("the state of the log is not there")
        for *state, checksum, settings, settings_checksum in rows:
            if row_checksum(state) != checksum:
                self._report.damaged.append("the state of the log is not what was written")
            if row_checksum((), settings) != settings_checksum:
                self._report.damaged.append("the copy of the last event of $settings is not what was written")

    def _check_table(self, table: str, numbers: Sequence[str], text: Sequence[str]) -> None:
        question = f"SELECT checksum, {', '.join((*numbers, *text))} FROM {table}"
        for checksum, *values in self._rows(f"the table {table}", question):
            if row_checksum(values[: len(numbers)], *values[len(numbers) :]) != checksum:
                self._report.damaged.append(f"a row of the table {table} is not what was written: {values}")

    # Streams ------------------------------------------------------------------------------------

    def _check_stream(self, stream: StreamRow) -> None:
        self._report.streams += 1
        is_whole = stream.checksum == stream.expected_checksum()
        if not is_whole:
            self._report.damaged.append(f"the entry of stream {stream.name!r} is not what was written")
        self._check_events(stream, has_bounds=is_whole and stream.last < MAX_EVENT_NUMBER)

    def _check_orphans(self, key: int) -> None:
        self._report.damaged.append(f"the entry of a stream is lost; its events have the key {key}")
        self._check_events(StreamRow(key, _UNKNOWN_NAME, -1, None, -1, 0), has_bounds=False)

    def _check_events(self, stream: StreamRow, *, has_bounds: bool) -> None:
        """Verify the events of a stream.

        Args:
            stream: Row of the stream.
            has_bounds: Whether to report events that are missing between the last scavenged event and the last event.
        """
        expected = stream.scavenged + 1
        question = (
            "SELECT revision, position FROM events INDEXED BY events_by_stream WHERE stream = ? ORDER BY revision"
        )
        batch: list[tuple[int, int]] = []
        for revision, position in self._rows(f"stream {stream.name!r}", question, (stream.key,)):
            if not isinstance(revision, int):
                self._report.damaged.append(f"an entry of stream {stream.name!r} in the index is {revision!r}")
                continue
            if has_bounds and revision > expected:
                self._lose(stream, expected, revision - 1, None)
            expected = max(expected, revision + 1)
            batch.append((revision, position))
            if len(batch) == _BATCH:
                self._check_batch(stream, batch)
                batch = []
        if batch:
            self._check_batch(stream, batch)
        if has_bounds and stream.last >= expected:
            self._lose(stream, expected, stream.last, None)
        self._report_lost()

    def _check_batch(self, stream: StreamRow, batch: Sequence[tuple[int, int]]) -> None:
        """Verify the events with these numbers and positions, one by one if not all of them are undamaged."""
        question = f"{_EVENT} WHERE stream = ? AND revision BETWEEN ? AND ? ORDER BY revision"
        try:
            found = self._connection.execute(question, (stream.key, batch[0][0], batch[-1][0]))
            events = list(map(Row._make, found))
            is_whole = [(event.revision, event.position) for event in events] == list(batch)
            if is_whole:
                _verify(stream.key, events)
                self._report.events += len(events)
                self._check_columns(stream, events)
        except (sqlite3.DatabaseError, Mismatch):
            is_whole = False
        if not is_whole:
            for number, position in batch:
                self._check_event(stream, number, position)

    def _check_event(self, stream: StreamRow, number: int, position: int) -> None:
        try:
            found = self._connection.execute(f"{_EVENT} WHERE position = ?", (position,))
            events = [row for row in map(Row._make, found) if row.revision == number]
            _verify(stream.key, events)
        except (sqlite3.DatabaseError, Mismatch):
            events = []
        if events:
            self._report.events += 1
            self._check_columns(stream, events)
        else:
            self._lose(stream, number, number, (position, position))

    def _check_columns(self, stream: StreamRow, events: Sequence[Row]) -> None:
        """Compare the columns that queries use with the undamaged records. Report each difference."""
        for event in events:
            try:
                record = StreamEntry.FromString(event.record).event
            except DecodeError:
                self._lose(stream, event.revision, event.revision, (event.position, event.position))
                continue
            stored = event.event_id, event.created, event.link_stream, event.link_revision
            if (record.event_id, record.created_epoch, *link_of(record)) != stored:
                self._report.damaged.append(f"the id, time or link of event {event.revision} of {stream.name!r}")

    def _lose(self, stream: StreamRow, first: int, last: int, positions: tuple[int, int] | None) -> None:
        self._lost.append(LostEvents(stream.name, first, last, positions))

    def _report_lost(self) -> None:
        """Report the lost events of a stream; consecutive events are reported as one range."""
        lost: list[LostEvents] = []
        for each in sorted(self._lost, key=lambda lost: lost.first):
            before = lost[-1] if lost else None
            if before is None or before.last != each.first - 1 or not before.positions or not each.positions:
                lost.append(each)
            else:
                positions = before.positions[0], each.positions[1]
                lost[-1] = each._replace(first=before.first, positions=positions)
        self._report.lost += lost
        self._lost.clear()


def _verify(key: int, events: Sequence[Row]) -> None:
    """Verify both checksums of events of a stream.

    Raises:
        Mismatch: Some events are damaged.
    """
    records = [event.record for event in events]
    places = [first_place(key) + event.revision for event in events]
    verify(([event.stream_head for event in events], records), places, [event.stream_checksum for event in events])
    heads, tails = [event.all_head for event in events], [event.all_tail for event in events]
    positions = [event.position for event in events]
    verify((heads, records, tails), positions, [event.all_checksum for event in events])
