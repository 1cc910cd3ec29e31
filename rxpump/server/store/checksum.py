"""CRC-32 checksums of stored rows, computed for whole pages by C functions.

A row's checksum is verified whenever the row is read. An event has two, because a page of a stream and a page of the
log consist of different columns (`rxpump.server.store.record`). Each checksum includes the place to which the event
belongs, so that a damaged index, which finds another row, is detected too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final
from zlib import crc32

_SPREAD: Final = 2_654_435_761
_MOST: Final = 0x3FFF_FFFF

UNKNOWN: Final = -1
"""Checksum that no row can have, so that a row with this value is regarded as damaged."""

_NONE: Final = -2
"""Checksum of values whose types are wrong after damage. No stored checksum equals it."""


class Mismatch(Exception):
    """Some rows are damaged.

    Attributes:
        places: Places of these rows, at least one; None if the place itself is damaged.
    """

    def __init__(self, places: Sequence[int | None]) -> None:
        super().__init__(places)
        self.places = places


def first_place(stream: int) -> int:
    """Return the place of event 0 of the stream with key `stream`. The place of event n is higher by n."""
    return stream * _SPREAD & _MOST


def event_checksum(place: int, *pieces: bytes) -> int:
    """Return the checksum of one event.

    Args:
        place: Place to which the event belongs.
        *pieces: Columns of the event.
    """
    try:
        for piece in pieces:
            place = crc32(piece, place)
    except TypeError:
        return _NONE
    return place


def verify(columns: Sequence[Iterable[bytes]], places: Sequence[int], checksums: Sequence[int]) -> None:
    """Compare the checksums of many events with the stored checksums.

    Args:
        columns: Columns of the events, in order, each with one value for each event.
        places: Place of each event.
        checksums: Stored checksum of each event.

    Raises:
        Mismatch: Some events are damaged.
    """
    values: Iterable[int] = places
    for column in columns:
        values = map(crc32, column, values)
    try:
        computed = list(values)
    except TypeError:  # Damage has changed the type of a value: find the event.
        computed = [event_checksum(place, *pieces) for place, *pieces in zip(places, *columns, strict=True)]
    if computed != list(checksums):
        pairs = zip(places, computed, checksums, strict=True)
        raise Mismatch([place for place, found, stored in pairs if found != stored])


def row_checksum(numbers: Sequence[int], *values: str | bytes | None) -> int:
    """Return the checksum of a row with these numbers and values."""
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
