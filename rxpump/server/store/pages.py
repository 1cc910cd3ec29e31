"""Pages: one query and one concatenation each.

A page is bounded in events by what was asked for and in bytes by MAX_PAGE_BYTES, so that no reply
outgrows a frame (protocol section 4.17 tells of servers that do not care). It holds at least one event
if there is one.
"""

from __future__ import annotations

import sqlite3
from itertools import chain
from typing import Final, NamedTuple

from rxpump.server.store.record import varint

MAX_PAGE_BYTES: Final = 4 * 1024 * 1024


class Page(NamedTuple):
    """Events as the field `events` of a reply, encoded.

    size:         how many they are.
    last_columns: the columns of the last row, empty where there is none.
    cut:          the page was ended by its size; there may be more.
    link_streams: the streams that links were followed into.
    """

    events: bytes
    size: int
    last_columns: tuple[bytes, ...]
    cut: bool
    link_streams: frozenset[str] = frozenset()


def plain_page(cursor: sqlite3.Cursor, wanted: int, largest: int) -> Page:
    """Make a page of rows whose columns, one after the other, are its bytes; no record is over `largest`.

    Rows are taken in as large a gulp as surely fits, so that an ordinary page is one gulp, and there
    is no work per event.
    """
    columns: list[bytes] = []
    last: tuple[bytes, ...] = ()
    count, room = 0, MAX_PAGE_BYTES
    while count < wanted and room > 0:
        rows = cursor.fetchmany(min(wanted - count, max(1, room // max(1, largest))))
        if not rows:
            break
        last = rows[-1]
        count += len(rows)
        taken = list(chain.from_iterable(rows))
        room -= sum(map(len, taken))
        columns += taken
    cursor.close()  # an open one would keep its view of the database
    return Page(b"".join(columns), count, last, cut=room <= 0 and count < wanted)


def resolved_page(cursor: sqlite3.Cursor, tag: bytes) -> Page:
    """Make a page with links followed, of rows (record, tail, link_stream, target record or None)."""
    entries: list[bytes] = []
    last: tuple[bytes, ...] = ()
    streams: set[str] = set()
    room = MAX_PAGE_BYTES
    for record, tail, link_stream, target in cursor:
        entry = (record if link_stream is None else resolve(record, target)) + tail
        entries += (tag, varint(len(entry)), entry)
        last = (record, tail)
        if link_stream is not None:
            streams.add(link_stream)
        room -= len(entry)
        if room <= 0:
            break
    cursor.close()
    return Page(b"".join(entries), len(entries) // 3, last, room <= 0, frozenset(streams))


def resolve(link: bytes, target: bytes | None) -> bytes:
    """Turn the record of a link into what a resolved event holds: the target if there is one, and the link."""
    return (target or b"") + b"\x12" + link[1:]
