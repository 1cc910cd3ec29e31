"""One server to a store.

The lock is an exclusive transaction, never committed, on an empty database beside the store: the
operating system lets it go when the process ends, however it ends.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress

from rxpump.server.errors import StoreInUse, StoreNotFound


def lock(path: str) -> sqlite3.Connection:
    """Hold the store at `path` until the connection is closed. Raises StoreInUse or StoreNotFound."""
    try:
        holder = sqlite3.connect(_beside(path), isolation_level=None, check_same_thread=False, timeout=0)
    except sqlite3.OperationalError as error:
        raise StoreNotFound(path, str(error)) from error
    try:
        holder.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        holder.close()
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY:
            raise StoreInUse(path, "another server has it open") from error
        raise StoreNotFound(path, str(error)) from error
    return holder


def abandon(path: str, holder: sqlite3.Connection) -> None:
    """Let go of what turned out to be no store, and leave nothing beside it."""
    with suppress(OSError):
        os.remove(_beside(path))
    holder.close()


def _beside(path: str) -> str:
    return f"{path}-lock"
