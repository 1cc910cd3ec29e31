"""What becomes of an append: the decision table of docs/protocol/tcp.md, section 4.3, row by row.

Only event ids are compared; type, data and metadata are not looked at. A "recent" id is one that the stream
holds, or with `Strictness.REAL`, one that was placed in this stream before any other. A real server forgets old
ids (its cache has 8 MiB); this server forgets an id when a scavenge removes the event, because it looks up an
index on disk. Row 13 is about clusters.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from rxpump.model.positions import ExpectedVersion
from rxpump.server.strictness import Strictness


class StreamState(Protocol):
    """A stream as it is before the append."""

    @property
    def last(self) -> int:
        """The number of its last event, -1 where it has none."""

    @property
    def is_tombstoned(self) -> bool:
        """Whether it was deleted for ever."""

    @property
    def is_soft_deleted(self) -> bool:
        """Whether it was deleted, to begin anew with the next write."""

    def has_metadata(self) -> bool:
        """Whether anything was ever written to its metadata stream."""

    def recent(self, event_id: bytes, strictness: Strictness) -> int | None:
        """Return the number of the first event with this id in this stream.

        Returns:
            The number; None if the stream holds no such event, or with `Strictness.REAL`, if another stream
            got the id first.
        """

    def ids_after(self, number: int, count: int) -> list[bytes]:
        """The ids of those of the `count` events after event `number` that are stored."""


class Append(NamedTuple):
    """Write the events, the first as number `first`."""

    first: int


class Repeated(NamedTuple):
    """The events are there already, as `first` to `last`: the write succeeds and changes nothing."""

    first: int
    last: int


class WrongVersion(NamedTuple):
    """The stream is not as expected; its last event is `current`."""

    current: int


class StreamDeleted(NamedTuple):
    """The stream is deleted: for ever, or for who expects that it exists."""


class Unanswered(NamedTuple):
    """The ids are there already, but in another order: a real server never answers (`Strictness.REAL`)."""


Decision = Append | Repeated | WrongVersion | StreamDeleted | Unanswered


def decide(
    expected: int, ids: Sequence[bytes], stream: StreamState, strictness: Strictness = Strictness.LENIENT
) -> Decision:
    """Decide on appending events of these `ids`, by the first row that applies."""
    if stream.is_tombstoned:
        return StreamDeleted()  # row 1
    if expected == ExpectedVersion.STREAM_EXISTS:
        if stream.is_soft_deleted:
            return StreamDeleted()  # row 2
        if stream.last < 0 and not stream.has_metadata():
            return WrongVersion(stream.last)  # row 3
    if expected in (ExpectedVersion.ANY, ExpectedVersion.STREAM_EXISTS):
        return _by_recent_ids(ids, stream, strictness)
    if expected < stream.last:
        return _by_stored_ids(expected, ids, stream)
    if expected > stream.last:
        return WrongVersion(stream.last)  # row 11
    return Append(stream.last + 1)  # row 12, even if the ids are there already


def _by_recent_ids(ids: Sequence[bytes], stream: StreamState, strictness: Strictness) -> Decision:
    first = stream.recent(ids[0], strictness) if ids else None
    if first is None:
        return Append(stream.last + 1)  # row 4: later ids are not looked at
    last = first
    for event_id in ids[1:]:
        number = stream.recent(event_id, strictness)
        if number is None:
            return WrongVersion(stream.last)  # row 5
        last = number
    if last < first - 1:  # row 7: nothing is written, and no range of numbers holds the events in this order
        return Unanswered() if strictness is Strictness.REAL else WrongVersion(stream.last)
    return Repeated(first, last)  # row 6


def _by_stored_ids(expected: int, ids: Sequence[bytes], stream: StreamState) -> Decision:
    stored = stream.ids_after(expected, len(ids)) if ids else []
    if ids and stored == list(ids):
        return Repeated(expected + 1, expected + len(ids))  # row 8
    if ids and stored[:1] != [ids[0]] and expected == ExpectedVersion.NO_STREAM and stream.is_soft_deleted:
        return Append(stream.last + 1)  # row 9, the exception: a deleted stream is as good as none
    return WrongVersion(stream.last)  # rows 9 and 10
