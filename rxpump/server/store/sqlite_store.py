"""The store: one log of events in an SQLite database, in a file or in memory."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from collections.abc import Callable
from typing import TypeVar
from uuid import UUID, uuid4

from rxpump.server.errors import StoreError
from rxpump.server.store.changes import Change, NotCommitted
from rxpump.server.store.database import MEMORY, check_writable, checkpoint, open_database, repair_names
from rxpump.server.store.feed import Feed
from rxpump.server.store.group_commit import GroupCommit
from rxpump.server.store.lock import StoreLock, lock
from rxpump.server.store.reader import Reader
from rxpump.server.store.scavenge import CannotScavenge, Scavenged, Scavenger
from rxpump.server.store.writers import LoopWriter, Settle, ThreadWriter, Writer
from rxpump.server.trampoline import Trampoline

T = TypeVar("T")

MakeWriter = Callable[[GroupCommit, Feed, Trampoline], Writer]
"""Function that makes the writer of a store."""


class SqliteStore:
    """A store of events, and of all other data that a server must keep.

    Create it with `open` or `in_memory`. Use it on one event loop, and await `close` at the end; an EmbeddedServer
    closes its store when it stops.

    Attributes:
        path: Path of the file; None for a store in memory.
        commits: Counters of committed transactions.
        read: Reader of committed data.
        feed: Feed of committed events.
        trampoline: Makes calls after a commit, when all results have been used.
        scavenge_id: Id of the scavenge that is running; None if none is.
        is_closed: Whether the store was closed.
    """

    def __init__(
        self,
        path: str | None,
        clock: Callable[[], int],
        *,
        reading: sqlite3.Connection,
        writing: sqlite3.Connection,
        lock: StoreLock | sqlite3.Connection,
        make_writer: MakeWriter,
    ) -> None:
        self.path = path
        self.commits: GroupCommit = GroupCommit(writing, clock)
        self.read: Reader = Reader(reading, clock)
        self.feed: Feed = Feed(self.read)
        self.trampoline: Trampoline = Trampoline()
        self._connections = (reading, writing, lock)
        self._clock = clock
        self._make_writer = make_writer
        self._writer: Writer | None = None
        self.scavenge_id: UUID | None = None
        self._scavenger: Scavenger | None = None
        self._scavenge_task: asyncio.Task[Scavenged] | None = None
        self.is_closed: bool = False

    @classmethod
    def open(cls, path: str | os.PathLike[str], *, clock: Callable[[], int] = time.time_ns) -> SqliteStore:
        """Open the store in a file, or create the file.

        Args:
            path: Path of the file.
            clock: Returns the Unix time in nanoseconds, for the times and the ages of events.

        Raises:
            StoreError: The store cannot be opened. The subclass depends on the reason.
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
        return cls(path, clock, reading=reading, writing=writing, lock=holder, make_writer=ThreadWriter)

    @classmethod
    def in_memory(
        cls,
        *,
        clock: Callable[[], int] = time.time_ns,
        make_writer: MakeWriter = LoopWriter,
        image: bytes | None = None,
    ) -> SqliteStore:
        """Create a store in memory. Its events are lost when it is closed.

        Args:
            clock: Returns the Unix time in nanoseconds, for the times and the ages of events.
            make_writer: Makes the writer that commits changes. A node of a cluster has one that waits for the others.
            image: Content of the store, from `image` of another one; None for an empty store.
        """
        only = open_database(MEMORY)
        if image is not None:
            only.deserialize(image)
        return cls(None, clock, reading=only, writing=only, lock=only, make_writer=make_writer)

    def image(self) -> bytes:
        """Return the content of a store in memory, from which `in_memory` makes an equal store."""
        return self._connections[0].serialize()

    def append(self, change: Change[T]) -> asyncio.Future[T | NotCommitted]:
        """Schedule a change of the log, such as an append or a deletion.

        Returns:
            A future of the result. It is set after the commit; for a store in a file, when the change is on disk.

        Raises:
            StoreError: The store is closed.
        """
        outcome: asyncio.Future[T | NotCommitted] = asyncio.get_running_loop().create_future()

        def settle(result: T | NotCommitted) -> None:
            if not outcome.done():
                outcome.set_result(result)

        self.submit(change, settle)
        return outcome

    def submit(self, change: Change[T], settle: Settle[T]) -> None:
        """Schedule a change of the log, as `append` does.

        Args:
            change: The change.
            settle: Function that is called with the result, in the iteration of the event loop in which the result of
                `append` would be set. The callers of `append` run one iteration later.

        Raises:
            StoreError: The store is closed.
        """
        if self._writer is None:
            if self.is_closed:
                raise StoreError(self.path or MEMORY, "it is closed")
            self._writer = self._make_writer(self.commits, self.feed, self.trampoline)
        self._writer.write(change, settle)

    @property
    def is_scavenging(self) -> bool:
        """Whether a scavenge is running."""
        return self._scavenge_task is not None

    def scavenge(self) -> asyncio.Future[Scavenged]:
        """Remove invisible events from the disk (docs/protocol/tcp.md, sections 4.5 and 4.9).

        Writes continue meanwhile.

        Returns:
            A future of the result. It raises StoreError if the store is closed or cannot be written.

        Raises:
            StoreError: A scavenge is already running.
        """
        if self._scavenge_task is not None:
            raise StoreError(self.path or MEMORY, "a scavenge runs already")
        self._scavenger = Scavenger(self.append, self._clock() // 1_000_000)
        self.scavenge_id = uuid4()
        self._scavenge_task = asyncio.get_running_loop().create_task(self._scavenge(self._scavenger))
        return self._scavenge_task

    async def stop_scavenge(self) -> None:
        """Stop the scavenge that is running, and wait until it has ended. Do nothing if none is running."""
        if self._scavenger is not None and self._scavenge_task is not None:
            self._scavenger.stop()
            await asyncio.wait([self._scavenge_task])

    async def _scavenge(self, scavenger: Scavenger) -> Scavenged:
        began = time.monotonic()
        try:
            await scavenger.run()
            if self.path is not None:
                await asyncio.to_thread(checkpoint, self.path)
        except CannotScavenge as error:
            raise StoreError(self.path or MEMORY, str(error)) from error
        finally:
            self._scavenge_task = self._scavenger = self.scavenge_id = None
        return Scavenged(scavenger.size, time.monotonic() - began)

    async def close(self) -> None:
        """Commit pending changes, and close the file. A second call does nothing."""
        self.is_closed = True
        if self._writer is not None:
            writer, self._writer = self._writer, None
            await writer.stop()
        if self._scavenge_task is not None:  # The scavenge ends after its current step.
            await asyncio.wait([self._scavenge_task])
        for connection in self._connections:
            connection.close()

    def __repr__(self) -> str:
        state = "closed" if self.is_closed else f"{self.commits.count} commits"
        return f"<SqliteStore {self.path or 'in memory'}, {state}>"
