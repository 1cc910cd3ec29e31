"""Pages of what a filter lets through.

Events are examined in the order of the log, a gulp at a time: one fetch and one parse a gulp, to know their
streams and types. What is wanted goes onto the page as it is stored. A page ends with the event that fills
it, when as many were examined as was asked for, or when that has taken too much (bytes, or steps of the
filter): whoever asks goes on from where it ended, and nobody else waits long.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from itertools import chain, islice
from typing import Any, Final, NamedTuple

from rxpump.model.positions import StreamDirection
from rxpump.server.errors import damaged_position
from rxpump.server.store.filters import LogFilter
from rxpump.server.store.pages import MAX_PAGE_BYTES, resolve
from rxpump.server.store.reader import LogRow, Reader, verify_log
from rxpump.server.store.record import leads_to, varint
from rxpump.server.store.record_schema import LogPage

_FETCHED: Final = 128  # events
_STEPS: Final = 8_000  # that a page may take, as the filter counts them: some milliseconds
_STEPS_PER_EVENT: Final = 5  # that it takes to fetch and parse one


class FilteredPage(NamedTuple):
    """Events as FilteredReadAllEventsCompleted.events, encoded.

    examined:     how many events were looked at.
    last_record:  the record of the last of them, and `last_tail` what follows it, as in Page; empty without any.
    is_end:       nothing lies beyond them.
    link_streams: the streams that links were followed into.
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
    """Examine up to `window` events for up to `count` that are wanted.

    Raises:
        TooCostly: The filter's regular expression is.
        DamagedRecord: An event that was examined is not what was written.
    """
    found = _Found(read, resolve_links=resolve_links)
    last = (b"", b"")
    examined, size, most_steps = 0, 0, wanted.search.steps + _STEPS
    cursor = read.log_rows(start, direction)
    rows = _parsed(cursor, read.log().largest)
    for examined, (row, event) in enumerate(islice(rows, window), 1):
        last = (row.record, row.all_tail)
        size += len(row.record)
        if wanted.matches(event.event):
            found.add(row)
        is_costly = wanted.search.steps + examined * _STEPS_PER_EVENT > most_steps
        if found.count == count or is_costly or max(size, found.size) > MAX_PAGE_BYTES:
            break
    is_end = next(rows, None) is None
    cursor.close()  # an open one would keep its view of the database
    return FilteredPage(b"".join(found.columns), examined, *last, is_end, frozenset(found.link_streams))


def _parsed(cursor: sqlite3.Cursor, largest: int) -> Iterator[tuple[LogRow, Any]]:
    """Give each row with its ResolvedEvent."""
    gulp = min(_FETCHED, max(1, MAX_PAGE_BYTES // max(1, largest)))
    while rows := [LogRow(*row) for row in cursor.fetchmany(gulp)]:
        verify_log(rows)
        columns = chain.from_iterable((row.all_head, row.record, row.all_tail) for row in rows)
        yield from zip(rows, LogPage.FromString(b"".join(columns)).events, strict=True)


class _Found:
    """What was found, as the columns of a page."""

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
