"""The place of a catch-up subscription: an event number in a stream, or a position in `$all`.

The place of a link is its own place, not the place of its target.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import aclosing
from typing import Any

from rxpump.errors import LogTruncated, StreamNotFound, StreamRolledBack
from rxpump.model.events import Event
from rxpump.model.filters import EventFilter
from rxpump.model.pages import ends
from rxpump.model.positions import END, FIRST_POSITION, Position, StreamDirection
from rxpump.model.system_names import ALL_STREAM
from rxpump.transport import IndexRequests, ServerEnd, Subscription, Transport

Place = Any
"""Number of an event if a stream is followed, or a Position if `$all` is."""


class Followed(ABC):
    """A stream or `$all`, which a catch-up subscription follows over one transport."""

    name: str

    def __init__(self, transport: Transport, batch_size: int, *, resolve_links: bool) -> None:
        self.transport = transport
        self.batch_size = batch_size
        self.resolve_links = resolve_links

    @abstractmethod
    def attempt(self, after: Place | None) -> Subscription:
        """Start an attempt that delivers the events after a place; None: the events that are written from now on."""

    @abstractmethod
    async def find_end(self, after: Place) -> ServerEnd:
        """Find the place of the last event on the server."""

    @abstractmethod
    def place(self, event: Event) -> Place:
        """Return the place of an event."""

    @abstractmethod
    async def find_last(self, timeout: float) -> Event | None:
        """Read the last event, whether or not it matches a filter; None if there is none.

        Args:
            timeout: Seconds until the request fails.
        """


class FollowedStream(Followed):
    """Follows one stream."""

    def __init__(self, transport: Transport, stream: str, batch_size: int, *, resolve_links: bool) -> None:
        super().__init__(transport, batch_size, resolve_links=resolve_links)
        self.name = stream

    def attempt(self, after: int | None) -> Subscription:
        """Start an attempt to follow the stream."""
        return self.transport.follow_stream(
            self.name, after, batch_size=self.batch_size, resolve_links=self.resolve_links
        )

    async def find_end(self, after: int) -> ServerEnd:
        """Find the last event of the stream."""
        return await self.transport.find_stream_end(self.name)

    def place(self, event: Event) -> int:
        """Return the number of the event as it was received."""
        return event.received_number

    async def find_last(self, timeout: float) -> Event | None:
        """Read the last event of the stream."""
        requests = self.transport.with_timeout(timeout)
        try:
            page = await requests.read_stream_page(self.name, END, 1, StreamDirection.BACKWARD, resolve_links=False)
        except StreamNotFound:
            return None
        return page[0] if page else None


class FollowedAll(Followed):
    """Follows `$all`, or the events of `$all` that match a filter."""

    name = ALL_STREAM

    def __init__(
        self, transport: Transport, batch_size: int, *, resolve_links: bool, where: EventFilter | None = None
    ) -> None:
        super().__init__(transport, batch_size, resolve_links=resolve_links)
        self._where = where

    def attempt(self, after: Position | None) -> Subscription:
        """Start an attempt to follow `$all`."""
        return self.transport.follow_all(
            after, batch_size=self.batch_size, resolve_links=self.resolve_links, where=self._where
        )

    async def find_end(self, after: Position) -> ServerEnd:
        """Find the last event of `$all`."""
        return await self.transport.find_all_end(
            after, batch_size=self.batch_size, resolve_links=self.resolve_links, where=self._where
        )

    def place(self, event: Event) -> Position:
        """Return the position at which the event was received."""
        return event.position or FIRST_POSITION

    async def find_last(self, timeout: float) -> Event | None:
        """Read the last event of `$all`."""
        requests = self.transport.with_timeout(timeout)
        page = await requests.read_all_page(END, 1, StreamDirection.BACKWARD, resolve_links=False)
        return page[0] if page else None


class FollowedIndex(Followed):
    """Follows a secondary index, whose events have positions in `$all`."""

    def __init__(
        self, transport: Transport, requests: IndexRequests, index: str, batch_size: int, *, resolve_links: bool
    ) -> None:
        super().__init__(transport, batch_size, resolve_links=resolve_links)
        self.name = index
        self._requests = requests

    def attempt(self, after: Position | None) -> Subscription:
        """Start an attempt to follow the index."""
        return self._requests.follow(self.name, after, batch_size=self.batch_size, resolve_links=self.resolve_links)

    async def find_end(self, after: Position) -> ServerEnd:
        """Find the last event of the index."""
        last = await self._read_last(self._requests)
        return ServerEnd(None, None if last is None else last.position)

    def place(self, event: Event) -> Position:
        """Return the position at which the event was received."""
        return event.position or FIRST_POSITION

    async def find_last(self, timeout: float) -> Event | None:
        """Read the last event of the index."""
        return await self._read_last(self.transport.with_timeout(timeout).indexes)

    async def _read_last(self, requests: IndexRequests) -> Event | None:
        backward = StreamDirection.BACKWARD
        async with aclosing(requests.read(self.name, END, backward, batch_size=1, resolve_links=False)) as reading:
            async for batch in reading:
                for event in batch:
                    return event
        return None


class Cursor:
    """The place of one subscription, which moves forward over the events that were delivered.

    Attributes:
        followed: Stream or `$all`.
        place: Place after which the subscription continues; None until the place of the end is known.
        running: The current attempt; None before the first one.
        is_live: Whether the current attempt has caught up with the end.
    """

    def __init__(self, followed: Followed, after: Place | None, *, seen: Place | None = None) -> None:
        self.followed = followed
        self.place: Place | None = after
        self.running: Subscription | None = None
        self.is_live: bool = False
        self._seen = seen
        self._last_id: bytes | None = None

    def attempt(self) -> Subscription:
        """Start an attempt that delivers the events after the place."""
        self.is_live = False
        self.running = self.followed.attempt(self.place)
        return self.running

    def fresh(self, events: Sequence[Event]) -> Sequence[Event]:
        """Return the events that were not delivered before, and move the place to the last of them.

        Raises:
            LogTruncated: Another event is at the place of the last one that was delivered.
        """
        if not events:
            return events
        oldest, newest = ends(events)
        first, last = self.followed.place(oldest), self.followed.place(newest)
        if self.place is not None and first <= self.place:
            events = self._after_place(events)
            last = max(self.place, last)
        if events:
            self._last_id = newest.received.id_bytes
        self.place = self._seen = last
        return events

    def _after_place(self, events: Sequence[Event]) -> Sequence[Event]:
        place, place_of = self.place, self.followed.place
        for event in events:
            if self._last_id is not None and place_of(event) == place and event.received.id_bytes != self._last_id:
                raise LogTruncated(self.followed.name, place, place)
        return [event for event in events if place_of(event) > place]

    def pass_examined(self, position: Position) -> bool:
        """Move the place to a position up to which no event matches. Return False if the place was not before it."""
        if self.place is not None and position <= self.place:
            return False
        self.place = self._seen = position
        self._last_id = None
        return True

    def confirm(self, last: Place | None) -> None:
        """Check that the server still has the events that were delivered. Move a cursor that starts at the end there.

        A soft-deleted stream and one that was written again keep their numbers, so neither ends before an event that
        was delivered.

        Raises:
            StreamRolledBack: The server ends before an event that was delivered.
        """
        if self._seen is not None and last is not None and last < self._seen:
            raise StreamRolledBack(self.followed.name, self._seen, last)
        if self.place is None:
            self.place = self._seen = last

    async def is_behind(self) -> bool:
        """Return whether the server has an event after those that were delivered.

        Raises:
            StreamRolledBack: The server ends before an event that was delivered.
        """
        place: Place = self.place
        end = await self.followed.find_end(place)
        self.confirm(end.last)
        return end.readable is not None and bool(end.readable > place)

    def __repr__(self) -> str:
        return f"<Cursor of {self.followed.name} at {self.place}>"
