"""The SQLite database of a store: its tables, and functions that open and check it.

The table `events` is the log. Its rows are ordered by position, so that a write appends, and an index finds the
events of a stream. The table `log` has one row, the state of the log. Each row of each table has a checksum of its
other columns (`rxpump.server.store.checksum`).
"""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from google.protobuf.message import DecodeError

from rxpump.server.errors import (
    DamagedRecord,
    DamagedStore,
    NotAStore,
    StoreError,
    StoreNotFound,
    StoreReadOnly,
    StoreTooNew,
    StoreUnreadable,
)
from rxpump.server.store.checksum import row_checksum
from rxpump.server.store.failures import primary_code
from rxpump.server.store.stored_stream import STREAM_COLUMNS, StreamRow
from rxpump.server.store.upgrades import upgrade

_log = logging.getLogger("rxpump.server")

APPLICATION_ID: Final = 0x52785075
"""Application id of a store, which distinguishes it from other SQLite files: "RxPu" in ASCII."""

VERSION: Final = 3
"""Version of the tables."""

MEMORY: Final = ":memory:"
"""SQLite's name for a database in memory."""

FIRST_POSITION: Final = 64
"""Position of the first event. It is not 0, because 0 means the start of the log to clients."""

_TABLES: Final = f"""
CREATE TABLE streams (
    id        INTEGER PRIMARY KEY,
    name      TEXT NOT NULL UNIQUE,
    last      INTEGER NOT NULL DEFAULT -1,  -- the number of its last event, even if a scavenge removed the event
    metadata  BLOB,                         -- the summary of its metadata, see rxpump.server.store.metadata
    scavenged INTEGER NOT NULL DEFAULT -1,  -- the highest number of the events that a scavenge has removed
    checksum  INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE events (
    position        INTEGER PRIMARY KEY,
    stream          INTEGER NOT NULL,
    revision        INTEGER NOT NULL,
    event_id        BLOB NOT NULL,
    stream_head     BLOB NOT NULL,
    record          BLOB NOT NULL,
    all_head        BLOB NOT NULL,
    all_tail        BLOB NOT NULL,
    link_stream     TEXT,     -- of a link: the stream of its target
    link_revision   INTEGER,
    created         INTEGER NOT NULL,  -- in Unix milliseconds
    stream_checksum INTEGER NOT NULL DEFAULT 0,  -- of the place in the stream, stream_head and record
    all_checksum    INTEGER NOT NULL DEFAULT 0   -- of the position, all_head, record and all_tail
);
CREATE UNIQUE INDEX events_by_stream ON events (stream, revision);
CREATE INDEX events_by_id ON events (event_id);
CREATE INDEX links_by_stream ON events (stream, revision) WHERE link_stream IS NOT NULL;
CREATE INDEX links_by_position ON events (position) WHERE link_stream IS NOT NULL;
CREATE TABLE prepares (  -- where events of transactions are in the log, by their positions
    commit_position  INTEGER NOT NULL,
    prepare_position INTEGER NOT NULL,
    position         INTEGER NOT NULL,
    checksum         INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (commit_position, prepare_position)
) WITHOUT ROWID;
CREATE INDEX prepares_by_place ON prepares (position);
CREATE TABLE transactions (  -- those that were committed
    id       INTEGER PRIMARY KEY,
    stream   TEXT NOT NULL,
    first    INTEGER NOT NULL,
    last     INTEGER NOT NULL,
    checksum INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE log (
    last_commit       INTEGER NOT NULL,  -- the position of the last write, -1 before the first
    end               INTEGER NOT NULL,  -- the position of the next record
    largest           INTEGER NOT NULL,  -- the size in bytes of the largest record
    settings          BLOB,              -- the data of the last event of $settings
    checksum          INTEGER NOT NULL DEFAULT 0,  -- of last_commit, end and largest
    settings_checksum INTEGER NOT NULL DEFAULT 0
);
INSERT INTO log VALUES (
    -1, {FIRST_POSITION}, 0, NULL, {row_checksum((-1, FIRST_POSITION, 0))}, {row_checksum((), None)}
);
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {VERSION};
"""

_SETTINGS: Final = """
PRAGMA auto_vacuum = INCREMENTAL;
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA wal_autocheckpoint = 4000;
PRAGMA cache_size = -32768;
PRAGMA temp_store = MEMORY;
PRAGMA cell_size_check = ON;
"""


_ERRORS: Final[Mapping[int, type[StoreError]]] = {
    sqlite3.SQLITE_CANTOPEN: StoreUnreadable,
    sqlite3.SQLITE_PERM: StoreUnreadable,
    sqlite3.SQLITE_AUTH: StoreUnreadable,
    sqlite3.SQLITE_READONLY: StoreReadOnly,
    sqlite3.SQLITE_NOTADB: NotAStore,
    sqlite3.SQLITE_CORRUPT: DamagedStore,
    sqlite3.SQLITE_ERROR: DamagedStore,  # For example, a table has other columns, or an upgrade cannot read a record.
}
"""Error class for a database that cannot be opened, by the primary result code of SQLite."""


def check_readable(path: str) -> None:
    """Check that there is a readable file at `path`.

    Raises:
        StoreNotFound: There is no file.
        StoreUnreadable: `path` is a directory, or a file without read permission.
    """
    if os.path.isdir(path):
        raise StoreUnreadable(path, "it is a directory")
    if not os.path.exists(path):
        raise StoreNotFound(path, "there is no such file")
    if not _may(path, os.R_OK):
        raise StoreUnreadable(path, "you have no permission to read it")


def check_writable(path: str) -> None:
    """Check that a store can be opened or created at `path`, as far as possible without opening it.

    Raises:
        StoreNotFound: There is no directory for the file.
        StoreUnreadable: `path` is a directory, or a file without read permission.
        StoreReadOnly: The file, or the directory that it is in, has no write permission.
    """
    directory = os.path.dirname(path) or "."
    if not os.path.isdir(directory):
        raise StoreNotFound(path, f"there is no directory {directory!r}")
    if os.path.exists(path):
        check_readable(path)
        if not _may(path, os.W_OK):
            raise StoreReadOnly(path, "it is read-only")
    if not _may(directory, os.W_OK | os.X_OK):
        raise StoreReadOnly(path, f"its directory {directory!r} is read-only, but a store needs further files there")


def _may(path: str, mode: int) -> bool:
    return os.access(path, mode, effective_ids=os.access in os.supports_effective_ids)


def open_database(path: str) -> sqlite3.Connection:
    """Open or create the database at `path`.

    Raises:
        StoreError: The database cannot be opened. The subclass depends on the reason.
    """
    with open_errors(path):
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        connection.text_factory = read_text
        try:
            _prepare(path, connection)
        except BaseException:
            connection.close()
            raise
    return connection


def repair_names(path: str, connection: sqlite3.Connection) -> None:
    """Compare the index of stream names with the table, and rebuild the index if it differs.

    With a damaged index, an existing stream could seem not to exist. If a row of the table is damaged, the index
    stays as it is, because it may still find that row.
    """
    try:
        problems = [message for (message,) in connection.execute("PRAGMA integrity_check(streams)")]
        if problems == ["ok"]:
            return
        _log.error("the index of stream names in %r is damaged: %s", path, problems[0])
        for row in connection.execute(f"SELECT {STREAM_COLUMNS} FROM streams"):
            StreamRow(*row).verified()
        connection.execute("REINDEX streams")
    except (sqlite3.DatabaseError, DamagedRecord) as error:
        _log.error("the index of stream names in %r cannot be rebuilt: %s", path, error)


def read_text(stored: bytes) -> str:
    """Decode a text column. Damage can have changed the text to any bytes."""
    return stored.decode(errors="surrogateescape")


@contextmanager
def open_errors(path: str) -> Iterator[None]:
    """Convert errors of SQLite during the opening of a store to StoreError."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise _ERRORS.get(primary_code(error), StoreError)(path, str(error)) from error
    except DecodeError as error:
        raise DamagedStore(path, f"a record of an earlier version cannot be read: {error}") from error


def check_version(path: str, connection: sqlite3.Connection) -> int:
    """Return the version of the store in a database; 0 for a database without tables.

    Raises:
        NotAStore: The database belongs to another program.
        StoreTooNew: A later version of rxpump wrote it.
    """
    application, version, tables = (
        connection.execute(question).fetchone()[0]
        for question in ("PRAGMA application_id", "PRAGMA user_version", "SELECT count(*) FROM sqlite_master")
    )
    if not tables:
        return 0
    if application != APPLICATION_ID:
        raise NotAStore(path, "it is the database of another program")
    if version > VERSION:
        raise StoreTooNew(path, f"its version is {version}, but this rxpump supports versions up to {VERSION}")
    return int(version)


def _prepare(path: str, connection: sqlite3.Connection) -> None:
    version = check_version(path, connection)
    connection.executescript(_SETTINGS)
    if version:
        upgrade(connection, version)
    else:
        connection.executescript(f"BEGIN IMMEDIATE; {_TABLES} COMMIT;")


def checkpoint(path: str) -> None:
    """Copy committed data from the write-ahead log into the database, without waiting for readers or writers."""
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
    finally:
        connection.close()
