"""The scavenge, which removes invisible events from the disk while writes continue.

It works in small steps, each of which is a change like any other, so that a writer waits for one step at most. The
steps find streams, examine some events of a stream, and remove those that its metadata or its deletion hide at that
moment. The row of a stream remains, with its last number and the summary of its metadata. Further steps return empty
pages of the file to the file system.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple, TypeVar

from rxpump.model.limits import MAX_EVENT_NUMBER
from rxpump.model.system_names import METADATA_PREFIX
from rxpump.server.store.changes import Change, NotCommitted
from rxpump.server.store.stored_stream import StoredStream
from rxpump.server.store.write_transaction import WriteTransaction

T = TypeVar("T")

_STREAMS: Final = 5_000  # number of streams that one step examines
_EVENTS: Final = 200  # events that one step examines
_BYTES: Final = 4 * 1024 * 1024  # bytes of records after which a step ends
_PAGES: Final = 100  # empty pages that one step returns
_WEIGHT: Final = 256  # weight of one step, see `Change.weight`


class CannotScavenge(Exception):
    """A step could not be committed; `args[0]` is the reason. Earlier steps are committed."""


class Scavenged(NamedTuple):
    """Result of a scavenge: the bytes of removed records, and its duration in seconds."""

    size: int
    seconds: float


class _Step:
    """A change that is one step of a scavenge."""

    @property
    def weight(self) -> int:
        """Cost of the change."""
        return _WEIGHT

    def __str__(self) -> str:
        return f"a step of a scavenge, {type(self).__name__}"


class Candidate(NamedTuple):
    """A stream that can have invisible events."""

    key: int
    name: str


class Found(NamedTuple):
    """Streams that can have invisible events, and the key after which to continue; None at the end."""

    candidates: list[Candidate]
    after: int | None


class FindStreams(_Step):
    """Step that finds streams with keys higher than `after`."""

    def __init__(self, after: int) -> None:
        self.after = after

    def apply(self, log: WriteTransaction) -> Found:
        """Return the streams that can have invisible events."""
        until = self.after + _STREAMS
        connection = log.flushed_connection()
        rows = connection.execute(
            "SELECT id, name FROM streams WHERE id > ? AND id <= ?"
            " AND (metadata IS NOT NULL OR last = ? OR (name >= ? AND name < '$%'))",
            (self.after, until, MAX_EVENT_NUMBER, METADATA_PREFIX),
        ).fetchall()
        [newest] = connection.execute("SELECT ifnull(max(id), 0) FROM streams").fetchone()
        return Found([Candidate(*row) for row in rows], until if newest > until else None)


class Removed(NamedTuple):
    """Bytes of removed records, and the number after which to continue; None at the end of the stream."""

    size: int
    after: int | None


class RemoveHidden(_Step):
    """Step that removes invisible events of a stream.

    Args:
        candidate: The stream.
        after: Number of the last event that an earlier step has examined.
        now: Time in Unix milliseconds.
    """

    def __init__(self, candidate: Candidate, after: int, now: int) -> None:
        self.candidate = candidate
        self.after = after
        self.now = now

    def apply(self, log: WriteTransaction) -> Removed:
        """Remove the events."""
        found = log.stream(self.candidate.name)
        stream = found.stored()
        connection = log.flushed_connection()
        rows = connection.execute(
            "SELECT position, revision, created, length(record) FROM events"
            " WHERE stream = ? AND revision > ? AND revision < ? ORDER BY revision LIMIT ?",
            (stream.key, self.after, _end_of_hidden(stream), _EVENTS),
        ).fetchall()
        size, after, hidden = 0, None, []
        for position, revision, created, length in rows:
            after = revision
            if not stream.shows(revision, created, self.now):
                hidden.append((position,))
                found.scavenged, found.is_changed = max(found.scavenged, revision), True
                size += length
                if size > _BYTES:
                    break
        connection.executemany("DELETE FROM prepares WHERE position = ?", hidden)
        connection.executemany("DELETE FROM events WHERE position = ?", hidden)
        return Removed(size, after)


def _end_of_hidden(stream: StoredStream) -> int:
    """Return a number such that all events from it on are visible."""
    if stream.is_tombstoned or stream.metadata.max_age is not None:
        return MAX_EVENT_NUMBER
    return stream.first_kept


class FreePages(_Step):
    """Step that returns empty pages of the file to the file system."""

    def apply(self, log: WriteTransaction) -> int:
        """Free empty pages. Return the number that remains; if it does not decrease, they cannot be freed."""
        connection = log.flushed_connection()
        [empty] = connection.execute("PRAGMA freelist_count").fetchone()
        for _ in range(min(_PAGES, empty)):  # sqlite3 frees one page in each call, as the statement has no columns
            connection.execute("PRAGMA incremental_vacuum(1)")
        return int(connection.execute("PRAGMA freelist_count").fetchone()[0])


class Scavenger:
    """One scavenge.

    Args:
        write: Schedules a change and returns a future of its result.
        now: Time in Unix milliseconds.

    Attributes:
        size: Bytes of the records that were removed so far.
    """

    def __init__(self, write: Callable[[Change[Any]], Any], now: int) -> None:
        self._write = write
        self._now = now
        self._is_stopped = False
        self.size: int = 0

    def stop(self) -> None:
        """Let `run` return after its current step."""
        self._is_stopped = True

    async def run(self) -> None:
        """Remove all invisible events, unless it is stopped.

        Raises:
            CannotScavenge: The store cannot be written.
        """
        after: int | None = 0
        while after is not None and not self._is_stopped:
            candidates, after = await self._do(FindStreams(after))
            for candidate in candidates:
                await self._remove_hidden(candidate)
        empty, left = None, await self._do(FreePages())
        while left != empty and not self._is_stopped:
            empty, left = left, await self._do(FreePages())

    async def _remove_hidden(self, candidate: Candidate) -> None:
        after: int | None = -1
        while after is not None and not self._is_stopped:
            removed = await self._do(RemoveHidden(candidate, after, self._now))
            self.size += removed.size
            after = removed.after

    async def _do(self, step: Change[T]) -> T:
        outcome: T | NotCommitted = await self._write(step)
        if isinstance(outcome, NotCommitted):
            raise CannotScavenge(outcome.reason)
        return outcome

    def __repr__(self) -> str:
        return f"<Scavenger: {self.size} bytes removed>"
