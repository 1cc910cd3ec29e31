"""Pages: one query and one concatenation each.

A page is bounded in events by what was asked for and in bytes by MAX_PAGE_BYTES, so that no reply
outgrows a frame (docs/protocol/tcp.md, section 4.17, tells of servers that do not care). It holds at least one event
if there is one.
"""

from __future__ import annotations

import sqlite3
from itertools import chain
from typing import Final, NamedTuple

from rxpump.server.store.record import varint
from rxpump.server.store.stored_stream import Target
from rxpump.wire.schema import ResolvedIndexedEvent

MAX_PAGE_BYTES: Final = 4 * 1024 * 1024


class Page(NamedTuple):
    """Events as the field `events` of a reply, encoded.

    size:         how many they are.
    last_record:  the record of the last of them, of the link itself where that is one; empty without any.
    last_tail:    what followed that, in a page of all its positions.
    cut:          the page was ended by its size; there may be more.
    link_streams: the streams that links were followed into.
    """

    events: bytes
    size: int
    last_record: bytes
    last_tail: bytes
    cut: bool
    link_streams: frozenset[str] = frozenset()

    @property
    def last_number(self) -> int | None:
        """The number of the last event, None where there is none."""
        if not self.size:
            return None
        return int(ResolvedIndexedEvent.FromString(self.last_record).event.event_number)


def plain_page(cursor: sqlite3.Cursor, wanted: int, largest: int) -> Page:
    """Make a page of rows (head, record, tail or nothing), its bytes one after the other.

    No record is over `largest` bytes.
    Rows are taken in as large a gulp as surely fits, so that an ordinary page is one gulp, and there
    is no work per event.
    """
    columns: list[bytes] = []
    last: tuple[bytes, ...] = (b"", b"")
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
    return Page(b"".join(columns), count, last[1], b"".join(last[2:]), cut=room <= 0 and count < wanted)


def resolved_page(cursor: sqlite3.Cursor, tag: bytes, now: int) -> Page:
    """Make a page with links followed, of rows (record, tail, link_stream, and the columns of a Target)."""
    entries: list[bytes] = []
    last = (b"", b"")
    streams: set[str] = set()
    room = MAX_PAGE_BYTES
    for record, tail, link_stream, *target in cursor:
        last = (record, tail)
        if link_stream is not None:
            streams.add(link_stream)
            record = resolve(record, Target(*target).shown(link_stream, now))
        entry = record + tail
        entries += (tag, varint(len(entry)), entry)
        room -= len(entry)
        if room <= 0:
            break
    cursor.close()
    return Page(b"".join(entries), len(entries) // 3, *last, room <= 0, frozenset(streams))


def resolve(link: bytes, target: bytes | None) -> bytes:
    """Turn the record of a link into what a resolved event holds: the target if there is one, and the link."""
    return (target or b"") + b"\x12" + link[1:]
