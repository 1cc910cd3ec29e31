"""The two ends of a stream, and whether it was deleted."""

from __future__ import annotations

from typing import Final, NamedTuple

from reactivex import operators as rx

from rxpump.client import Client
from rxpump.errors import EventNotFound, StreamDeleted, StreamNotFound

LIVE: Final = "live"
DELETED: Final = "deleted"
"""State of a stream that was soft-deleted. It can be written again."""

TOMBSTONED: Final = "tombstoned"
"""State of a stream that was deleted for good."""


class Ends(NamedTuple):
    """The numbers of the events at both ends of a stream.

    Attributes:
        state: LIVE, DELETED or TOMBSTONED.
        first: Number of the first event that can be read; None if there is none.
        last: Number of the last event that can be read; None if there is none.
    """

    state: str
    first: int | None = None
    last: int | None = None

    @property
    def events(self) -> int:
        """Number of events that can be read."""
        return 0 if self.first is None or self.last is None else self.last - self.first + 1


async def find_ends(client: Client, stream: str) -> Ends:
    """Return the ends of a stream.

    Raises:
        AccessDenied: The user may not read the stream.
    """
    try:
        first = await _first_number(client, stream)
        last = None if first is None else (await client.get_event(stream, resolve_links=False)).number
    except StreamDeleted:
        return Ends(TOMBSTONED)
    except StreamNotFound:
        return Ends(DELETED)
    except EventNotFound:  # The events were truncated after the first was read.
        return Ends(LIVE)
    return Ends(LIVE, first, last)


async def _first_number(client: Client, stream: str) -> int | None:
    """Return the number of the first event; None if no event can be read.

    Most streams begin with an event on the first page of one event. A server skips truncated events page by page, so
    the rest is read in larger pages.
    """
    page = await client.get(stream, max_count=1, resolve_links=False)
    if len(page) or page.is_last:
        return page[0].number if len(page) else None
    rest = client.iter(stream, from_event=page.next, resolve_links=False)
    return await rest.pipe(rx.map(lambda event: event.number), rx.first_or_default(None, None))
