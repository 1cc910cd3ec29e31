"""The events that a transaction inserts, and the lookup of the ids that it has received before.

Rows are inserted together, when the transaction closes or something reads the table.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final

from rxpump.server.store.record import Row
from rxpump.server.strictness import Strictness

_RECENT: Final[Mapping[Strictness, str]] = {
    Strictness.LENIENT: "SELECT revision FROM events INDEXED BY events_by_id"
    " WHERE stream = ? AND event_id = ? ORDER BY position LIMIT 1",
    Strictness.REAL: "SELECT iif(stream = ?, revision, NULL) FROM events INDEXED BY events_by_id"
    " WHERE event_id = ? ORDER BY position LIMIT 1",
}

_INSERT: Final = "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL, NULL, ?, ?, ?)"
_INSERT_LINK: Final = "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


@lru_cache(maxsize=16)
def _having_ids(count: int) -> str:
    """Return the query for the ids among `count` ids that events have."""
    return f"SELECT event_id FROM events INDEXED BY events_by_id WHERE event_id IN ({', '.join('?' * count)})"


def _insert(connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
    """Insert rows into the table `events`.

    SQLite's module searches for an adapter of each value that is None or bytes. This takes longer than to copy the
    bytes to a bytearray, so that an insert without such values takes two thirds of the time.
    """
    connection.executemany(
        _INSERT,
        (
            (
                row.position,
                row.stream,
                row.revision,
                bytearray(row.event_id),
                bytearray(row.stream_head),
                bytearray(row.record),
                bytearray(row.all_head),
                bytearray(row.all_tail),
                row.created,
                row.stream_checksum,
                row.all_checksum,
            )
            for row in rows
            if row.link_stream is None
        ),
    )
    links = [row for row in rows if row.link_stream is not None]
    if links:
        connection.executemany(_INSERT_LINK, links)


class EventInserts:
    """New rows of the table `events` in an open transaction.

    Args:
        connection: Connection to the database, with an open transaction.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._waiting: list[Row] = []
        self._waiting_ids: set[bytes] = set()
        self._new_ids: set[bytes] = set()  # ids that no inserted event has

    def add(self, rows: Sequence[Row]) -> None:
        """Add rows, which the next `flush` inserts."""
        self._waiting += rows
        self._waiting_ids.update([row.event_id for row in rows])

    def flush(self) -> None:
        """Insert the rows that were added."""
        if self._waiting:
            _insert(self._connection, self._waiting)
            self._new_ids -= self._waiting_ids
            self._waiting.clear()
            self._waiting_ids.clear()

    def look_up(self, ids: list[bytes]) -> None:
        """Find out which of these ids are new, so that `recent` does not look for them.

        One query for all ids takes half the time of a query for each.
        """
        size = 1 << (len(ids) - 1).bit_length()  # SQLite's module caches the statements of a few sizes.
        padded = ids + ids[:1] * (size - len(ids))
        found = self._connection.execute(_having_ids(size), list(map(bytearray, padded)))
        self._new_ids.update(ids)
        self._new_ids.difference_update([event_id for (event_id,) in found])

    def recent(self, stream: int | None, event_id: bytes, strictness: Strictness) -> int | None:
        """Return the number of the first event of a stream with this id (see `StreamState.recent`).

        Args:
            stream: Key of the stream; None if it is new.
            event_id: The id.
            strictness: How exactly to imitate a real server.
        """
        if event_id in self._waiting_ids:
            self.flush()
        elif event_id in self._new_ids:
            return None
        found = self._connection.execute(_RECENT[strictness], (stream, event_id)).fetchone()
        return None if found is None else found[0]

    def __repr__(self) -> str:
        return f"<EventInserts, {len(self._waiting)} waiting>"
