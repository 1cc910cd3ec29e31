"""The outcome of an append: the decision table of docs/protocol/tcp.md, section 4.3, row by row.

Only event ids are compared, not types, data or metadata. An id is recent if the stream holds it; with
`Strictness.REAL`, if this stream received it before any other stream. A real server removes old ids, because its
cache has 8 MiB. This server looks ids up in an index on disk, and removes an id when a scavenge removes the event.
Row 13 concerns clusters only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol

from rxpump.model.positions import ExpectedVersion
from rxpump.server.strictness import Strictness

_ANY: Final = int(ExpectedVersion.ANY)
_STREAM_EXISTS: Final = int(ExpectedVersion.STREAM_EXISTS)

BY_RECENT_IDS: Final = frozenset({_ANY, _STREAM_EXISTS})
"""Expected versions with which a repeated append is recognized by its ids alone."""


class StreamState(Protocol):
    """A stream before the append."""

    @property
    def last(self) -> int:
        """Number of the last event; -1 if there is none."""

    @property
    def is_tombstoned(self) -> bool:
        """Whether the stream was hard-deleted."""

    @property
    def is_soft_deleted(self) -> bool:
        """Whether the stream was soft-deleted; the next write makes it visible again."""

    def has_metadata(self) -> bool:
        """Return whether anything was ever written to the metadata stream of this stream."""

    def recent(self, event_id: bytes, strictness: Strictness) -> int | None:
        """Return the number of the first event with this id in this stream.

        Returns:
            The number. None if the stream holds no such event, or with `Strictness.REAL`, if another stream received
            the id first.
        """

    def ids_after(self, number: int, count: int) -> list[bytes]:
        """Return the ids of the stored events among the `count` events after event `number`."""


class Append(NamedTuple):
    """Outcome: the events are written. The first one receives the number `first`."""

    first: int


class Repeated(NamedTuple):
    """Outcome: the events are already in the stream, as `first` to `last`. The write succeeds and changes nothing."""

    first: int
    last: int


class WrongVersion(NamedTuple):
    """Outcome: the stream is not at the expected version. Its last event has the number `current`."""

    current: int


class StreamDeleted(NamedTuple):
    """Outcome: the stream is tombstoned, or it is soft-deleted and the append expects it to exist."""


class Unanswered(NamedTuple):
    """Outcome: the ids are in the stream in another order, and a real server does not reply (`Strictness.REAL`)."""


Decision = Append | Repeated | WrongVersion | StreamDeleted | Unanswered


def decide(
    expected: int, ids: Sequence[bytes], stream: StreamState, strictness: Strictness = Strictness.LENIENT
) -> Decision:
    """Return the outcome of an append.

    Args:
        expected: Expected version of the stream.
        ids: Ids of the events to append.
        stream: The stream before the append.
        strictness: How exactly to imitate a real server.

    Returns:
        The outcome of the first row of the table that applies.
    """
    if stream.is_tombstoned:
        return StreamDeleted()  # row 1 of the table
    if expected == _STREAM_EXISTS:
        if stream.is_soft_deleted:
            return StreamDeleted()  # row 2 of the table
        if stream.last < 0 and not stream.has_metadata():
            return WrongVersion(stream.last)  # row 3 of the table
    if expected in BY_RECENT_IDS:
        return _by_recent_ids(ids, stream, strictness)
    if expected < stream.last:
        return _by_stored_ids(expected, ids, stream)
    if expected > stream.last:
        return WrongVersion(stream.last)  # row 11 of the table
    return Append(stream.last + 1)  # row 12 of the table, even if the stream already contains the ids


def _by_recent_ids(ids: Sequence[bytes], stream: StreamState, strictness: Strictness) -> Decision:
    first = stream.recent(ids[0], strictness) if ids else None
    if first is None:
        return Append(stream.last + 1)  # row 4 of the table: only the first id is checked
    last = first
    for event_id in ids[1:]:
        number = stream.recent(event_id, strictness)
        if number is None:
            return WrongVersion(stream.last)  # row 5 of the table
        last = number
    if last < first - 1:  # row 7 of the table: nothing is written, and no range has the events in this order
        return Unanswered() if strictness is Strictness.REAL else WrongVersion(stream.last)
    return Repeated(first, last)  # row 6 of the table


def _by_stored_ids(expected: int, ids: Sequence[bytes], stream: StreamState) -> Decision:
    stored = stream.ids_after(expected, len(ids)) if ids else []
    if ids and stored == list(ids):
        return Repeated(expected + 1, expected + len(ids))  # row 8 of the table
    if ids and stored[:1] != [ids[0]] and expected == ExpectedVersion.NO_STREAM and stream.is_soft_deleted:
        # row 9 of the table, the exception: a soft-deleted stream is treated like a new one
        return Append(stream.last + 1)
    return WrongVersion(stream.last)  # rows 9 and 10 of the table
