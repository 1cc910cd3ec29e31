"""The events that one transaction has written, as the feed passes them to followers.

All followers of a batch share the same objects, so that an event is parsed at most once and a link is looked up at
most once. A follower can keep what it derives from a batch in `CommittedBatch.shared`, for other followers of its
kind.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Hashable, Sequence
from itertools import chain
from operator import attrgetter
from typing import Any, Final

from rxpump.server.store.pages import resolve
from rxpump.server.store.reader import Reader
from rxpump.server.store.record import Row
from rxpump.server.store.record_schema import LogEntry

_POSITION: Final = attrgetter("position")


class CommittedEvent:
    """An event that was written.

    Attributes:
        position: Position of the event in the log.
    """

    __slots__ = ("_entry", "_read", "_resolved", "_row", "position")

    def __init__(self, row: Row, read: Reader) -> None:
        self.position: int = row.position
        self._row = row
        self._read = read
        self._entry: Any = None
        self._resolved: bytes | None = None

    @property
    def entry(self) -> Any:
        """The event as a `LogEntry`, without resolving links."""
        if self._entry is None:
            self._entry = LogEntry.FromString(self._row.record + self._row.all_tail)
        return self._entry

    @property
    def size(self) -> int:
        """Size in bytes."""
        return len(self._row.record)

    @property
    def log_entry(self) -> tuple[bytes, bytes, bytes]:
        """The parts of an encoded `LogPage` with the event, without resolving links."""
        return self._row.all_head, self._row.record, self._row.all_tail

    def encoded(self, *, resolve_links: bool) -> tuple[bytes, bytes]:
        """Return the two parts of the encoded `LogEntry`: the record, and the positions that follow it."""
        row = self._row
        if row.link_stream is None or not resolve_links:
            return row.record, row.all_tail
        if self._resolved is None:
            self._resolved = resolve(row.record, self._read.target(row.link_stream, row.link_revision))
        return self._resolved, row.all_tail


class CommittedBatch:
    """At least one event of one stream, or of all streams, in the order of the log.

    Attributes:
        events: The events.
        shared: Values that followers derive from the batch, by keys that the followers choose.
    """

    def __init__(self, events: Sequence[CommittedEvent]) -> None:
        self.events = events
        self.shared: dict[Hashable, Any] = {}

    @property
    def size(self) -> int:
        """Size of all events in bytes."""
        return sum(event.size for event in self.events)

    @property
    def log_page(self) -> bytes:
        """The events as an encoded `LogPage`, without resolving links."""
        return b"".join(chain.from_iterable(event.log_entry for event in self.events))

    def index_after(self, position: int) -> int:
        """Return the index of the first event whose position is higher than `position`."""
        return bisect_right(self.events, position, key=_POSITION)

    def events_after(self, position: int) -> Sequence[CommittedEvent]:
        """Return the events whose position is higher than `position`."""
        return self.events[self.index_after(position) :]

    def __repr__(self) -> str:
        return f"<CommittedBatch of {len(self.events)} events>"
