"""Size of the record that a server stores for an event (docs/protocol/tcp.md, section 4.17).

A server checks the size of an event when a request arrives, but terminates if the record of the event is then larger
than MAX_RECORD_BYTES. The record also contains the name of the stream. Each text must fit in UTF-8, in which it is
stored, and in UTF-16, in which the server keeps it in memory. So the client checks the size before it sends an event.
"""

from __future__ import annotations

from typing import Final

MAX_RECORD_BYTES: Final = 16 * 1024 * 1024
"""Bytes of the largest record that a server can store."""

_OVERHEAD: Final = 128
"""Upper bound of the bytes for ids, positions, times and lengths, which take 80 to 100 bytes."""


def utf16_bytes(text: str) -> int:
    """Return the size of a text in UTF-16, in bytes."""
    return 2 * len(text) if text.isascii() else len(text.encode("utf-16-le"))


def text_bytes(text: str) -> int:
    """Return the size of a text in UTF-8 or UTF-16, whichever is larger, in bytes."""
    return 2 * len(text) if text.isascii() else max(len(text.encode()), utf16_bytes(text))


def fits(event_bytes: int, stream: str, most: int = MAX_RECORD_BYTES) -> bool:
    """Return whether an event of `event_bytes` bytes fits into a record together with the name of its stream.

    Args:
        event_bytes: Size of the event.
        stream: Name of the stream.
        most: Size of the largest record.
    """
    room = most - _OVERHEAD - event_bytes
    return room >= 4 * len(stream) or room >= text_bytes(stream)
