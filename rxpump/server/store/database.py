"""The SQLite database: its tables, and how it is opened.

`events` is the log: its rows lie in the order of their positions, so that writing is appending, and
one index finds a stream's events. `log` has one row, the state of the whole.
"""

from __future__ import annotations

import sqlite3
from typing import Final

from rxpump.server.errors import NotAStore, StoreNotFound, StoreTooNew
from rxpump.server.store.upgrades import upgrade

APPLICATION_ID: Final = 0x52785075  # "RxPu": what tells a store from any other SQLite file
VERSION: Final = 2
MEMORY: Final = ":memory:"
FIRST_POSITION: Final = 64  # 0 means "the start" to clients, so no event may stand there

_TABLES: Final = f"""
CREATE TABLE streams (
    id       INTEGER PRIMARY KEY,
    name     TEXT NOT NULL UNIQUE,
    last     INTEGER NOT NULL DEFAULT -1,  -- the number of its last event, also if that is stored no more
    metadata BLOB                          -- what its metadata come to, see rxpump.server.store.metadata
);
CREATE TABLE events (
    position      INTEGER PRIMARY KEY,
    stream        INTEGER NOT NULL,
    revision      INTEGER NOT NULL,
    event_id      BLOB NOT NULL,
    stream_head   BLOB NOT NULL,
    record        BLOB NOT NULL,
    all_head      BLOB NOT NULL,
    all_tail      BLOB NOT NULL,
    link_stream   TEXT,     -- of a link: the stream that it leads to
    link_revision INTEGER,
    created       INTEGER NOT NULL  -- in Unix milliseconds
);
CREATE UNIQUE INDEX events_by_stream ON events (stream, revision);
CREATE INDEX events_by_id ON events (event_id);
CREATE INDEX links_by_stream ON events (stream, revision) WHERE link_stream IS NOT NULL;
CREATE INDEX links_by_position ON events (position) WHERE link_stream IS NOT NULL;
CREATE TABLE prepares (  -- of events of transactions, where to find them by their positions
    commit_position  INTEGER NOT NULL,
    prepare_position INTEGER NOT NULL,
    position         INTEGER NOT NULL,
    PRIMARY KEY (commit_position, prepare_position)
) WITHOUT ROWID;
CREATE INDEX prepares_by_place ON prepares (position);
CREATE TABLE transactions (  -- that were committed
    id     INTEGER PRIMARY KEY,
    stream TEXT NOT NULL,
    first  INTEGER NOT NULL,
    last   INTEGER NOT NULL
);
CREATE TABLE log (
    last_commit INTEGER NOT NULL,  -- the position of the last write, -1 before the first
    end         INTEGER NOT NULL,  -- where the next record will begin
    largest     INTEGER NOT NULL,  -- the most bytes that any record has
    settings    BLOB               -- the data of the last event of $settings
);
INSERT INTO log VALUES (-1, {FIRST_POSITION}, 0, NULL);
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
"""


def open_database(path: str) -> sqlite3.Connection:
    """Open or make the database at `path`. Raises StoreNotFound, NotAStore or StoreTooNew."""
    try:
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    except sqlite3.OperationalError as error:
        raise StoreNotFound(path, str(error)) from error
    try:
        _prepare(path, connection)
    except sqlite3.DatabaseError as error:
        connection.close()
        raise NotAStore(path, str(error)) from error
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(path: str, connection: sqlite3.Connection) -> None:
    application, version, tables = (
        connection.execute(question).fetchone()[0]
        for question in ("PRAGMA application_id", "PRAGMA user_version", "SELECT count(*) FROM sqlite_master")
    )
    if tables and application != APPLICATION_ID:
        raise NotAStore(path, "it is a database of something else")
    if version > VERSION:
        raise StoreTooNew(path, f"its version is {version}, this rxpump knows up to {VERSION}")
    connection.executescript(_SETTINGS)
    if tables:
        upgrade(connection, version)
    else:
        connection.executescript(f"BEGIN IMMEDIATE; {_TABLES} COMMIT;")


def checkpoint(path: str) -> None:
    """Bring what was committed into the database's file, as far as that keeps nobody waiting."""
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
    finally:
        connection.close()
