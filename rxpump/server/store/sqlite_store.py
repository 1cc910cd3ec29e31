"""The store: one log of events in SQLite, in a file or in memory."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from collections.abc import Callable
from typing import TypeVar

from rxpump.server.errors import StoreError
from rxpump.server.store.changes import Change, NotCommitted
from rxpump.server.store.database import MEMORY, check_writable, checkpoint, open_database, repair_names
from rxpump.server.store.feed import Feed
from rxpump.server.store.group_commit import GroupCommit
from rxpump.server.store.lock import StoreLock, lock
from rxpump.server.store.reader import Reader
from rxpump.server.store.scavenge import CannotScavenge, Scavenged, Scavenger
from rxpump.server.store.writers import LoopWriter, ThreadWriter, Writer

T = TypeVar("T")


class SqliteStore:
    """Events, and everything else that a server must remember.

    Make one with `open` or `in_memory`. `read` serves reads; `append` writes; `feed` tells what is written.
    It is used from one loop, and whoever has it last awaits `close` (an EmbeddedServer does when it stops).
    """

    def __init__(
        self,
        path: str | None,
        clock: Callable[[], int],
        *,
        reading: sqlite3.Connection,
        writing: sqlite3.Connection,
        lock: StoreLock | sqlite3.Connection,
    ) -> None:
        self.path = path
        self.commits: GroupCommit = GroupCommit(writing, clock)
        self.read: Reader = Reader(reading, clock)
        self.feed: Feed = Feed(self.read)
        self._connections = (reading, writing, lock)
        self._clock = clock
        self._writer: Writer | None = None
        self._scavenge_task: asyncio.Task[Scavenged] | None = None
        self.is_closed: bool = False

    @classmethod
    def open(cls, path: str | os.PathLike[str], *, clock: Callable[[], int] = time.time_ns) -> SqliteStore:
        """Open the store in the file `path`, or make one there. Raises StoreError, by what is wrong.

        `clock` tells the Unix time in nanoseconds: when events were written, and how old they are.
        """
        path = os.path.realpath(path)
        check_writable(path)
        holder = lock(path)
        try:
            writing = open_database(path)
            repair_names(path, writing)
        except BaseException:
            holder.close()
            raise
        reading = open_database(path)
        reading.execute("PRAGMA query_only = ON")
        return cls(path, clock, reading=reading, writing=writing, lock=holder)

    @classmethod
    def in_memory(cls, *, clock: Callable[[], int] = time.time_ns) -> SqliteStore:
        """Make a store that is gone when it is closed; `clock` as for `open`."""
        only = open_database(MEMORY)
        return cls(None, clock, reading=only, writing=only, lock=only)

    def append(self, change: Change[T]) -> asyncio.Future[T | NotCommitted]:
        """Append what a change comes to (events, a deletion); the outcome comes once it is committed: on
        disk, if the store is a file."""
        if self._writer is None:
            if self.is_closed:
                raise StoreError(self.path or MEMORY, "it is closed")
            make_writer = LoopWriter if self.path is None else ThreadWriter
            self._writer = make_writer(self.commits, self.feed)
        return self._writer.write(change)

    @property
    def is_scavenging(self) -> bool:
        """Whether a scavenge runs."""
        return self._scavenge_task is not None

    def scavenge(self) -> asyncio.Future[Scavenged]:
        """Remove from the disk what nobody is shown any more (docs/protocol/tcp.md, sections 4.5 and 4.9).

        Writers go on meanwhile. Raises StoreError where one runs already; what is awaited raises it where the
        store is closed, or cannot write.
        """
        if self._scavenge_task is not None:
            raise StoreError(self.path or MEMORY, "a scavenge runs already")
        scavenger = Scavenger(self.append, self._clock() // 1_000_000)
        self._scavenge_task = asyncio.get_running_loop().create_task(self._scavenge(scavenger))
        return self._scavenge_task

    async def _scavenge(self, scavenger: Scavenger) -> Scavenged:
        began = time.monotonic()
        try:
            await scavenger.run()
            if self.path is not None:
                await asyncio.to_thread(checkpoint, self.path)
        except CannotScavenge as error:
            raise StoreError(self.path or MEMORY, str(error)) from error
        finally:
            self._scavenge_task = None
        return Scavenged(scavenger.size, time.monotonic() - began)

    async def close(self) -> None:
        """Commit what waits, and let go of the file. Closing twice is closing once."""
        self.is_closed = True
        if self._writer is not None:
            writer, self._writer = self._writer, None
            await writer.stop()
        if self._scavenge_task is not None:  # it ends with the step that it is at
            await asyncio.wait([self._scavenge_task])
        for connection in self._connections:
            connection.close()

    def __repr__(self) -> str:
        state = "closed" if self.is_closed else f"{self.commits.count} commits"
        return f"<SqliteStore {self.path or 'in memory'}, {state}>"
