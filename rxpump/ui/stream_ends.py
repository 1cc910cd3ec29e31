"""The two ends of a stream, and whether it was deleted."""

from __future__ import annotations

from typing import Final, NamedTuple

from reactivex import operators as rx

from rxpump.client import Client
from rxpump.errors import EventNotFound, StreamDeleted, StreamNotFound
from rxpump.model.system_names import METADATA_PREFIX

LIVE: Final = "live"
DELETED: Final = "deleted"
"""State of a stream that was soft-deleted. It can be written again."""

TOMBSTONED: Final = "tombstoned"
"""State of a stream that was deleted permanently."""


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


async def estimate_ends(client: Client, stream: str, last: int) -> Ends:
    """Return the ends of a stream whose last event is known, from its metadata.

    This takes one small request, while an event can have 16 MiB. Only if the age of the events is limited, the first
    one is read. If a limit was removed after the server had removed events, `first` is the number of such an event.

    Args:
        client: Client of the store.
        stream: Name of the stream.
        last: Number of its last event.

    Raises:
        AccessDenied: The user may not read the stream, or not its metadata.
    """
    if stream.startswith(METADATA_PREFIX):
        return await find_ends(client, stream)  # Metadata streams have no metadata of their own, and are small.
    try:
        metadata = (await client.get_metadata(stream)).metadata
    except StreamDeleted:
        return Ends(TOMBSTONED)
    if metadata.is_soft_deleted:
        return Ends(DELETED)
    if metadata.max_age is not None:
        return await find_ends(client, stream)
    first = max(metadata.truncate_before or 0, last + 1 - (metadata.max_count or last + 1))
    return Ends(LIVE, first, last) if first <= last else Ends(LIVE)


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
