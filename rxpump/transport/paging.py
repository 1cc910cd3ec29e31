"""From one page to the next, over any transport.

The next page is asked for as soon as one has arrived, before it is given out: the server works while the
last page is being consumed. One page of read-ahead, no more, and none past the end.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any, TypeVar

from rxpump.direction import StreamDirection
from rxpump.errors import FrameTooLarge
from rxpump.event_filter import EventFilter
from rxpump.pages import AllPage, StreamPage
from rxpump.position import Position
from rxpump.transport.base import Transport

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

    return _pages(transport, read, from_event, batch_size)


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

    return _pages(transport, read, from_position, batch_size)


async def _pages(
    transport: Transport, read: Callable[[Any, int], Awaitable[_Page]], cursor: Any, count: int
) -> AsyncGenerator[_Page, None]:
    async def fetch() -> _Page:
        """Read one page, asking for fewer events where the server would send a frame that is too large."""
        nonlocal count
        while True:
            try:
                _log.debug("asks for %d events from %s", count, cursor)
                return await read(cursor, count)
            except FrameTooLarge:
                if count == 1:
                    raise
                count //= 2

    def start() -> asyncio.Task[_Page]:
        reading = transport.runtime.start(fetch(), "read a page")
        reading.add_done_callback(_note_failure)
        return reading

    reading = start()
    try:
        while True:
            page = await reading
            cursor = page.next
            if page.is_last:
                yield page
                return
            reading = start()
            # In one turn of the loop the request is made, in the next it is sent. Without them it would leave only
            # once this page has been delivered, and the server would be idle until then.
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            yield page
    finally:
        reading.cancel()


def _note_failure(reading: asyncio.Task[_Page]) -> None:
    """Whoever awaits the page meets its failure; if the reader has left by then, it is nobody's."""
    if not reading.cancelled():
        reading.exception()
