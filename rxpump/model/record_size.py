"""Size of the record that a server makes of an event (docs/protocol/tcp.md, section 4.17).

Servers check the size of an event when a request comes, but end if the record that they then make of the event is
larger than MAX_RECORD_BYTES. The record also has the name of the stream, and a server counts each text both as UTF-8,
for the file, and as UTF-16, in memory. So a client must know the size of the record before it sends the event.
"""

from __future__ import annotations

from typing import Final

MAX_RECORD_BYTES: Final = 16 * 1024 * 1024
"""Largest record that a server can store."""

_OVERHEAD: Final = 128  # ids, positions, times and lengths, which take 80 to 100 bytes


def utf16_bytes(text: str) -> int:
    """Return the bytes of `text` in UTF-16, as servers count the type of an event against MAX_EVENT_BYTES."""
    return 2 * len(text) if text.isascii() else len(text.encode("utf-16-le"))


def text_bytes(text: str) -> int:
    """Return the bytes of `text` in UTF-8 or UTF-16, whichever is longer."""
    return 2 * len(text) if text.isascii() else max(len(text.encode()), utf16_bytes(text))


def fits(event_bytes: int, stream: str) -> bool:
    """Return whether a server can store an event of this size (its type counted by `text_bytes`) in `stream`."""
    room = MAX_RECORD_BYTES - _OVERHEAD - event_bytes
    return room >= 4 * len(stream) or room >= text_bytes(stream)
