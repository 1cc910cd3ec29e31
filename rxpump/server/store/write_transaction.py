"""The log inside an open transaction, which changes read and write.

The transaction collects the changes to each stream's row until it closes, so that many writes to one stream update
its row once. With the events it updates the data that readers need at once: the last number of a stream, the summary
of its metadata, and the server's settings. If the transaction fails, all of this is discarded.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple
from uuid import UUID, uuid5

from rxpump.model.limits import MAX_EVENT_NUMBER
from rxpump.model.system_names import METADATA_PREFIX, SETTINGS_STREAM, TOMBSTONE_EVENT_TYPE
from rxpump.server.errors import damaged_event, damaged_stream
from rxpump.server.store.checksum import event_checksum, first_place, row_checksum
from rxpump.server.store.event_inserts import EventInserts
from rxpump.server.store.log_state import LogState
from rxpump.server.store.metadata import Metadata, described_by, metadata, summary
from rxpump.server.store.new_event import NewEvent, Writable
from rxpump.server.store.record import RESERVED_BYTES, Row, Written, make_rows
from rxpump.server.store.record_schema import JSON_CONTENT, StreamEntry
from rxpump.server.store.stored_stream import STREAM_BY_NAME, StoredStream, StreamRow, stored_stream
from rxpump.server.strictness import Strictness

_EVENT_IDS: Final = UUID("c84f6f4e-35b7-4a5e-9d0b-0c0b3c7f6e55")
"""Namespace of the ids of events that a change writes for itself."""


class Prepared(NamedTuple):
    """An event of a transaction of a client, and the position that was reserved for it."""

    event: Writable
    place: int


class WriteTransaction:
    """The log as the open transaction of a connection sees it.

    Args:
        connection: Connection to the database, with an open transaction.
        clock: Returns the Unix time in nanoseconds.
        before: State of the log before the transaction; None to read it from the database.

    Attributes:
        inserts: The events that the transaction inserts.
        written: The writes so far.
        changes_access: Whether the transaction changes the permissions of users. It is set by `close`.
        end: Position of the next record.

    Raises:
        DamagedRecord: The state of the log is damaged.
    """

    def __init__(
        self, connection: sqlite3.Connection, clock: Callable[[], int], before: LogState | None = None
    ) -> None:
        self._connection = connection
        self.inserts: EventInserts = EventInserts(connection)
        self.written: list[Written] = []
        self.changes_access: bool = False
        self.end: int
        self._last_commit: int
        self._now = clock()
        self._streams: dict[str, OpenStream] = {}
        self._before = LogState.read(connection) if before is None else before
        self._last_commit, self.end, self._largest = self._before

    @property
    def state(self) -> LogState:
        """State of the log after the changes so far."""
        return LogState(self._last_commit, self.end, self._largest)

    def flushed_connection(self) -> sqlite3.Connection:
        """Insert the rows that wait to be inserted, and return the connection to the database."""
        self.inserts.flush()
        return self._connection

    def stream(self, name: str) -> OpenStream:
        """Return a stream, which need not exist."""
        stream = self._streams.get(name)
        if stream is None:
            stream = self._streams[name] = OpenStream(self, name)
        return stream

    def write(self, stream: OpenStream, events: Sequence[Writable]) -> int:
        """Append events to a stream.

        Returns:
            The position of the last event; if there are no events, a position that is reserved for this write.
        """
        if events:
            rows = self._rows(stream, events, stream.last + 1)
            self._add(stream, rows)
            self._last_commit = rows[-1].position
            self._apply_metadata(stream, events[-1])
        else:
            self._last_commit = self.reserve_position()
        return self._last_commit

    def commit(self, stream: OpenStream, prepared: Sequence[Prepared]) -> int:
        """Append the events of a transaction of a client to a stream, and return the position of its commit."""
        if prepared:
            rows = self._rows(stream, [event for event, _ in prepared], stream.last + 1)
            commit = self.end + len(rows)  # Each row takes one position before the commit.
            self._add(
                stream,
                [
                    row.in_transaction(self.end + number, commit, place)
                    for number, (row, (_, place)) in enumerate(zip(rows, prepared, strict=True))
                ],
            )
            self.flushed_connection().executemany(
                "INSERT INTO prepares VALUES (?, ?, ?, ?)",
                [
                    (*numbers, row_checksum(numbers))
                    for numbers in (
                        (commit, place, commit - len(rows) + number) for number, (_, place) in enumerate(prepared)
                    )
                ],
            )
            self.end = commit
            self._apply_metadata(stream, prepared[-1].event)
        self._last_commit = self.reserve_position()
        return self._last_commit

    def tombstone(self, stream: OpenStream) -> int:
        """Write the tombstone of a stream, which also deletes its metadata.

        Returns:
            The position of the tombstone.
        """
        tombstone = NewEvent(event_id=self.new_id(), event_type=TOMBSTONE_EVENT_TYPE)
        [row] = self._rows(stream, [tombstone], MAX_EVENT_NUMBER)
        self._add(stream, [row])
        stream.stored_metadata = None
        self.stream(METADATA_PREFIX + stream.name).mark_tombstoned()
        self._last_commit = row.position
        return row.position

    def new_id(self) -> bytes:
        """Return the id of the next event that a change writes for itself.

        The id depends only on the time and the place of the event in the log, so that a change which is applied on
        each node of a cluster writes the same event on all of them.
        """
        return uuid5(_EVENT_IDS, f"{self._now} {self.end}").bytes_le

    def reserve_position(self) -> int:
        """Return a position that no event takes."""
        return self.reserve_positions(1)[0]

    def reserve_positions(self, number: int) -> Sequence[int]:
        """Return `number` positions that no event takes."""
        places = range(self.end, self.end + number * RESERVED_BYTES, RESERVED_BYTES)
        self.end = places.stop
        return places

    def close(self) -> None:
        """Write the changed state of the log and of its streams, so that the transaction can be committed."""
        touched = [stream for stream in self._streams.values() if stream.is_changed]
        is_about_settings = any(stream.name == SETTINGS_STREAM for stream in touched)
        self.changes_access = is_about_settings or any(stream.has_new_metadata for stream in touched)
        connection = self.flushed_connection()
        connection.executemany(
            "UPDATE streams SET last = ?, metadata = ?, scavenged = ?, checksum = ? WHERE id = ?",
            [stream.columns() for stream in touched],
        )
        after = self.state
        if after != self._before:
            connection.execute(
                "UPDATE log SET last_commit = ?, end = ?, largest = ?, checksum = ?", (*after, row_checksum(after))
            )
        if is_about_settings:
            settings = self._settings()
            connection.execute(
                "UPDATE log SET settings = ?, settings_checksum = ?", (settings, row_checksum((), settings))
            )
        self._streams.clear()  # They refer to the transaction, and only the garbage collector would free the cycle.

    def _rows(self, stream: OpenStream, events: Sequence[Writable], first: int) -> list[Row]:
        key, name = stream.key(), stream.name
        return make_rows(events, stream=key, name=name, first=first, position=self.end, now_ns=self._now)

    def _add(self, stream: OpenStream, rows: Sequence[Row]) -> None:
        self.inserts.add(rows)
        self._largest = max(self._largest, *(len(row.record) for row in rows))
        self.written.append(Written(stream.name, rows))
        stream.last, stream.is_changed = rows[-1].revision, True
        self.end = rows[-1].position_after

    def find_stream(self, name: str) -> Any:
        """Return the row of a stream; None if there is none."""
        return self._connection.execute(STREAM_BY_NAME, (name,)).fetchone()

    def insert_stream(self, name: str) -> int:
        """Insert a row for a new stream, and return the key of the stream."""
        key = self._connection.execute("INSERT INTO streams (name) VALUES (?)", (name,)).lastrowid
        assert key is not None
        return key

    def _apply_metadata(self, stream: OpenStream, last_event: Writable) -> None:
        if stream.described is not None:
            described = self.stream(stream.described)
            if described.is_tombstoned:
                return
            is_json = last_event.data_content_type == JSON_CONTENT
            described.stored_metadata = summary(last_event.data) if is_json else None
            described.is_changed = True

    def _settings(self) -> bytes | None:
        stream = self.stream(SETTINGS_STREAM)
        if stream.is_tombstoned or stream.metadata.first_kept(stream.last) > stream.last:
            return None
        last = stream.last_event()
        return None if last is None else last.data


class OpenStream:
    """One stream, as an open transaction sees it.

    The metadata stream of a tombstoned stream is a special case. Readers see a tombstone at its end, so
    `last_for_readers` is the number of a tombstone. As on a real server, it can still be written to if it had events
    before; therefore `last` is the number of its last event.

    Attributes:
        name: Name of the stream.
        described: Name of the stream whose metadata the stream holds; None if it holds no metadata.
        last: Number of the last event; -1 if there is none.
        stored_metadata: Summary of its metadata (see `rxpump.server.store.metadata`).
        scavenged: Highest number of the events that a scavenge has removed; -1 if there are none.
        is_changed: Whether the transaction must write the row of the stream.

    Raises:
        DamagedRecord: The row of the stream is damaged.
    """

    def __init__(self, log: WriteTransaction, name: str) -> None:
        self.name = name
        self.described: str | None = described_by(name)
        self.last: int = -1
        self.stored_metadata: bytes | None = None
        self.scavenged: int = -1
        self.is_changed: bool = False
        self._is_deleted_for_readers: bool = False
        self._log = log
        self._key: int | None = None
        found = log.find_stream(name)
        if found is not None:
            self._key, _, self.last, self.stored_metadata, self.scavenged, checksum = found
            if row_checksum((found[0], self.last, self.scavenged), found[1], self.stored_metadata) != checksum:
                raise damaged_stream(name)
            if self.is_tombstoned and name.startswith(METADATA_PREFIX):
                self._is_deleted_for_readers, self.last = True, self._last_stored()
        self._metadata_before = self.stored_metadata

    @property
    def metadata(self) -> Metadata:
        """Metadata of the stream."""
        return metadata(self.stored_metadata)

    @property
    def has_new_metadata(self) -> bool:
        """Whether the transaction has changed the metadata."""
        return self.stored_metadata != self._metadata_before

    @property
    def is_tombstoned(self) -> bool:
        """Whether the stream was hard-deleted."""
        return self.last == MAX_EVENT_NUMBER

    @property
    def last_for_readers(self) -> int:
        """Number of the last event for readers, which is that of a tombstone if the stream is deleted for them."""
        return MAX_EVENT_NUMBER if self._is_deleted_for_readers else self.last

    @property
    def is_soft_deleted(self) -> bool:
        """Whether the stream was soft-deleted; the next write makes it visible again."""
        return self.stored_metadata is not None and self.metadata.is_deleted

    def key(self) -> int:
        """Return the key by which the tables refer to the stream. Insert its row if there is none."""
        if self._key is None:
            self._key = self._log.insert_stream(self.name)
        return self._key

    def stored(self) -> StoredStream:
        """Return the stream as readers will see it after this transaction."""
        row = StreamRow(self.key(), self.name, self.last_for_readers, self.stored_metadata, self.scavenged, 0)
        return stored_stream(row._replace(checksum=row.expected_checksum()))

    def columns(self) -> tuple[int, bytes | None, int, int, int]:
        """Return the new columns of its row: last, metadata, scavenged, checksum, and the key to find the row."""
        key, last, summary = self.key(), self.last_for_readers, self.stored_metadata
        return last, summary, self.scavenged, row_checksum((key, last, self.scavenged), self.name, summary), key

    def mark_tombstoned(self) -> None:
        """Mark this metadata stream as deleted for readers, because the stream it describes was tombstoned."""
        self._is_deleted_for_readers = self.is_changed = True
        if self.last < 0:
            self.last = MAX_EVENT_NUMBER

    def has_metadata(self) -> bool:
        """Return whether anything was ever written to the metadata stream of this stream."""
        return self._log.stream(METADATA_PREFIX + self.name).last >= 0

    def _last_stored(self) -> int:
        """Return the number of the last stored event; the number of a tombstone if no event is stored."""
        connection = self._log.flushed_connection()
        [last] = connection.execute("SELECT max(revision) FROM events WHERE stream = ?", (self._key,)).fetchone()
        return MAX_EVENT_NUMBER if last is None else int(last)

    def last_event(self) -> Any:
        """Read the last event as a `Record`.

        Returns:
            The event; None if it is not stored.

        Raises:
            DamagedRecord: The event is damaged.
        """
        connection = self._log.flushed_connection()
        found = connection.execute(
            "SELECT stream_head, record, stream_checksum FROM events WHERE stream = ? AND revision = ?",
            (self._key, self.last),
        ).fetchone()
        if found is None:
            return None
        head, record, checksum = found
        if event_checksum(first_place(self.key()) + self.last, head, record) != checksum:
            raise damaged_event(self.name, self.last)
        return StreamEntry.FromString(record).event

    def recent(self, event_id: bytes, strictness: Strictness) -> int | None:
        """Return the number of the first event with this id (see `StreamState.recent`)."""
        return self._log.inserts.recent(self._key, event_id, strictness)

    def ids_after(self, number: int, count: int) -> list[bytes]:
        """Return the ids of the stored events among the `count` events after event `number`."""
        rows = self._log.flushed_connection().execute(
            "SELECT event_id FROM events WHERE stream = ? AND revision BETWEEN ? AND ? ORDER BY revision",
            (self._key, number + 1, number + count),
        )
        return [event_id for (event_id,) in rows]
