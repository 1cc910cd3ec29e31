"""Pages: one query and one concatenation each.

A page is bounded in events by what was asked for and in bytes by MAX_PAGE_BYTES, so that no reply
outgrows a frame (docs/protocol/tcp.md, section 4.17, tells of servers that do not care). It holds at least one event
if there is one.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from itertools import chain
from typing import Final, NamedTuple

from rxpump.server.store.checksum import Mismatch, event_checksum, verify
from rxpump.server.store.record import leads_to, varint
from rxpump.server.store.record_schema import StreamEntry
from rxpump.server.store.stored_stream import Target

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
        return int(StreamEntry.FromString(self.last_record).event.event_number)


def plain_page(cursor: sqlite3.Cursor, wanted: int, largest: int, places: Sequence[int] | None = None) -> Page:
    """Make a page of rows: the bytes of each, one row after the other.

    Rows are taken in as large a gulp as surely fits, so that an ordinary page is one gulp, and there
    is no work per event in Python.

    Args:
        cursor: Rows (head, record, tail or nothing, checksum, and without `places`, place). It is closed.
        wanted: Most events on the page.
        largest: Most bytes that any record has.
        places: The places of the events, if they are known before, which spares a column.

    Raises:
        Mismatch: Some events are not what was written.
    """
    columns: list[bytes] = []
    last: tuple[bytes, ...] = (b"", b"")
    count, room = 0, MAX_PAGE_BYTES
    while count < wanted and room > 0:
        rows = cursor.fetchmany(min(wanted - count, max(1, room // max(1, largest))))
        if not rows:
            break
        *pieces, checksums = zip(*rows, strict=True)
        if places is None:
            of_rows: Sequence[int] = checksums
            checksums = pieces.pop()
        else:
            of_rows = places[count : count + len(rows)]
        verify(pieces, of_rows, checksums)
        last = rows[-1][: len(pieces)]
        count += len(rows)
        taken = list(chain.from_iterable(zip(*pieces, strict=True)))
        room -= sum(map(len, taken))
        columns += taken
    cursor.close()  # an open one would keep its view of the database
    return Page(b"".join(columns), count, last[1], b"".join(last[2:]), cut=room <= 0 and count < wanted)


def resolved_page(cursor: sqlite3.Cursor, tag: bytes, now: int) -> Page:
    """Make a page with links followed.

    Args:
        cursor: Rows (head, record, tail, checksum, place, link_stream, link_revision, and `TARGET_COLUMNS`); without
            `tag` of `$all`, the tail is empty.
        tag: Tag of the field in which the page holds an event.
        now: Unix time in milliseconds.

    Raises:
        Mismatch: An event of the page is not what was written.
        DamagedRecord: An event that a link leads to is not.
    """
    entries: list[bytes] = []
    last = (b"", b"")
    streams: set[str] = set()
    room = MAX_PAGE_BYTES
    for head, record, tail, checksum, place, link_stream, link_revision, *target in cursor:
        if event_checksum(place, head, record, tail) != checksum:
            raise Mismatch([place])
        last = (record, tail)
        if link_stream is not None:
            if not leads_to(record, (link_stream, link_revision)):
                raise Mismatch([place])
            streams.add(link_stream)
            record = resolve(record, Target.of(*target).shown(link_revision, now))
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
