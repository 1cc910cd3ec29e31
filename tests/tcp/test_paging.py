"""Consecutive pages: one page is read ahead, none after the end, and a page that is too large is made smaller."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from rxpump.errors import ConnectionClosed, ConnectionLostRepeatedly, FrameTooLarge, StreamNotFound
from rxpump.model.pages import AllPage, StreamPage
from rxpump.model.positions import FIRST_POSITION, Edge, Position, StreamDirection
from rxpump.tcp.paging import all_pages, stream_pages
from tests.streams.fake_store import FakeStore

FORWARD = StreamDirection.FORWARD


class Store(FakeStore):
    """A store that records reads. A page of more than `most` events is too large to be received."""

    def __init__(self, events: int, most: int = 4096, *, loses_connections: bool = False) -> None:
        super().__init__()
        self.most = most
        self.loses_connections = loses_connections
        self.reads: list[tuple[Any, int]] = []
        for _ in range(events):
            self.write()

    async def read_stream_page(
        self, stream: str, start: int | Edge, max_count: int, *args: Any, **kwargs: Any
    ) -> StreamPage:
        self._note(start, max_count)
        return await super().read_stream_page(stream, start, max_count, *args, **kwargs)

    async def read_all_page(self, start: Position | Edge, max_count: int, *args: Any, **kwargs: Any) -> AllPage:
        self._note(start, max_count)
        return await super().read_all_page(start, max_count, *args, **kwargs)

    def _note(self, cursor: Any, count: int) -> None:
        self.reads.append((cursor, count))
        if count > self.most and self.loses_connections:
            raise ConnectionLostRepeatedly("ReadStreamEventsForward of 's'", 4, "the connection was lost")
        if count > self.most:
            raise FrameTooLarge(count * 100, self.most * 100)

    def pages(self, batch_size: int, from_event: int = 0) -> Any:
        return stream_pages(self, "s", from_event, batch_size, FORWARD, resolve_links=False)


async def run_all_callbacks() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_no_page_is_requested_after_the_end() -> None:
    store = Store(10)
    pages = [[event.number for event in page] async for page in store.pages(4)]
    assert pages == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert store.reads == [(0, 4), (4, 4), (8, 4)]


async def test_the_log_is_read_until_a_page_has_no_events() -> None:
    store = Store(5)
    pages = [
        [event.number for event in page]
        async for page in all_pages(store, FIRST_POSITION, 3, FORWARD, resolve_links=False)
    ]
    assert pages == [[0, 1, 2], [3, 4], []]
    assert [position for position, _ in store.reads] == [(0, 0), (350, 0), (550, 0)]


async def test_one_page_is_read_ahead() -> None:
    store = Store(10)
    pages = store.pages(2)
    await run_all_callbacks()
    assert store.reads == [], "nothing before it is pulled"
    await anext(pages)
    await run_all_callbacks()
    assert len(store.reads) == 2
    await anext(pages)
    await run_all_callbacks()
    assert len(store.reads) == 3
    await pages.aclose()


class SlowStore(Store):
    """A store that replies to reads in order, when the test calls `answer`."""

    def __init__(self, events: int, truncated_from: int | None = None) -> None:
        super().__init__(events)
        self.truncated_from = truncated_from
        self._room = asyncio.Semaphore(0)

    def answer(self, count: int = 1) -> None:
        for _ in range(count):
            self._room.release()

    async def read_stream_page(
        self, stream: str, start: int | Edge, max_count: int, *args: Any, **kwargs: Any
    ) -> StreamPage:
        self._note(start, max_count)
        await self._room.acquire()
        page = await super(Store, self).read_stream_page(stream, start, max_count, *args, **kwargs)
        if page.next == self.truncated_from:
            page.next += 1  # A server skips truncated events in this way.
        return page


async def test_two_pages_are_in_flight_for_a_waiting_consumer() -> None:
    store = SlowStore(10)
    pages = store.pages(2)
    waiting = asyncio.ensure_future(anext(pages))
    await run_all_callbacks()
    assert store.reads == [(0, 2)], "of a stream that may be short, one page is asked for"
    store.answer()
    assert [event.number for event in await waiting] == [0, 1]
    await run_all_callbacks()
    assert store.reads == [(0, 2), (2, 2)], "a page in hand and one on its way"
    waiting = asyncio.ensure_future(anext(pages))
    await run_all_callbacks()
    assert store.reads == [(0, 2), (2, 2), (4, 2)], "nothing in hand, two on their way"
    store.answer()
    assert [event.number for event in await waiting] == [2, 3]
    await run_all_callbacks()
    assert len(store.reads) == 3, "the second of them is the next one"
    store.answer(9)
    assert [event.number async for page in pages for event in page] == [4, 5, 6, 7, 8, 9]
    assert [number for number, _ in store.reads] == [0, 2, 4, 6, 8], "none past the end"


async def test_a_page_requested_at_a_wrong_position_is_requested_again() -> None:
    store = SlowStore(10, truncated_from=4)
    pages = store.pages(2)
    read: list[int] = []
    for _ in range(4):
        waiting = asyncio.ensure_future(anext(pages))
        await run_all_callbacks()
        store.answer()
        read += [event.number for event in await waiting]
    assert read == [0, 1, 2, 3, 5, 6, 7, 8], "after 4, which was truncated, comes 5"
    assert [number for number, _ in store.reads][:4] == [0, 2, 4, 5]
    await pages.aclose()
    await run_all_callbacks()
    assert store.runtime.tasks == frozenset()


async def test_backward_two_pages_are_on_their_way_until_the_first_event() -> None:
    store = SlowStore(5)
    pages = stream_pages(store, "s", 4, 2, StreamDirection.BACKWARD, resolve_links=False)
    read: list[int] = []
    for _ in range(3):
        waiting = asyncio.ensure_future(anext(pages))
        await run_all_callbacks()
        store.answer()
        read += [event.number for event in await waiting]
    assert read == [4, 3, 2, 1, 0]
    assert [number for number, _ in store.reads] == [4, 2, 0]


async def test_closing_the_iterator_leaves_no_task() -> None:
    store = Store(10)
    pages = store.pages(2)
    await anext(pages)
    await pages.aclose()
    await run_all_callbacks()
    assert store.runtime.tasks == frozenset()


async def test_cancelling_a_waiting_reader_leaves_no_task() -> None:
    store = Store(10)

    async def never(*args: Any, **kwargs: Any) -> StreamPage:
        await asyncio.sleep(3600)
        raise AssertionError

    store.read_stream_page = never  # type: ignore[method-assign]
    pages = store.pages(2)
    reading = asyncio.create_task(anext(pages))
    await run_all_callbacks()
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    await run_all_callbacks()
    assert store.runtime.tasks == frozenset()


async def test_a_failure_comes_after_the_pages_before_it() -> None:
    store = Store(10)

    def fail(name: str) -> None:
        if len(store.reads) == 2:
            raise ConnectionClosed("tcp://node", "lost")

    store.step = fail
    pages = store.pages(4)
    assert [event.number for event in await anext(pages)] == [0, 1, 2, 3]
    with pytest.raises(ConnectionClosed):
        await anext(pages)


async def test_a_failed_read_ahead_causes_no_warning_after_close() -> None:
    """An exception that is never retrieved would cause a warning, which fails the test."""
    store = Store(4)
    pages = store.pages(2)
    await anext(pages)
    store.records.clear()
    await run_all_callbacks()
    await pages.aclose()


async def test_a_missing_stream_raises_stream_not_found() -> None:
    with pytest.raises(StreamNotFound):
        await anext(Store(0).pages(2))


@pytest.mark.parametrize("loses_connections", [False, True])
async def test_the_size_of_a_page_that_is_too_large_is_halved(loses_connections: bool) -> None:
    store = Store(10, most=3, loses_connections=loses_connections)
    numbers = [event.number async for page in store.pages(8) for event in page]
    assert numbers == list(range(10))
    assert store.reads == [(0, 8), (0, 4), (0, 2), (2, 2), (4, 2), (6, 2), (8, 2)]


async def test_a_single_event_that_is_too_large_is_an_error() -> None:
    with pytest.raises(FrameTooLarge):
        await anext(Store(3, most=0).pages(4))
    with pytest.raises(ConnectionLostRepeatedly):
        await anext(Store(3, most=0, loses_connections=True).pages(4))
