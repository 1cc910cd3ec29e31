"""What nobody is shown any more goes from the disk, while others write.

It goes by many small steps, each a change like any other, so that a writer waits for one of them at most:
streams are looked for, some events of a stream are looked at, and those go that its metadata, or its
deletion, hide at that moment. What is left of a stream is its row: its last number, and what its metadata
come to. Pages of the file that have become empty are given back by steps too.
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

_STREAMS: Final = 5_000  # looked at in one step
_EVENTS: Final = 200
_BYTES: Final = 4 * 1024 * 1024  # that go in one step
_PAGES: Final = 100
_WEIGHT: Final = 256  # of a step


class CannotScavenge(Exception):
    """A step could not be committed; `args[0]` says why. Those before it are done."""


class Scavenged(NamedTuple):
    """What a scavenge has come to: the bytes of the records that went, and how long it took, in seconds."""

    size: int
    seconds: float


class _Step:
    """A change that is a part of a scavenge."""

    @property
    def weight(self) -> int:
        """How much work it is."""
        return _WEIGHT

    def __str__(self) -> str:
        return f"a step of a scavenge, {type(self).__name__}"


class Candidate(NamedTuple):
    """A stream of which something may be hidden."""

    key: int
    name: str


class Found(NamedTuple):
    """Streams of which something may be hidden, and after which key to go on, None where there is no more."""

    candidates: list[Candidate]
    after: int | None


class FindStreams(_Step):
    """Look at some streams, those after that of key `after`."""

    def __init__(self, after: int) -> None:
        self.after = after

    def apply(self, log: WriteTransaction) -> Found:
        """Find those of which something may be hidden."""
        until = self.after + _STREAMS
        rows = log.connection.execute(
            "SELECT id, name FROM streams WHERE id > ? AND id <= ?"
            " AND (metadata IS NOT NULL OR last = ? OR (name >= ? AND name < '$%'))",
            (self.after, until, MAX_EVENT_NUMBER, METADATA_PREFIX),
        ).fetchall()
        [newest] = log.connection.execute("SELECT ifnull(max(id), 0) FROM streams").fetchone()
        return Found([Candidate(*row) for row in rows], until if newest > until else None)


class Removed(NamedTuple):
    """How many bytes of records went, and after which number to go on, None where there is no more."""

    size: int
    after: int | None


class RemoveHidden(_Step):
    """Look at some events of a stream, those after number `after`, and remove what is hidden of them."""

    def __init__(self, candidate: Candidate, after: int, now: int) -> None:
        self.candidate = candidate
        self.after = after
        self.now = now

    def apply(self, log: WriteTransaction) -> Removed:
        """Remove them."""
        found = log.stream(self.candidate.name)
        stream = found.stored()
        rows = log.connection.execute(
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
        log.connection.executemany("DELETE FROM prepares WHERE position = ?", hidden)
        log.connection.executemany("DELETE FROM events WHERE position = ?", hidden)
        return Removed(size, after)


def _end_of_hidden(stream: StoredStream) -> int:
    """Give the number from which on nothing is hidden of a stream."""
    if stream.is_tombstoned or stream.metadata.max_age is not None:
        return MAX_EVENT_NUMBER
    return stream.first_kept


class FreePages(_Step):
    """Make the file some pages shorter."""

    def apply(self, log: WriteTransaction) -> int:
        """Give the number of empty pages that are left; the same again where they cannot be given back."""
        [empty] = log.connection.execute("PRAGMA freelist_count").fetchone()
        for _ in range(min(_PAGES, empty)):  # a statement without columns is run to its first page and no further
            log.connection.execute("PRAGMA incremental_vacuum(1)")
        return int(log.connection.execute("PRAGMA freelist_count").fetchone()[0])


class Scavenger:
    """One scavenge: `write` makes changes, `now` is the time in Unix milliseconds. `size` is what went so far."""

    def __init__(self, write: Callable[[Change[Any]], Any], now: int) -> None:
        self._write = write
        self._now = now
        self.size: int = 0

    async def run(self) -> None:
        """Remove all that is hidden. Raises CannotScavenge where the store cannot write."""
        after: int | None = 0
        while after is not None:
            candidates, after = await self._do(FindStreams(after))
            for candidate in candidates:
                await self._remove_hidden(candidate)
        empty, left = None, await self._do(FreePages())
        while left != empty:
            empty, left = left, await self._do(FreePages())

    async def _remove_hidden(self, candidate: Candidate) -> None:
        after: int | None = -1
        while after is not None:
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
