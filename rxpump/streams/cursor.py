"""The place of a catch-up subscription: an event number in a stream, or a position in `$all`.

The place of a link is its own place, not the place of its target.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Sequence
from contextlib import aclosing
from typing import Any, Final, NamedTuple

from rxpump.errors import LogTruncated, ReadFailed, StreamNotFound, StreamRolledBack
from rxpump.model.events import Event
from rxpump.model.filters import EventFilter
from rxpump.model.pages import ends
from rxpump.model.positions import END, FIRST_POSITION, Edge, Position, StreamDirection
from rxpump.model.signals import CaughtUp, Examined, FellBehind
from rxpump.model.system_names import ALL_STREAM
from rxpump.transport import IndexRequests, ServerEnd, Subscription, Transport

Place = Any
"""Number of an event if a stream is followed, or a Position if `$all` is."""

_FORWARD: Final = StreamDirection.FORWARD

_MAX_LANDMARKS: Final = 256
"""Number of delivered events that a cursor stores."""


class Landmark(NamedTuple):
    """Place and id of an event that was delivered."""

    place: Place
    id: bytes


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
        """Find the last event on the server.

        Returns:
            The place of the last event, and the place of an event after `after` that must be delivered. If there is
            no such event, the second place is None or not after `after`.
        """

    @abstractmethod
    def place(self, event: Event) -> Place:
        """Return the place of an event."""

    @abstractmethod
    async def read_at(self, place: Place) -> Event | None:
        """Read the first event from a place on; None if there is none, or the server has no such place."""

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

    async def read_at(self, place: int) -> Event | None:
        """Read the first event from a number on."""
        try:
            page = await self.transport.read_stream_page(self.name, place, 1, _FORWARD, resolve_links=False)
        except StreamNotFound:
            return None
        return page[0] if page else None

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
        """Find the last event of `$all`, and with a filter the first event after `after` that matches.

        The search is short, because a subscription with a filter also moves over events that do not match.
        """
        end = await self.transport.find_all_end(after)
        if self._where is None or not isinstance(end.readable, Position) or end.readable <= after:
            return end
        try:
            return ServerEnd(end.last, await self._find_match(after, self._where))
        except ReadFailed:  # The log has no such position. The next attempt finds out whether it lost events.
            return end

    async def _find_match(self, after: Position, where: EventFilter) -> Position | None:
        found = self.transport.read_all(
            after, _FORWARD, batch_size=self.batch_size, resolve_links=self.resolve_links, where=where
        )
        async with aclosing(found):
            async for batch in found:
                for event in batch:
                    if self.place(event) > after:
                        return self.place(event)
        return None

    def place(self, event: Event) -> Position:
        """Return the position at which the event was received."""
        return event.position or FIRST_POSITION

    async def read_at(self, place: Position) -> Event | None:
        """Read the first event from a position on."""
        try:
            page = await self.transport.read_all_page(place, 1, _FORWARD, resolve_links=False)
        except ReadFailed:
            return None
        return page[0] if page else None

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
        last = await self._read_first(self._requests, END, StreamDirection.BACKWARD)
        return ServerEnd(None, None if last is None else last.position)

    def place(self, event: Event) -> Position:
        """Return the position at which the event was received."""
        return event.position or FIRST_POSITION

    async def find_last(self, timeout: float) -> Event | None:
        """Read the last event of the index."""
        requests = self.transport.with_timeout(timeout).indexes
        return await self._read_first(requests, END, StreamDirection.BACKWARD)

    async def read_at(self, place: Position) -> Event | None:
        """Read the first event from a position on."""
        try:
            return await self._read_first(self._requests, place, _FORWARD)
        except ReadFailed:
            return None

    async def _read_first(
        self, requests: IndexRequests, start: Position | Edge, direction: StreamDirection
    ) -> Event | None:
        async with aclosing(requests.read(self.name, start, direction, batch_size=1, resolve_links=False)) as reading:
            async for batch in reading:
                for event in batch:
                    return event
        return None


class Cursor:
    """The place of one subscription, which moves forward over the events that were delivered.

    The cursor stores places and ids of the first and the last event of each of the latest batches. If the server
    loses events, they show which of the delivered events the server still has.

    Attributes:
        followed: Stream or `$all`.
        place: Place after which the subscription continues; None until the place of the end is known.
        running: The current attempt; None before the first one.
        is_live: Whether the current attempt has caught up with the end.
    """

    def __init__(
        self, followed: Followed, after: Place | None, *, seen: Place | None = None, last: Landmark | None = None
    ) -> None:
        self.followed = followed
        self.place: Place | None = after
        self.running: Subscription | None = None
        self.is_live: bool = False
        self._seen = seen
        self._first: Place | None = after if after in (-1, FIRST_POSITION) else None
        self._landmarks: deque[Landmark] = deque(() if last is None else (last,), maxlen=_MAX_LANDMARKS)

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
        first = last = self.followed.place(newest)
        if oldest is not newest:
            first = self.followed.place(oldest)
        if self.place is not None and first <= self.place:
            events = self._after_place(events)
            last = max(self.place, last)
        if events:
            if len(events) > 1:
                self._landmarks.append(Landmark(self.followed.place(events[0]), events[0].received_id_bytes))
            self._landmarks.append(Landmark(last, newest.received_id_bytes))
        self.place = self._seen = last
        return events

    def _after_place(self, events: Sequence[Event]) -> Sequence[Event]:
        place, place_of = self.place, self.followed.place
        last = self._landmarks[-1] if self._landmarks else None
        if last is not None and last.place == place:
            for event in events:
                if place_of(event) == place and event.received_id_bytes != last.id:
                    raise LogTruncated(self.followed.name, place, place)
        return [event for event in events if place_of(event) > place]

    def apply(self, signal: CaughtUp | FellBehind | Examined) -> bool:
        """Apply a signal of the current attempt, and return whether it is news for subscribers.

        An Examined moves the place to its position, unless the place is already there or after it.
        """
        if not isinstance(signal, Examined):
            self.is_live = isinstance(signal, CaughtUp)
            return True
        if self.place is not None and signal.position <= self.place:
            return False
        self.place = self._seen = signal.position
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

    async def check_last(self) -> None:
        """Check on a node that may be another one that no other event is at the place of the last delivered event.

        Raises:
            LogTruncated: Another event is there: the node has lost the delivered one.
        """
        if self._landmarks and await self._has(self._landmarks[-1]) is False:
            place = self._landmarks[-1].place
            raise LogTruncated(self.followed.name, place, place)

    async def rewind(self, error: StreamRolledBack) -> bool:
        """Move the place back to the last delivered event if the server still has it.

        The server then lacks only events that were not delivered: a filter has examined them. Otherwise a delivered
        event cannot be taken back, so the subscription must fail; `error.resume_after` is set.

        Returns:
            Whether the subscription can continue.

        Raises:
            RxPumpError: A request failed.
        """
        kept = await self._count_kept()
        place = self._landmarks[kept - 1].place if kept else self._first
        if place is None or kept < len(self._landmarks):
            error.resume_after = place
            return False
        self.place = self._seen = place
        return True

    async def _has(self, landmark: Landmark) -> bool | None:
        """Return whether the server has an event at its place. False: another event is there. None: no event is."""
        event = await self.followed.read_at(landmark.place)
        if event is None or self.followed.place(event) != landmark.place:
            return None
        return event.received_id_bytes == landmark.id

    async def _count_kept(self) -> int:
        """Count the stored events that the server still has, by a binary search for the first lost one."""
        kept, lost = 0, len(self._landmarks)
        while kept < lost:
            middle = (kept + lost) // 2
            if await self._has(self._landmarks[middle]):
                kept = middle + 1
            else:
                lost = middle
        return kept

    def __repr__(self) -> str:
        return f"<Cursor of {self.followed.name} at {self.place}>"
