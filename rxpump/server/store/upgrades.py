"""What makes a store of an earlier version one of today's, once, in one transaction.

1 → 2: a stream's row has its last number and what its metadata come to, an event's row its time, the
log the settings; all of that is in the records already. Transactions have tables.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from typing import Any, Final

from rxpump.server.store.metadata import described_by, summary
from rxpump.wire.codes import JSON_CONTENT, METADATA_PREFIX
from rxpump.wire.schema import ResolvedIndexedEvent


def upgrade(connection: sqlite3.Connection, version: int) -> None:
    """Make the store, which is of `version`, one of today's."""
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
        (f"{METADATA_PREFIX}*", "$settings"),
    ).fetchall()
    for name, record in last_events:
        event, described = _event(record), described_by(name)
        if name == "$settings":
            connection.execute("UPDATE log SET settings = ?", (event.data,))
        elif described is not None and event.data_content_type == JSON_CONTENT:
            connection.execute("INSERT OR IGNORE INTO streams (name) VALUES (?)", (described,))
            connection.execute("UPDATE streams SET metadata = ? WHERE name = ?", (summary(event.data), described))


def _event(record: bytes) -> Any:
    return ResolvedIndexedEvent.FromString(record).event


_STEPS: Final[Mapping[int, Callable[[sqlite3.Connection], None]]] = {1: _from_1}
