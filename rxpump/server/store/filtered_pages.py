"""Pages of the log that contain only the events that a filter lets pass.

Events are examined in the order of the log. They are fetched and parsed `_FETCHED` at a time, and those that pass go
onto the page as they are stored. A page ends when it is full, when it has examined as many events as requested, or
when it has cost too much (bytes, or steps of the filter). The next page continues after the last examined event, so
that one request never blocks the server for long.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import chain
from typing import Any, Final, NamedTuple

from rxpump.model.positions import StreamDirection
from rxpump.server.errors import damaged_position
from rxpump.server.store.filters import LogFilter
from rxpump.server.store.pages import MAX_PAGE_BYTES, resolve
from rxpump.server.store.reader import LogRow, Reader, verify_log
from rxpump.server.store.record import leads_to, varint
from rxpump.server.store.record_schema import LogPage

_FETCHED: Final = 128
"""Number of events that are fetched at a time."""

_STEPS: Final = 8_000
"""Largest number of steps of the filter for one page, which take some milliseconds."""

_STEPS_PER_EVENT: Final = 5
"""Cost of fetching and parsing one event, in steps."""


class FilteredPage(NamedTuple):
    """A filtered page.

    Attributes:
        events: The events that passed, as an encoded `LogPage`.
        examined: Number of events that were examined.
        last_record: Record of the last examined event; empty if there is none.
        last_tail: Positions of that event, encoded.
        is_end: Whether there are no further events.
        link_streams: Streams in which targets of links were looked up.
    """

    events: bytes
    examined: int
    last_record: bytes
    last_tail: bytes
    is_end: bool
    link_streams: frozenset[str]


def filtered_page(
    read: Reader,
    start: int,
    direction: StreamDirection,
    wanted: LogFilter,
    *,
    count: int,
    window: int,
    resolve_links: bool,
) -> FilteredPage:
    """Read a page of events that pass a filter.

    Args:
        read: Reader of the store.
        start: Offset in the log at which to start; backward, the events before it are read.
        direction: Direction of the read.
        wanted: The filter.
        count: Maximum number of events on the page.
        window: Maximum number of events to examine.
        resolve_links: Whether to add the targets of links.

    Raises:
        TooCostly: The regular expression of the filter takes too many steps for one event.
        DamagedRecord: An examined event is damaged.
    """
    with closing(FilteredScan(read, start, direction, wanted, resolve_links=resolve_links)) as scan:
        return scan.page(count, window)


class FilteredScan:
    """Reads consecutive pages of events that pass a filter, from one snapshot of the log. Close it soon.

    Args:
        read: Reader of the store.
        start: Offset in the log at which to start; backward, the events before it are read.
        direction: Direction of the read.
        wanted: The filter.
        resolve_links: Whether to add the targets of links.
    """

    def __init__(
        self, read: Reader, start: int, direction: StreamDirection, wanted: LogFilter, *, resolve_links: bool
    ) -> None:
        self._read = read
        self._wanted = wanted
        self._resolve_links = resolve_links
        self._cursor = read.log_rows(start, direction)
        self._rows = _parsed(self._cursor, read.log().largest)
        self._next = next(self._rows, None)

    def page(self, count: int, window: int) -> FilteredPage:
        """Return the next page, with at most `count` events of at most `window` that are examined.

        Raises:
            TooCostly: The regular expression of the filter takes too many steps for one event.
            DamagedRecord: An examined event is damaged.
        """
        wanted = self._wanted
        found = _Found(self._read, resolve_links=self._resolve_links)
        last = (b"", b"")
        examined, size, most_steps = 0, 0, wanted.search.steps + _STEPS
        while self._next is not None and examined < window:
            (row, event), self._next = self._next, next(self._rows, None)
            examined += 1
            last = (row.record, row.all_tail)
            size += len(row.record)
            if wanted.matches(event.event):
                found.add(row)
            is_costly = wanted.search.steps + examined * _STEPS_PER_EVENT > most_steps
            if found.count == count or is_costly or max(size, found.size) > MAX_PAGE_BYTES:
                break
        is_end = self._next is None
        return FilteredPage(b"".join(found.columns), examined, *last, is_end, frozenset(found.link_streams))

    def close(self) -> None:
        """Close the cursor. An open one would keep its snapshot of the database."""
        self._cursor.close()

    def __repr__(self) -> str:
        return f"<FilteredScan, {self._wanted!r}{', at its end' if self._next is None else ''}>"


def _parsed(cursor: sqlite3.Cursor, largest: int) -> Iterator[tuple[LogRow, Any]]:
    """Yield each row with its `LogEntry`."""
    fetched = min(_FETCHED, max(1, MAX_PAGE_BYTES // max(1, largest)))
    while rows := [LogRow(*row) for row in cursor.fetchmany(fetched)]:
        verify_log(rows)
        columns = chain.from_iterable((row.all_head, row.record, row.all_tail) for row in rows)
        yield from zip(rows, LogPage.FromString(b"".join(columns)).events, strict=True)


class _Found:
    """The events that passed, as columns of a page."""

    def __init__(self, read: Reader, *, resolve_links: bool) -> None:
        self.columns: list[bytes] = []
        self.link_streams: set[str] = set()
        self.count = self.size = 0
        self._read = read
        self._resolve_links = resolve_links

    def add(self, row: LogRow) -> None:
        if self._resolve_links and row.link_stream is not None:
            if not leads_to(row.record, (row.link_stream, row.link_revision)):
                raise damaged_position(row.position)
            target = self._read.target(row.link_stream, row.link_revision)
            entry = resolve(row.record, target) + row.all_tail
            columns: tuple[bytes, ...] = (b"\x1a" + varint(len(entry)), entry)
            self.link_streams.add(row.link_stream)
        else:
            columns = (row.all_head, row.record, row.all_tail)
        self.columns += columns
        self.count += 1
        self.size += sum(map(len, columns))
