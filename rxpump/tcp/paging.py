"""Read to the end, page by page, with read-ahead.

The next page is requested as soon as one has arrived, before that is delivered, so that the server works while the
page is consumed. A consumer that waits for a page is faster than the server. Then the page after the next is
requested too, if its start can be computed, so that the server is never idle. At most two pages are buffered or in
flight, and none past the end is requested.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from rxpump.backpressure.background_tasks import BackgroundTasks
from rxpump.errors import ConnectionLostRepeatedly, FrameTooLarge
from rxpump.model.filters import EventFilter
from rxpump.model.pages import AllPage, StreamPage
from rxpump.model.positions import Edge, Position, StreamDirection

_log = logging.getLogger("rxpump.pages")

_Page = TypeVar("_Page", StreamPage, AllPage)


class PageRequests(Protocol):
    """The requests for single pages. `TcpTransport` implements them."""

    @property
    def runtime(self) -> BackgroundTasks:
        """Background tasks, for the pages that are read ahead."""

    async def read_stream_page(
        self, stream: str, start: int | Edge, max_count: int, direction: StreamDirection, *, resolve_links: bool
    ) -> StreamPage:
        """Read one page of a stream."""

    async def read_all_page(
        self,
        start: Position | Edge,
        max_count: int,
        direction: StreamDirection,
        *,
        resolve_links: bool,
        where: EventFilter | None = None,
    ) -> AllPage:
        """Read one page of `$all`."""


def stream_pages(
    requests: PageRequests,
    stream: str,
    start: int | Edge,
    batch_size: int,
    direction: StreamDirection,
    *,
    resolve_links: bool,
) -> AsyncGenerator[StreamPage, None]:
    """Read a stream to its end in pages of at most `batch_size` events; see `Transport.read_stream`."""

    def read(start: int | Edge, count: int) -> Awaitable[StreamPage]:
        return requests.read_stream_page(stream, start, count, direction, resolve_links=resolve_links)

    def guess(page: StreamPage, count: int) -> int | None:
        """Return the number at which the page after the next one starts, if no events are truncated."""
        if direction is StreamDirection.FORWARD:
            number = page.next + count
            return number if page.last_event_number is not None and number <= page.last_event_number else None
        return page.next - count if page.next >= count else None

    return _pages(_PageReader(requests.runtime, read, batch_size), start, guess)


def all_pages(
    requests: PageRequests,
    start: Position | Edge,
    batch_size: int,
    direction: StreamDirection,
    *,
    resolve_links: bool,
    where: EventFilter | None = None,
) -> AsyncGenerator[AllPage, None]:
    """Read `$all` to its end in pages of at most `batch_size` events; see `Transport.read_all`."""

    def read(start: Position | Edge, count: int) -> Awaitable[AllPage]:
        return requests.read_all_page(start, count, direction, resolve_links=resolve_links, where=where)

    return _pages(_PageReader(requests.runtime, read, batch_size), start, lambda page, count: None)


class _Requested(NamedTuple, Generic[_Page]):
    """A page in flight, and its start."""

    start: Any
    page: asyncio.Task[_Page]


class _PageReader(Generic[_Page]):
    """Requests pages of `count` events, and of half as many after a page that was too large.

    A page is too large if its frame is over the limit, or if several connections are lost with its request.
    """

    def __init__(self, tasks: BackgroundTasks, read: Callable[[Any, int], Awaitable[_Page]], count: int) -> None:
        self.count = count
        self._tasks = tasks
        self._read: Callable[[Any, int], Awaitable[_Page]] = read

    def request(self, start: Any) -> _Requested[_Page]:
        """Request the page at `start`."""
        reading = self._tasks.start(self._fetch(start), "read a page")
        reading.add_done_callback(_retrieve_exception)
        return _Requested(start, reading)

    async def _fetch(self, start: Any) -> _Page:
        while True:
            count = self.count
            try:
                _log.debug("requests %d events from %s", count, start)
                page: _Page = await self._read(start, count)
                return page
            except (FrameTooLarge, ConnectionLostRepeatedly):
                if count == 1:
                    raise
                self.count = min(self.count, count // 2)


async def _pages(
    reader: _PageReader[_Page], start: Any, guess: Callable[[_Page, int], Any]
) -> AsyncGenerator[_Page, None]:
    """Yield the pages from `start` to the end.

    Args:
        reader: Requests the pages.
        start: Start of the first page.
        guess: Function that is called with a page and a count, and returns the start of the page after the next one;
            None if unknown.
    """
    following = reader.request(start)
    ahead: _Requested[_Page] | None = None
    guessed: Any = None
    try:
        while True:
            if guessed is not None and not following.page.done():
                ahead = reader.request(guessed)
            page = await following.page
            if page.is_last:
                yield page
                return
            guessed = guess(page, reader.count)
            if ahead is not None and ahead.start == page.next:
                following, ahead = ahead, None
            else:
                if ahead is not None:
                    ahead.page.cancel()
                    ahead = None
                following = reader.request(page.next)
                # The request is made in the next iteration of the event loop, and sent at once if it is alone.
                # Without this iteration it would be sent when this page has been consumed, and the server would be
                # idle until then.
                await asyncio.sleep(0)
            yield page
    finally:
        following.page.cancel()
        if ahead is not None:
            ahead.page.cancel()


def _retrieve_exception(reading: asyncio.Task[_Page]) -> None:
    """Mark the exception of a page as retrieved, because no caller awaits the page if its reader has ended."""
    if not reading.cancelled():
        reading.exception()
