"""Checkpoints that are kept in an SQLite database."""

from __future__ import annotations

import asyncio
import os
import random
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from rxpump.checkpoints.checkpoint import Checkpoint
from rxpump.model import checks

_LONGEST_WAIT: Final = 30.0  # seconds
_CREATE = "CREATE TABLE IF NOT EXISTS checkpoints (name TEXT PRIMARY KEY, checkpoint TEXT NOT NULL)"
_READ = "SELECT checkpoint FROM checkpoints WHERE name = ?"
_REPLACE = "INSERT INTO checkpoints VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET checkpoint = excluded.checkpoint"


class SqliteCheckpoint:
    """A checkpoint in a row of an SQLite database. Several pipelines can share a database.

    The database is created if it does not exist. It is open only while a checkpoint is read or written, which happens
    in another thread than that of the event loop. While other connections use the database, for example for your own
    tables, `load` and `save` wait for up to 30 seconds.

    `load` and `save` raise the errors of sqlite3. `load` raises InvalidArgument if the row does not contain a
    checkpoint.

    Args:
        path: Path of the database.
        name: Name of the row.
    """

    def __init__(self, path: str | os.PathLike[str], name: str) -> None:
        self.path: Path = Path(path)
        self.name: str = checks.text("name", name)

    async def load(self) -> Checkpoint | None:
        """Return the checkpoint in the row, or None if the row does not exist."""
        return await asyncio.to_thread(self._read)

    async def save(self, checkpoint: Checkpoint) -> None:
        """Replace the row."""
        await asyncio.to_thread(self._replace, checkpoint.to_json())

    def _read(self) -> Checkpoint | None:
        with _transaction(self.path) as database:
            row = database.execute(_READ, (self.name,)).fetchone()
        return None if row is None else Checkpoint.from_json(row[0])

    def _replace(self, text: str) -> None:
        with _transaction(self.path) as database:
            database.execute(_REPLACE, (self.name, text))

    def __repr__(self) -> str:
        return f"<SqliteCheckpoint {self.name} in {self.path}>"


@contextmanager
def _transaction(path: Path) -> Iterator[sqlite3.Connection]:
    """Execute statements in a transaction, which begins as soon as no other connection writes to the database."""
    with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as database:
        _begin(database)
        database.execute(f"PRAGMA busy_timeout = {_LONGEST_WAIT * 1000:.0f}")  # COMMIT waits for readers.
        database.execute(_CREATE)
        yield database
        database.execute("COMMIT")


def _begin(database: sqlite3.Connection) -> None:
    """Begin a transaction; try again and again, because SQLite has no queue of those that wait.

    SQLite itself tries only every 100 ms. On a slow disk it can miss, for many seconds, each of the short moments
    between two transactions of a connection that writes all the time. The pauses vary, so that they cannot keep in
    step with these transactions.
    """
    deadline = time.monotonic() + _LONGEST_WAIT
    while True:
        try:
            database.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() >= deadline:
                raise
        else:
            return
        time.sleep(random.uniform(0.001, 0.005))
