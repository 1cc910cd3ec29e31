"""Checksums of what is stored: CRC-32, computed for a whole page by functions of C.

Each row has a checksum that is verified when the row is read. An event has two, because a page of a stream and
a page of `$all` are made of different columns of it (`rxpump.server.store.record`). The place where the event
belongs is part of the checksum, so that a damaged index, which leads to another row, is noticed too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final
from zlib import crc32

_SPREAD: Final = 2_654_435_761
_MOST: Final = 0x3FFF_FFFF

UNKNOWN: Final = -1
"""A stored checksum that no row has, so that a row with it counts as damaged."""

_NONE: Final = -2
"""The checksum of values of the wrong types, which damage leaves; none that is stored is equal to it."""


class Mismatch(Exception):
    """Rows that are not what was written; `places` are theirs, at least one, None where damage has taken it."""

    def __init__(self, places: Sequence[int | None]) -> None:
        super().__init__(places)
        self.places = places


def first_place(stream: int) -> int:
    """Return the place of event 0 of the stream with key `stream`; event n has the place that is n higher."""
    return stream * _SPREAD & _MOST


def event_checksum(place: int, *pieces: bytes) -> int:
    """Return the checksum of one event, which is made of `pieces` and belongs to `place`."""
    try:
        for piece in pieces:
            place = crc32(piece, place)
    except TypeError:
        return _NONE
    return place


def verify(columns: Sequence[Iterable[bytes]], places: Sequence[int], checksums: Sequence[int]) -> None:
    """Compare the checksums of many events with those that were stored.

    Args:
        columns: The columns that an event is made of, in order, each with a value per event.
        places: The place of each event.
        checksums: The stored checksum of each event.

    Raises:
        Mismatch: Some events are not what was written.
    """
    values: Iterable[int] = places
    for column in columns:
        values = map(crc32, column, values)
    try:
        computed = list(values)
    except TypeError:  # damage has made one value a number, say: find out which
        computed = [event_checksum(place, *pieces) for place, *pieces in zip(places, *columns, strict=True)]
    if computed != list(checksums):
        pairs = zip(places, computed, checksums, strict=True)
        raise Mismatch([place for place, found, stored in pairs if found != stored])


def row_checksum(numbers: Sequence[int], *values: str | bytes | None) -> int:
    """Return the checksum of a row that has these numbers and values."""
    try:
        checksum = crc32(b"%d," * len(numbers) % tuple(numbers))
        for value in values:
            if value is None:
                checksum = crc32(b"-", checksum)
            else:
                content = value.encode() if isinstance(value, str) else value
                checksum = crc32(content, crc32(b"%d:" % len(content), checksum))
    except (TypeError, ValueError, OverflowError):
        return _NONE
    return checksum
