"""A slow consumer at the end of a pipeline stops page requests. The server counts them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import reactivex
from reactivex import operators as rx

import rxpump
from rxpump import operators as ops
from rxpump.checkpoints import EventStoreCheckpoint
from rxpump.server import EmbeddedServer
from rxpump.server.tcp.handlers.table import HANDLERS
from rxpump.tcp.wire.commands import Command

EVENTS = 5_000
PAGE = 50
HIGH = 100

READS = (Command.READ_STREAM_EVENTS_FORWARD, Command.READ_ALL_EVENTS_FORWARD)

Sources = Callable[[rxpump.Client], reactivex.Observable[rxpump.Event]]


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A list that grows by one with each page request at the server."""
    asked: list[int] = []
    for command in READS:
        handler = HANDLERS[command]

        def counting(request: Any, store: Any, *, handler: Any = handler, command: int = command) -> Any:
            asked.append(command)
            return handler(request, store)

        monkeypatch.setitem(HANDLERS, command, counting)
    return asked


@pytest.fixture
async def client(memory_server: EmbeddedServer) -> AsyncIterator[rxpump.Client]:
    async with rxpump.connect(memory_server.uri, username="admin", password="changeit") as client:
        await client.publish("s", (rxpump.NewEvent("Counted", {"n": n}) for n in range(EVENTS)))
        yield client


class Slow:
    """A function for `map_async` whose calls wait for permission to finish; `taken` counts the calls."""

    def __init__(self) -> None:
        self.taken = 0
        self.finished = 0
        self._may_finish = asyncio.Semaphore(0)

    async def __call__(self, item: Any) -> Any:
        self.taken += 1
        await self._may_finish.acquire()
        self.finished += 1
        return item

    def allow(self, count: int) -> None:
        """Allow `count` calls to finish."""
        for _ in range(count):
            self._may_finish.release()

    async def let(self, count: int) -> None:
        """Allow `count` calls to finish, and wait until they have."""
        goal = self.finished + count
        self.allow(count)
        while self.finished < goal:
            await asyncio.sleep(0)


async def quiet(pages: list[int], client: rxpump.Client) -> None:
    """Wait until two round trips bring no new page request."""
    seen = -1
    while seen != len(pages):
        seen = len(pages)
        for _ in range(2):
            await client.ping()


SOURCES: dict[str, Sources] = {
    "iter": lambda client: client.iter("s", batch_size=PAGE),
    "stream": lambda client: client.stream("s", batch_size=PAGE),
    "iter_all": lambda client: client.iter_all(batch_size=PAGE),
    "stream_all": lambda client: client.stream_all(batch_size=PAGE),
}


def is_in_s(event: rxpump.Event) -> bool:
    return event.stream == "s"


def number_of(event: rxpump.Event) -> int:
    return int(event.json()["n"])


@pytest.mark.parametrize("kind", SOURCES)
async def test_the_water_marks_bound_page_requests(kind: str, client: rxpump.Client, pages: list[int]) -> None:
    slow = Slow()
    source: Any = SOURCES[kind](client)
    pipeline = source.pipe(
        rx.filter(is_in_s),
        rx.map(number_of),
        rx.flat_map(lambda n: reactivex.from_iterable([n, n])),
        ops.map_async(slow, high=HIGH),
    )
    seen: list[int] = []
    running = pipeline.subscribe(seen.append)
    while not slow.taken:
        await asyncio.sleep(0)
    finished = 0
    for step in (0, 30, 200, 500):
        await slow.let(step)
        finished += step
        await quiet(pages, client)
        # Each event becomes two items. Above the high-water mark, one more page is delivered and one is read ahead.
        events_taken = (finished + HIGH) / 2
        assert len(pages) <= events_taken / PAGE + 3
        assert len(pages) >= finished / 2 / PAGE
    assert seen == [n // 2 for n in range(finished)]
    running.dispose()


async def test_two_consumers_of_a_shared_source_pause_it(client: rxpump.Client, pages: list[int]) -> None:
    shared = client.iter("s", batch_size=PAGE).pipe(rx.share())
    fast, slow = Slow(), Slow()
    both = [shared.pipe(ops.map_async(each, high=HIGH)).subscribe() for each in (fast, slow)]
    while not slow.taken:
        await asyncio.sleep(0)
    await fast.let(HIGH)
    await quiet(pages, client)
    assert len(pages) <= HIGH / PAGE + 3, "the slow consumer pauses the shared source"
    await slow.let(HIGH)
    await fast.let(HIGH)
    await quiet(pages, client)
    assert 2 * HIGH / PAGE <= len(pages) <= 2 * HIGH / PAGE + 3
    for each in both:
        each.dispose()


async def test_a_slow_consumer_pauses_all_merged_sources(client: rxpump.Client, pages: list[int]) -> None:
    slow = Slow()
    merged = reactivex.merge(*(client.iter("s", batch_size=PAGE) for _ in range(3)))
    running = merged.pipe(ops.map_async(slow, high=HIGH)).subscribe()
    while not slow.taken:
        await asyncio.sleep(0)
    await quiet(pages, client)
    assert len(pages) <= HIGH / PAGE + 3 * 3
    running.dispose()


async def test_a_slow_write_pauses_the_read(client: rxpump.Client, pages: list[int]) -> None:
    slow = Slow()
    copies = client.iter("s", batch_size=PAGE).pipe(ops.map_async(slow, high=HIGH), ops.publish_to(client, "copy"))
    done = asyncio.Event()
    copies.subscribe(on_completed=done.set)
    while not slow.taken:
        await asyncio.sleep(0)
    await quiet(pages, client)
    assert len(pages) <= HIGH / PAGE + 3
    await slow.let(EVENTS)
    await done.wait()
    assert await client.iter("copy").pipe(rx.count()) == EVENTS


async def test_a_drain_finishes_buffered_events(memory_server: EmbeddedServer) -> None:
    """The source ends at once. Delivered events are processed and written, and the checkpoint is saved."""
    slow, seen = Slow(), []
    async with rxpump.connect(memory_server.uri) as client:
        await client.publish("s", [rxpump.NewEvent("Counted", {"n": n}) for n in range(10)])
        store = EventStoreCheckpoint(client, "progress")
        done = asyncio.Event()
        client.stream("s").pipe(ops.map_async(slow, max_concurrent=3), ops.commit_checkpoint(store)).subscribe(
            lambda event: seen.append(event.number), on_completed=done.set
        )
        while slow.taken < 3:
            await asyncio.sleep(0)
        draining = asyncio.create_task(client.drain())
        await asyncio.sleep(0)
        await slow.let(10)
        assert await draining
        assert done.is_set()
        assert seen == list(range(10))
        last = await store.load()
        assert last is not None
        assert last.number == 9


async def run_publisher(client: rxpump.Client, copies: reactivex.Observable[rxpump.NewEvent]) -> object:
    publisher = client.publisher("copies")
    copies.subscribe(publisher)
    return await publisher.drained()


async def run_publish(client: rxpump.Client, copies: reactivex.Observable[rxpump.NewEvent]) -> object:
    return await client.publish("copies", copies)


async def run_publish_to(client: rxpump.Client, copies: reactivex.Observable[rxpump.NewEvent]) -> object:
    return await copies.pipe(ops.publish_to(client, "copies"), rx.to_list())


@pytest.mark.parametrize("run", [run_publisher, run_publish, run_publish_to])
async def test_a_drain_writes_events_that_operators_work_on(
    memory_server: EmbeddedServer,
    run: Callable[[rxpump.Client, reactivex.Observable[rxpump.NewEvent]], Awaitable[object]],
) -> None:
    """No event has arrived at the end of the pipeline when the drain begins."""
    work = Slow()

    async def copy(event: rxpump.Event) -> rxpump.NewEvent:
        return rxpump.NewEvent("Copied", (await work(event)).json())

    async with rxpump.connect(memory_server.uri) as client:
        await client.publish("s", [rxpump.NewEvent("Counted", {"n": n}) for n in range(3)])
        running = asyncio.ensure_future(run(client, client.stream("s").pipe(ops.map_async(copy, max_concurrent=3))))
        while work.taken < 3:
            await asyncio.sleep(0)
        draining = asyncio.create_task(client.drain())
        await asyncio.sleep(0)
        work.allow(3)
        assert await draining
        await running
        assert [event.json()["n"] async for event in client.iter("copies")] == [0, 1, 2]


async def test_a_drain_ends_publishers_without_events(memory_server: EmbeddedServer) -> None:
    async with rxpump.connect(memory_server.uri) as client:
        publisher = client.publisher("s")
        writing = asyncio.ensure_future(run_publish(client, reactivex.never()))
        await client.ping()
        assert await client.drain()
        assert await publisher.drained() is None
        assert await writing is None
