"""Read events of a stream together with their positions in the log.

An ordinary page of a stream has no positions, because the TCP protocol sends none there. The gRPC protocol needs
them, so it reads the events of a stream as a page of the log.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rxpump.model.positions import StreamDirection
from rxpump.server.errors import damaged_event, damaged_position
from rxpump.server.store.checksum import Mismatch, event_checksum
from rxpump.server.store.pages import LOG_ENTRY, Page, plain_page
from rxpump.server.store.reader import Reader
from rxpump.server.store.record_schema import LogEntry, LogPage
from rxpump.server.store.stored_stream import StoredStream
from rxpump.server.store.stream_window import Window

_ORDER: Final = {StreamDirection.FORWARD: "ASC", StreamDirection.BACKWARD: "DESC"}
_COLUMNS: Final = "all_head, record, all_tail, all_checksum, position"


def located_page(read: Reader, stream: StoredStream, window: Window, direction: StreamDirection) -> Page:
    """Return the visible events of a window of a stream, as a `LogPage`. Links are not resolved.

    Raises:
        DamagedRecord: An event is damaged.
    """
    low, high = window
    where = "stream = ? AND revision BETWEEN ? AND ?"
    values: tuple[int, ...] = (stream.key, low, high)
    since = stream.since(read.now())
    if since is not None:
        where, values = f"{where} AND created >= ?", (*values, since)
    columns = f"{LOG_ENTRY}, all_checksum, position"
    cursor = read.rows(f"SELECT {columns} FROM events WHERE {where} ORDER BY revision {_ORDER[direction]}", values)
    try:
        page = plain_page(cursor, max(0, high - low + 1), read.log().largest)
    except Mismatch as damage:
        raise damaged_position(damage.places[0]) from None
    expected = min(high, stream.last) - max(low, stream.scavenged + 1) + 1
    if since is None and not page.cut and page.size < expected:
        read.check_missing(stream, low, high, page.size)
    return page


def located_target(read: Reader, name: str, revision: int | None) -> bytes | None:
    """Return the target of a link, as an encoded `LogEntry`.

    Args:
        read: Reader of the store.
        name: Stream of the target.
        revision: Number of the target; -1 for the last event; None if the link names no event.

    Returns:
        The event; None if there is no such event, or if it is not visible.

    Raises:
        DamagedRecord: The event is damaged.
    """
    stream = read.stream(name)
    if stream is None or revision is None:
        return None
    number = stream.last if revision < 0 else revision
    found = read.rows(
        f"SELECT {_COLUMNS}, created FROM events WHERE stream = ? AND revision = ?", (stream.key, number)
    ).fetchone()
    if found is None:
        read.check_missing(stream, number, number, 0)
        return None
    head, record, tail, checksum, place, created = found
    if event_checksum(place, head, record, tail) != checksum:
        raise damaged_event(name, number)
    return bytes(record + tail) if stream.shows(number, created, read.now()) else None


def located_positions(read: Reader, name: str, revisions: Sequence[int]) -> dict[int, tuple[int, int]]:
    """Return the positions of stored events of a stream.

    Args:
        read: Reader of the store.
        name: Name of the stream.
        revisions: Numbers of the events, at least one.

    Returns:
        Commit and prepare position by number, without events that are not stored any more.
    """
    stream = read.stream(name)
    if stream is None:
        return {}
    rows = read.rows(
        f"SELECT revision, {_COLUMNS} FROM events WHERE stream = ? AND revision BETWEEN ? AND ?",
        (stream.key, min(revisions), max(revisions)),
    )
    wanted, found = set(revisions), {}
    for number, head, record, tail, checksum, place in rows:
        if number in wanted:
            if event_checksum(place, head, record, tail) != checksum:
                raise damaged_event(name, number)
            at = LogEntry.FromString(tail)
            found[number] = (at.commit_position, at.prepare_position)
    return found


def located_position(read: Reader, name: str, revision: int) -> int | None:
    """Return the position of a stored event in the log; None if it is not stored any more."""
    stream = read.stream(name)
    if stream is None:
        return None
    page = located_page(read, stream, Window(revision, revision), StreamDirection.FORWARD)
    return int(LogPage.FromString(page.events).events[0].commit_position) if page.size else None
