"""Pages: each is one query and one concatenation of its events.

A page has at most as many events as requested and about `MAX_PAGE_BYTES` bytes, so that every reply fits into a frame
(docs/protocol/tcp.md, section 4.17). It has at least one event if there is one.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Final, NamedTuple

from rxpump.server.store.checksum import Mismatch, event_checksum, verify
from rxpump.server.store.record import leads_to, record_and_tail, varint
from rxpump.server.store.record_schema import StreamEntry
from rxpump.server.store.stored_stream import Target

MAX_PAGE_BYTES: Final = 4 * 1024 * 1024
"""Bytes after which a page ends."""

STREAM_ENTRY: Final = "CAST(events.stream_head || events.record AS BLOB)"
"""SQL expression of an event as it is in a page of a stream.

SQLite joins the columns, because it takes longer to fetch one more column of each row.
"""

LOG_ENTRY: Final = "CAST(events.all_head || events.record || events.all_tail AS BLOB)"
"""SQL expression of an event as it is in a page of the log."""


class Page(NamedTuple):
    """A page of events.

    Attributes:
        events: The events, as an encoded `StreamPage` or `LogPage`.
        size: Number of events.
        last_record: Record of the last event, or of the link by which it was reached; empty if there is no event.
        last_tail: Positions of that event, encoded, in a page of the log.
        cut: Whether the page ended because of its size, so that there can be further events.
        link_streams: Streams in which targets of links were looked up.
    """

    events: bytes
    size: int
    last_record: bytes
    last_tail: bytes
    cut: bool
    link_streams: frozenset[str] = frozenset()

    @property
    def last_number(self) -> int | None:
        """Number of the last event; None if there is none."""
        if not self.size:
            return None
        return int(StreamEntry.FromString(self.last_record).event.event_number)


def plain_page(cursor: sqlite3.Cursor, wanted: int, largest: int, places: Sequence[int] | None = None) -> Page:
    """Return a page that is made of the entries of rows, without work for each event in Python.

    As many rows are fetched at once as fit for certain, so that most pages need a single fetch.

    Args:
        cursor: Rows of `STREAM_ENTRY` or `LOG_ENTRY`, checksum, and without `places` also place. It is closed.
        wanted: Maximum number of events.
        largest: Size in bytes of the largest record of the store.
        places: Places of the events, if they are known.

    Raises:
        Mismatch: Some events are damaged.
    """
    parts: list[bytes] = []
    last = b""
    count, room = 0, MAX_PAGE_BYTES
    while count < wanted and room > 0:
        rows = cursor.fetchmany(min(wanted - count, max(1, room // max(1, largest))))
        if not rows:
            break
        entries, checksums, *found = zip(*rows, strict=True)
        verify([entries], found[0] if places is None else places[count : count + len(rows)], checksums)
        last = entries[-1]
        count += len(rows)
        parts.append(b"".join(entries))
        room -= len(parts[-1])
    cursor.close()  # An open cursor would keep its snapshot of the database.
    record, tail = record_and_tail(last) if last else (b"", b"")
    return Page(b"".join(parts), count, record, tail, cut=room <= 0 and count < wanted)


def resolved_page(cursor: sqlite3.Cursor, tag: bytes, now: int) -> Page:
    """Return a page with the targets of links.

    Args:
        cursor: Rows of head, record, tail (empty for a stream), checksum, place, link_stream, link_revision, and
            `TARGET_COLUMNS`. It is closed.
        tag: Tag of the field `events` of the page.
        now: Unix time in milliseconds.

    Raises:
        Mismatch: An event of the page is damaged.
        DamagedRecord: The target of a link is damaged.
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
    """Return the encoded entry of a resolved link: the record of its target, if there is one, and the link."""
    return (target or b"") + b"\x12" + link[1:]
