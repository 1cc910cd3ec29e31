"""From one page to the next, over any transport.

The next page is asked for as soon as one has arrived, before it is given out: the server works while the
last page is being consumed. A consumer that waits, with no page in its hands, is faster than the server: then the
page after the next is asked for as well, where its place is known beforehand, so that the server has no time
to be idle. That makes two pages at most, in hand or on their way, and none past the end.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any, Generic, NamedTuple, TypeVar

from rxpump.errors import ConnectionLostRepeatedly, FrameTooLarge
from rxpump.model.direction import StreamDirection
from rxpump.model.filters import EventFilter
from rxpump.model.pages import AllPage, StreamPage
from rxpump.model.positions import Position
from rxpump.transport import Transport

_log = logging.getLogger("rxpump.pages")

_Page = TypeVar("_Page", StreamPage, AllPage)


def stream_pages(
    transport: Transport,
    stream: str,
    from_event: int,
    batch_size: int,
    direction: StreamDirection,
    *,
    resolve_links: bool,
) -> AsyncGenerator[StreamPage, None]:
    """Read a stream to its end in pages of at most `batch_size` events."""

    def read(cursor: int, count: int) -> Awaitable[StreamPage]:
        return transport.read_stream(stream, cursor, count, direction, resolve_links=resolve_links)

    def guess(page: StreamPage, count: int) -> int | None:
        """Numbers run without gaps, but for truncated events."""
        if direction is StreamDirection.FORWARD:
            number = page.next + count
            return number if number <= page.last_event_number else None
        return page.next - count if page.next >= count else None

    return _pages(_Asker(transport, read, batch_size), from_event, guess)


def all_pages(
    transport: Transport,
    from_position: Position,
    batch_size: int,
    direction: StreamDirection,
    *,
    resolve_links: bool,
    where: EventFilter | None = None,
) -> AsyncGenerator[AllPage, None]:
    """Read the whole database to its end in pages of at most `batch_size` events; with `where`, what matches."""

    def read(cursor: Position, count: int) -> Awaitable[AllPage]:
        return transport.read_all(cursor, count, direction, resolve_links=resolve_links, where=where)

    return _pages(_Asker(transport, read, batch_size), from_position, lambda page, count: None)


class _Asked(NamedTuple, Generic[_Page]):
    """A page on its way, and where it starts."""

    cursor: Any
    page: asyncio.Task[_Page]


class _Asker(Generic[_Page]):
    """Asks for pages of `count` events, and of half as many once a page is too large.

    It is too large if its frame is over the limit, or if one connection after the other is lost with it.
    """

    def __init__(self, transport: Transport, read: Callable[[Any, int], Awaitable[_Page]], count: int) -> None:
        self.count = count
        self._transport = transport
        self._read: Callable[[Any, int], Awaitable[_Page]] = read

    def ask(self, cursor: Any) -> _Asked[_Page]:
        """Ask for the page at `cursor`."""
        reading = self._transport.runtime.start(self._fetch(cursor), "read a page")
        reading.add_done_callback(_note_failure)
        return _Asked(cursor, reading)

    async def _fetch(self, cursor: Any) -> _Page:
        while True:
            asked = self.count
            try:
                _log.debug("asks for %d events from %s", asked, cursor)
                page: _Page = await self._read(cursor, asked)
                return page
            except (FrameTooLarge, ConnectionLostRepeatedly):
                if asked == 1:
                    raise
                self.count = min(self.count, asked // 2)


async def _pages(
    asker: _Asker[_Page], cursor: Any, guess: Callable[[_Page, int], Any]
) -> AsyncGenerator[_Page, None]:
    """Read on from `cursor`; `guess` tells where the page after a page's next one starts, None where it cannot."""
    following = asker.ask(cursor)
    ahead: _Asked[_Page] | None = None
    guessed: Any = None
    try:
        while True:
            if guessed is not None and not following.page.done():
                ahead = asker.ask(guessed)
            page = await following.page
            if page.is_last:
                yield page
                return
            guessed = guess(page, asker.count)
            if ahead is not None and ahead.cursor == page.next:
                following, ahead = ahead, None
            else:
                if ahead is not None:
                    ahead.page.cancel()
                    ahead = None
                following = asker.ask(page.next)
                # In one turn of the loop the request is made, in the next it is sent. Without them it would leave
                # only once this page has been delivered, and the server would be idle until then.
                await asyncio.sleep(0)
                await asyncio.sleep(0)
            yield page
    finally:
        following.page.cancel()
        if ahead is not None:
            ahead.page.cancel()


def _note_failure(reading: asyncio.Task[_Page]) -> None:
    """Whoever awaits the page meets its failure; if the reader has left by then, it is nobody's."""
    if not reading.cancelled():
        reading.exception()
