"""Checkpoints that are kept in an SQLite database."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final, TypeVar

from rxpump.checkpoints.checkpoint import Checkpoint
from rxpump.model import checks

T = TypeVar("T")

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
        with closing(sqlite3.connect(self.path, timeout=0, isolation_level=None)) as database:
            _once_free(lambda: database.execute(_CREATE))
            row = _once_free(lambda: database.execute(_READ, (self.name,)).fetchone())
        return None if row is None else Checkpoint.from_json(row[0])

    def _replace(self, text: str) -> None:
        with closing(sqlite3.connect(self.path, timeout=0, isolation_level=None)) as database:
            _once_free(lambda: database.execute("BEGIN IMMEDIATE"))
            database.execute(f"PRAGMA busy_timeout = {_LONGEST_WAIT * 1000:.0f}")  # COMMIT waits for readers.
            database.execute(_CREATE)
            database.execute(_REPLACE, (self.name, text))
            database.execute("COMMIT")

    def __repr__(self) -> str:
        return f"<SqliteCheckpoint {self.name} in {self.path}>"


def _once_free(execute: Callable[[], T]) -> T:
    """Execute a statement as soon as no other connection prevents it.

    SQLite itself tries again only every 100 ms. On a slow disk it can miss, for many seconds, each of the short
    moments between two transactions of a connection that writes all the time.
    """
    deadline = time.monotonic() + _LONGEST_WAIT
    while True:
        try:
            return execute()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() >= deadline:
                raise
        time.sleep(0.005)
