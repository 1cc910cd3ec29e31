"""One attempt to follow a stream or `$all` over TCP.

    READING ──end──▶ SUBSCRIBING ──confirmed──▶ CLOSING THE GAP ──reached──▶ LIVE

Servers push only events that are written after a subscription is confirmed. Events may be written between the last
page and the confirmation, so the attempt reads again after it, up to the place that the confirmation names. Events of
that gap arrive twice; the caller removes duplicates by place. (docs/protocol/tcp.md, section 4.16.)
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Protocol

from rxpump.errors import InvalidPosition, LogTruncated, StreamDeleted, StreamNotFound
from rxpump.model.events import Event
from rxpump.model.filters import EventFilter
from rxpump.model.limits import MAX_EVENT_NUMBER
from rxpump.model.positions import END, FIRST_POSITION, LAST_POSITION, Position, StreamDirection
from rxpump.model.signals import CaughtUp, Examined
from rxpump.model.system_names import ALL_STREAM
from rxpump.tcp.live_subscription import LiveSubscription
from rxpump.tcp.paging import PageRequests, all_pages, stream_pages
from rxpump.transport import Confirmed, ServerEnd, Subscription

News = Sequence[Event] | Confirmed | CaughtUp | Examined

_GAP_PAUSE_SECONDS = 0.005
"""Seconds to wait before reading again, if a read does not return the last event of the confirmation yet."""


class Requests(PageRequests, Protocol):
    """The requests of which an attempt consists. `TcpTransport` implements them."""

    async def subscribe(
        self, stream: str | None, *, resolve_links: bool, where: EventFilter | None = None
    ) -> LiveSubscription:
        """Subscribe to the events that are written to a stream from now on; None is `$all`."""


class _Following(Subscription, ABC):
    """One attempt. It reads, subscribes, reads the gap, and then returns live events."""

    def __init__(self, requests: Requests, batch_size: int, *, resolve_links: bool, is_from_end: bool) -> None:
        self._requests = requests
        self._batch_size = batch_size
        self._resolve_links = resolve_links
        self._is_from_end = is_from_end
        self._history = self._until_live()
        self._live: LiveSubscription | None = None
        self._is_live = False
        self._examined: Position | None = None

    async def next(self) -> News:
        """Wait for the next batch or signal."""
        live = self._live
        if live is None or not self._is_live:
            return await anext(self._history)
        if live.examined != self._examined:
            self._examined = live.examined
            if live.examined is not None:
                return Examined(live.examined)
        return self._checked(live, await live.next())

    def _checked(self, live: LiveSubscription, events: Sequence[Event]) -> Sequence[Event]:
        """Return the events of a live subscription that the caller gets."""
        return events

    @property
    def buffered(self) -> int:
        """Number of live events that have arrived and were not returned."""
        return 0 if self._live is None else self._live.buffered

    async def aclose(self) -> None:
        """Unsubscribe."""
        await self._history.aclose()
        if self._live is not None:
            self._live.close()

    async def _until_live(self) -> AsyncGenerator[News, None]:
        if not self._is_from_end:
            async with aclosing(self._read()) as history:
                async for news in history:
                    yield news
        self._live = live = await self._subscribe()
        yield Confirmed(await self._last(live))
        while not self._is_from_end and not self._has_reached(live):
            async with aclosing(self._read()) as gap:
                async for news in gap:
                    yield news
            if not self._has_reached(live):
                await asyncio.sleep(_GAP_PAUSE_SECONDS)
        self._is_live = True
        yield CaughtUp()

    @abstractmethod
    def _read(self) -> AsyncGenerator[News, None]:
        """Yield the batches of existing events after the current place, up to the end."""

    @abstractmethod
    async def _subscribe(self) -> LiveSubscription:
        """Subscribe to the events that are written from now on."""

    @abstractmethod
    async def _last(self, live: LiveSubscription) -> int | Position:
        """Return the place of the last event that the server had at the confirmation."""

    @abstractmethod
    def _has_reached(self, live: LiveSubscription) -> bool:
        """Return whether all events from before the confirmation have been read."""


class StreamFollowing(_Following):
    """An attempt to follow one stream, from the event after number `after`; None: from the end."""

    def __init__(
        self, requests: Requests, stream: str, after: int | None, batch_size: int, *, resolve_links: bool
    ) -> None:
        super().__init__(requests, batch_size, resolve_links=resolve_links, is_from_end=after is None)
        self._stream = stream
        self._next = 0 if after is None else after + 1
        self._is_missing = False

    def _checked(self, live: LiveSubscription, events: Sequence[Event]) -> Sequence[Event]:
        """Return the events before a tombstone, which is the last event of a stream and arrives as a live one."""
        if events and events[-1].number == MAX_EVENT_NUMBER and events[-1].received_number == MAX_EVENT_NUMBER:
            live.end(StreamDeleted(self._stream))
            return events[:-1]
        return events

    async def _read(self) -> AsyncGenerator[News, None]:
        """Read forward; a stream that does not exist has no events yet."""
        forward = StreamDirection.FORWARD
        pages = stream_pages(
            self._requests, self._stream, self._next, self._batch_size, forward, resolve_links=self._resolve_links
        )
        async with aclosing(pages):
            try:
                async for page in pages:
                    self._next = max(self._next, page.next_event_number)
                    yield page
            except StreamNotFound:
                self._is_missing = True

    async def _subscribe(self) -> LiveSubscription:
        live = await self._requests.subscribe(self._stream, resolve_links=self._resolve_links)
        if live.last_event_number == MAX_EVENT_NUMBER:
            live.close()
            raise StreamDeleted(self._stream)
        self._is_missing = False  # The stream may have been written since.
        return live

    async def _last(self, live: LiveSubscription) -> int:
        return _last_number(live)

    def _has_reached(self, live: LiveSubscription) -> bool:
        """Return whether all events up to the number in the confirmation have been read.

        For a soft-deleted stream, that number belongs to an event that can no longer be read. So the result is also
        True if the stream is not found (docs/protocol/tcp.md, section 4.16).
        """
        return self._is_missing or self._next > _last_number(live)


class AllFollowing(_Following):
    """An attempt to follow `$all`, from the event after position `after`; None: from the end."""

    def __init__(
        self,
        requests: Requests,
        after: Position | None,
        batch_size: int,
        *,
        resolve_links: bool,
        where: EventFilter | None = None,
    ) -> None:
        super().__init__(requests, batch_size, resolve_links=resolve_links, is_from_end=after is None)
        self._where = where
        self._place = self._next = FIRST_POSITION if after is None else after

    async def _read(self) -> AsyncGenerator[News, None]:
        """Read forward; after each filtered page yield the position up to which the filter has examined the log."""
        pages = all_pages(
            self._requests,
            self._next,
            self._batch_size,
            StreamDirection.FORWARD,
            resolve_links=self._resolve_links,
            where=self._where,
        )
        async with aclosing(pages):
            try:
                async for page in pages:
                    self._next = max(self._next, page.next_position)
                    if page:
                        self._place = max(self._place, page.ends[1].position or FIRST_POSITION)
                    yield page
                    if page.examined is not None:
                        self._place = max(self._place, page.examined)
                        yield Examined(page.examined)
            except InvalidPosition:
                end = await self._requests.read_all_page(END, 1, StreamDirection.BACKWARD, resolve_links=False)
                raise LogTruncated(ALL_STREAM, self._place, end.position) from None

    async def _subscribe(self) -> LiveSubscription:
        return await self._requests.subscribe(None, resolve_links=self._resolve_links, where=self._where)

    async def _last(self, live: LiveSubscription) -> Position:
        """Return the position of the last commit at the confirmation, or the end of the log.

        A filter can have examined the log beyond the last commit. Then the end of the log is read, because only it
        shows whether the server has lost events.
        """
        last = Position(max(live.last_commit_position, 0), max(live.last_commit_position, 0))
        if self._is_from_end or last.commit >= self._place.commit or self._place.prepare > 0:
            return last
        page = await self._requests.read_all_page(END, 1, StreamDirection.BACKWARD, resolve_links=False)
        return _last_position(page.position, self._place) or self._place

    def _has_reached(self, live: LiveSubscription) -> bool:
        last = live.last_commit_position
        return self._next >= Position(last, last)


async def find_stream_end(requests: Requests, stream: str) -> ServerEnd:
    """Find the number of the last event of a stream.

    The number of a soft-deleted stream is only available in the confirmation of a subscription.
    """
    try:
        page = await requests.read_stream_page(stream, END, 1, StreamDirection.BACKWARD, resolve_links=False)
    except StreamNotFound:
        live = await requests.subscribe(stream, resolve_links=False)
        live.close()
        if live.last_event_number == MAX_EVENT_NUMBER:
            raise StreamDeleted(stream) from None
        return ServerEnd(_last_number(live), None)
    return ServerEnd(page.last_event_number, page[0].received_number if page else None)


async def find_all_end(requests: Requests, after: Position) -> ServerEnd:
    """Find the end of `$all`."""
    page = await requests.read_all_page(END, 1, StreamDirection.BACKWARD, resolve_links=False)
    return ServerEnd(_last_position(page.position, after), page[0].position if page else None)


def _last_number(live: LiveSubscription) -> int:
    """Return the number in a confirmation; a server that uses proto3 omits 0.

    See docs/protocol/tcp.md, section 3.1.
    """
    return 0 if live.last_event_number is None else live.last_event_number


def _last_position(end: Position, after: Position) -> Position | None:
    """Return the last position that a server has, given the end of its log.

    Every event is before the end. A position with prepare 0 is not that of an event, but the end of the record before
    it, so it can be equal to the end.
    """
    if end == LAST_POSITION:
        return None  # The server returned the requested position instead of its end.
    if after.prepare > 0 and end.commit == after.commit:
        return Position(end.commit - 1, end.commit - 1)
    return end
