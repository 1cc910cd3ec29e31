"""Upgrades of the stores of earlier versions, in one transaction.

Version 1 to 2: the row of a stream gets its last number and the summary of its metadata, the row of an event its
time, and the log the settings. The records contain all of these values. Tables for transactions are added.

Version 2 to 3: each row gets a checksum, and the row of a stream the highest scavenged number. A record that does not
belong to the event of its row gets a checksum that nothing matches, so that it is regarded as damaged. Other damage
from before the upgrade cannot be detected.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from typing import Any, Final

from google.protobuf.message import DecodeError

from rxpump.model.limits import MAX_EVENT_NUMBER
from rxpump.model.system_names import METADATA_PREFIX, SETTINGS_STREAM
from rxpump.server.store.checksum import UNKNOWN, event_checksum, first_place, row_checksum
from rxpump.server.store.metadata import described_by, summary
from rxpump.server.store.record import varint
from rxpump.server.store.record_schema import JSON_CONTENT, StreamEntry


def upgrade(connection: sqlite3.Connection, version: int) -> None:
    """Upgrade a store of version `version` to the current version. Do nothing if it has that version."""
    if version not in _STEPS:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        while version in _STEPS:
            _STEPS[version](connection)
            version += 1
        connection.execute(f"PRAGMA user_version = {version}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _from_1(connection: sqlite3.Connection) -> None:
    connection.create_function("created_of", 1, lambda record: _event(record).created_epoch, deterministic=True)
    for statement in (
        "ALTER TABLE streams ADD COLUMN last INTEGER NOT NULL DEFAULT -1",
        "ALTER TABLE streams ADD COLUMN metadata BLOB",
        "ALTER TABLE events ADD COLUMN created INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE log ADD COLUMN settings BLOB",
        "CREATE TABLE prepares (commit_position INTEGER NOT NULL, prepare_position INTEGER NOT NULL,"
        " position INTEGER NOT NULL, PRIMARY KEY (commit_position, prepare_position)) WITHOUT ROWID",
        "CREATE INDEX prepares_by_place ON prepares (position)",
        "CREATE TABLE transactions (id INTEGER PRIMARY KEY, stream TEXT NOT NULL, first INTEGER NOT NULL,"
        " last INTEGER NOT NULL)",
        "UPDATE streams SET last = ifnull((SELECT max(revision) FROM events WHERE stream = id), -1)",
        "UPDATE events SET created = created_of(record)",
    ):
        connection.execute(statement)
    last_events = connection.execute(
        "SELECT name, record FROM streams JOIN events ON stream = id AND revision = last"
        " WHERE name GLOB ? OR name = ?",
        (f"{METADATA_PREFIX}*", SETTINGS_STREAM),
    ).fetchall()
    for name, record in last_events:
        event, described = _event(record), described_by(name)
        if name == SETTINGS_STREAM:
            connection.execute("UPDATE log SET settings = ?", (event.data,))
        elif described is not None and event.data_content_type == JSON_CONTENT:
            connection.execute("INSERT OR IGNORE INTO streams (name) VALUES (?)", (described,))
            connection.execute("UPDATE streams SET metadata = ? WHERE name = ?", (summary(event.data), described))


def _event(record: bytes) -> Any:
    return StreamEntry.FromString(record).event


_MAY_LACK_EVENTS: Final = (
    f"(name GLOB '{METADATA_PREFIX}*' OR EXISTS"
    f" (SELECT 1 FROM streams AS described WHERE described.name = '{METADATA_PREFIX}' || streams.name))"
)


def _from_2(connection: sqlite3.Connection) -> None:
    for name, arguments, function in (
        ("row_checksum_of", -1, _row_checksum),
        ("stream_checksum_of", 6, _stream_checksum),
        ("all_checksum_of", 5, _all_checksum),
    ):
        connection.create_function(name, arguments, function, deterministic=True)
    for statement in (
        "ALTER TABLE streams ADD COLUMN scavenged INTEGER NOT NULL DEFAULT -1",
        "ALTER TABLE streams ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE events ADD COLUMN stream_checksum INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE events ADD COLUMN all_checksum INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE prepares ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE transactions ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE log ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE log ADD COLUMN settings_checksum INTEGER NOT NULL DEFAULT 0",
        # `scavenged` is the number before the first event after the last gap, because scavenges left the gaps. They
        # did so only in streams with metadata and in metadata streams. A gap before a tombstone does not count.
        "UPDATE streams SET scavenged = ifnull((SELECT max(revision) - 1 FROM (SELECT revision,"
        " lag(revision, 1, -1) OVER (ORDER BY revision) AS before FROM events WHERE stream = streams.id)"
        f" WHERE revision > before + 1), -1) WHERE last < {MAX_EVENT_NUMBER} AND {_MAY_LACK_EVENTS}",
        f"UPDATE streams SET scavenged = last WHERE last BETWEEN 0 AND {MAX_EVENT_NUMBER - 1} AND NOT EXISTS"
        f" (SELECT 1 FROM events WHERE stream = streams.id AND revision = streams.last) AND {_MAY_LACK_EVENTS}",
        "UPDATE streams SET checksum = row_checksum_of(3, id, last, scavenged, name, metadata)",
        "UPDATE events SET stream_checksum = stream_checksum_of(stream, revision, stream_head, record,"
        " (SELECT name FROM streams WHERE id = stream), event_id),"
        " all_checksum = all_checksum_of(position, all_head, record, all_tail, revision)",
        "UPDATE prepares SET checksum = row_checksum_of(3, commit_position, prepare_position, position)",
        "UPDATE transactions SET checksum = row_checksum_of(3, id, first, last, stream)",
        "UPDATE log SET checksum = row_checksum_of(3, last_commit, end, largest),"
        " settings_checksum = row_checksum_of(0, settings)",
    ):
        connection.execute(statement)


def _row_checksum(numbers: int, *values: Any) -> int:
    return row_checksum(values[:numbers], *values[numbers:])


def _stream_checksum(stream: int, revision: int, head: bytes, record: bytes, name: str, event_id: bytes) -> int:
    try:
        event = _event(record)
    except DecodeError:
        return UNKNOWN
    is_its_own = (event.event_stream_id, event.event_number, event.event_id) == (name, revision, event_id)
    is_whole = is_its_own and head == b"\x0a" + varint(len(record))
    return event_checksum(first_place(stream) + revision, head, record) if is_whole else UNKNOWN


def _all_checksum(position: int, head: bytes, record: bytes, tail: bytes, revision: int) -> int:
    try:
        is_whole = _event(record).event_number == revision and head == b"\x1a" + varint(len(record) + len(tail))
    except DecodeError:
        return UNKNOWN
    return event_checksum(position, head, record, tail) if is_whole else UNKNOWN


_STEPS: Final[Mapping[int, Callable[[sqlite3.Connection], None]]] = {1: _from_1, 2: _from_2}
