"""How far a catch-up subscription has come, and how it reads on from there.

A cursor remembers the last event that was delivered; everything it gives out is after that, once. There is
one kind for a stream, by event number, and one for the whole database, by position. Both count by the event
as it was received: a link by its own place, not by its target's (docs/protocol/tcp.md, section 4.8).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Sequence
from typing import Any

from rxpump.errors import StreamDeleted, StreamNotFound, StreamRolledBack
from rxpump.model.checks import ALL_STREAM
from rxpump.model.direction import StreamDirection
from rxpump.model.events import Event
from rxpump.model.filters import EventFilter
from rxpump.model.limits import MAX_EVENT_NUMBER
from rxpump.model.pages import AllPage, Page
from rxpump.model.positions import FIRST_POSITION, LAST_POSITION, Position
from rxpump.streams.paging import all_pages, stream_pages
from rxpump.transport import Subscription, Transport


class Cursor(ABC):
    """Where a subscription stands; `is_set` is False while it is to start from the end."""

    is_set: bool

    def __init__(self, transport: Transport, batch_size: int, *, resolve_links: bool) -> None:
        self._transport = transport
        self._batch_size = batch_size
        self._resolve_links = resolve_links
        self._seen: Any = None

    @abstractmethod
    async def subscribe(self) -> Subscription:
        """Subscribe to what is written from now on."""

    @abstractmethod
    def start_at_end(self, subscription: Subscription) -> None:
        """Stand where the subscription began."""

    @abstractmethod
    def pages(self) -> AsyncGenerator[Sequence[Event], None]:
        """Read what comes after the last event delivered, to the end."""

    @abstractmethod
    def has_reached(self, subscription: Subscription) -> bool:
        """Tell whether everything from before the subscription has been read."""

    @abstractmethod
    async def is_behind(self) -> bool:
        """Return whether the server has an event after the last one delivered.

        Raises:
            StreamRolledBack: The server ends before an event that was seen.
        """

    @abstractmethod
    async def check_history(self, subscription: Subscription) -> None:
        """Compare where the server ends, as the confirmation says, with the last event that was seen.

        A soft-deleted stream and one that was written again keep their numbers, so neither ends before it.

        Raises:
            StreamRolledBack: The server ends before an event that was seen.
        """

    def note_seen(self) -> None:
        """Note that the event at which this cursor stands was delivered, by an earlier subscription."""
        self._seen = self._last

    @abstractmethod
    def _place(self, event: Event) -> Any:
        """Where an event stands, in this cursor's order."""

    @abstractmethod
    def _advance(self, place: Any) -> None:
        """Stand at the event that was seen last."""

    def note_examined(self, subscription: Subscription) -> Position | None:
        """Stand where a filtered subscription has looked to; give that, if it is further than before."""
        return None

    def note_page_examined(self) -> Position | None:
        """Stand where the filter has looked to in the last page; return that, if it is further than before."""
        return None

    @property
    @abstractmethod
    def _last(self) -> Any:
        """The place of the event that was delivered last."""

    def fresh(self, events: Sequence[Event]) -> Sequence[Event]:
        """Give those of `events` that were not delivered yet, and count them as delivered."""
        if not events:
            return events
        first, last = _ends(events)
        if self._place(first) <= self._last:
            events = [event for event in events if self._place(event) > self._last]
        self._advance(max(self._last, self._place(last)))
        return events


def _ends(events: Sequence[Event]) -> tuple[Event, Event]:
    """Give the first and the last; most pages are given on with nobody having looked at those between."""
    return events.ends if isinstance(events, Page) else (events[0], events[-1])


class StreamCursor(Cursor):
    """Of one stream, by number; `after` is the last number that is not wanted, None to start from the end."""

    def __init__(
        self, transport: Transport, stream: str, after: int | None, batch_size: int, *, resolve_links: bool
    ) -> None:
        super().__init__(transport, batch_size, resolve_links=resolve_links)
        self.stream = stream
        self.is_set: bool = after is not None
        self._number = -1 if after is None else after
        self._next = self._number + 1  # runs ahead of the last event where events were truncated
        self._is_missing = False

    async def subscribe(self) -> Subscription:
        """Subscribe to the stream. Raises StreamDeleted for one that can never have another event."""
        subscription = await self._transport.subscribe(self.stream, resolve_links=self._resolve_links)
        if subscription.last_event_number == MAX_EVENT_NUMBER:
            subscription.close()
            raise StreamDeleted(self.stream)
        self._is_missing = False  # what was missing before may have been written since
        return subscription

    async def check_history(self, subscription: Subscription) -> None:
        """Compare with the number of the stream's last event."""
        self._check(_last_number(subscription))

    def _check(self, current: int) -> None:
        if self._seen is not None and current < self._seen:
            raise StreamRolledBack(self.stream, self._seen, current)

    def start_at_end(self, subscription: Subscription) -> None:
        """Stand at the stream's last event."""
        self._advance(_last_number(subscription))
        self.is_set = True

    def fresh(self, events: Sequence[Event]) -> Sequence[Event]:
        """Stop before a tombstone: no event follows it. Raises StreamDeleted where it stands first."""
        if events and self._place(_ends(events)[1]) == MAX_EVENT_NUMBER:
            events = events[:-1]
            if not events:
                raise StreamDeleted(self.stream)
        return super().fresh(events)

    async def pages(self) -> AsyncGenerator[Sequence[Event], None]:
        """Read forward; a stream that does not exist has nothing yet."""
        forward = StreamDirection.FORWARD
        pages = stream_pages(
            self._transport, self.stream, self._next, self._batch_size, forward, resolve_links=self._resolve_links
        )
        try:
            async for page in pages:
                self._next = max(self._next, page.next_event_number)
                yield self.fresh(page)
        except StreamNotFound:
            self._is_missing = True
        finally:
            await pages.aclose()

    def has_reached(self, subscription: Subscription) -> bool:
        """Compare with the number that the subscription was confirmed with.

        A soft-deleted stream is confirmed with the number of an event that can no longer be read, so a stream
        that is not there counts as read (docs/protocol/tcp.md, section 4.16).
        """
        return self._is_missing or self._next > _last_number(subscription)

    async def is_behind(self) -> bool:
        """Read the last event. If there is no stream, a subscription tells whether it is soft-deleted or lost."""
        backward = StreamDirection.BACKWARD
        try:
            page = await self._transport.read_stream(self.stream, -1, 1, backward, resolve_links=False)
        except StreamNotFound:
            if self._seen is None or self._seen < 0:
                return False
            subscription = await self.subscribe()
            subscription.close()
            self._check(_last_number(subscription))
            return False
        self._check(page.last_event_number)
        return bool(page) and self._place(page[0]) > self._number

    def _place(self, event: Event) -> int:
        return event.received_number

    def _advance(self, place: int) -> None:
        self._number = self._seen = place
        self._next = max(self._next, place + 1)

    @property
    def _last(self) -> int:
        return self._number

    def __repr__(self) -> str:
        return f"<StreamCursor {self.stream} at {self._number}>"


def _last_number(subscription: Subscription) -> int:
    """Read the confirmation's number; a server that speaks proto3 leaves out 0.

    See docs/protocol/tcp.md, section 3.1.
    """
    return 0 if subscription.last_event_number is None else subscription.last_event_number


class AllCursor(Cursor):
    """Of the whole database, by position; `after` is the last position not wanted, None to start from the end.

    With `where`, of what matches; what does not is passed over once, and not read again.
    """

    def __init__(
        self,
        transport: Transport,
        after: Position | None,
        batch_size: int,
        *,
        resolve_links: bool,
        where: EventFilter | None = None,
    ) -> None:
        super().__init__(transport, batch_size, resolve_links=resolve_links)
        self._where = where
        self.is_set: bool = after is not None
        self._position = FIRST_POSITION if after is None else after
        self._next = self._position
        self._page_examined: Position | None = None

    async def subscribe(self) -> Subscription:
        """Subscribe to everything."""
        return await self._transport.subscribe(None, resolve_links=self._resolve_links, where=self._where)

    def start_at_end(self, subscription: Subscription) -> None:
        """Stand at the last commit."""
        last = max(subscription.last_commit_position, 0)
        self._position = self._next = Position(last, last)
        self.is_set = True

    async def pages(self) -> AsyncGenerator[Sequence[Event], None]:
        """Read forward; a position is inclusive, so the event that stands there is passed over."""
        forward = StreamDirection.FORWARD
        pages = all_pages(
            self._transport,
            self._next,
            self._batch_size,
            forward,
            resolve_links=self._resolve_links,
            where=self._where,
        )
        try:
            async for page in pages:
                self._next = max(self._next, page.next_position)
                self._page_examined = page.examined
                yield self.fresh(page)
        finally:
            await pages.aclose()

    def has_reached(self, subscription: Subscription) -> bool:
        """Compare with the commit position that the subscription was confirmed with."""
        last = subscription.last_commit_position
        return self._next >= Position(last, last)

    async def check_history(self, subscription: Subscription) -> None:
        """Compare with the position of the last commit; that may be before where a filter has looked to."""
        last = subscription.last_commit_position
        if self._seen is None or last >= self._seen.commit:
            return
        if self._seen.prepare > 0:
            raise StreamRolledBack(ALL_STREAM, self._seen, Position(last, last))
        self._check_end(
            await self._transport.read_all(LAST_POSITION, 1, StreamDirection.BACKWARD, resolve_links=False)
        )

    def _check_end(self, page: AllPage) -> None:
        """Compare with the end of the log, which the server puts in the place of LAST_POSITION."""
        end = page.position
        if self._seen is None or end == LAST_POSITION:
            return
        is_event = self._seen.prepare > 0  # otherwise it is a place after a record, where the next one begins
        if end.commit < self._seen.commit + is_event:
            raise StreamRolledBack(ALL_STREAM, self._seen, end)

    async def is_behind(self) -> bool:
        """Read the last event; with a filter, the last page, for the last event may not match."""
        count = 1 if self._where is None else self._batch_size
        links = self._where is not None and self._resolve_links
        backward = StreamDirection.BACKWARD
        page = await self._transport.read_all(LAST_POSITION, count, backward, resolve_links=links, where=self._where)
        self._check_end(page)
        return bool(page) and self._place(page[0]) > self._position

    def note_examined(self, subscription: Subscription) -> Position | None:
        """Stand where the subscription has looked to."""
        if subscription.examined is None or subscription.examined <= self._position:
            return None
        self._advance(subscription.examined)
        return subscription.examined

    def note_page_examined(self) -> Position | None:
        """Stand there; the server may have no event there yet, if it is the end of the log."""
        examined, self._page_examined = self._page_examined, None
        if examined is None or examined <= self._position:
            return None
        self._advance(examined)
        return examined

    def _place(self, event: Event) -> Position:
        return event.position or FIRST_POSITION

    def _advance(self, place: Position) -> None:
        self._position = self._seen = place
        self._next = max(self._next, place)

    @property
    def _last(self) -> Position:
        return self._position

    def __repr__(self) -> str:
        return f"<AllCursor at {self._position}>"
