"""Writes of an Observable of events: order, batches, versions, failures and bounds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

import pytest
import reactivex
from reactivex import operators as rx

from rxpump.backpressure.background_tasks import BackgroundTasks
from rxpump.errors import ClientClosed, InvalidArgument, WrongExpectedVersion
from rxpump.model.new_events import NewEvent
from rxpump.model.positions import ExpectedVersion, Position
from rxpump.model.results import WriteResult
from rxpump.streams.observable import Observable, Piped
from rxpump.streams.source import IterableSource
from rxpump.streams.write_buffer import Batching
from rxpump.streams.writes import Writes
from rxpump.testing import MockTransport
from rxpump.transport import Appender


class Stream(Appender):
    """An appender that records batches and expected versions. Each append waits for `gate`."""

    def __init__(self) -> None:
        self.events: list[NewEvent] = []
        self.expectations: list[int] = []
        self.sizes: list[int] = []
        self.is_closed = False
        self.failure: Exception | None = None
        self.gate = asyncio.Event()
        self.gate.set()

    async def append(self, events: Sequence[NewEvent], expected_version: int) -> WriteResult:
        self.expectations.append(expected_version)
        await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        first = len(self.events)
        self.events += events
        self.sizes.append(len(events))
        return WriteResult("s", first, len(self.events) - 1, Position(1, 1))

    def close(self) -> None:
        self.is_closed = True

    def write(self, events: Observable[Any], version: int = ExpectedVersion.ANY, batch: int = 10) -> Writes:
        batching = Batching(max_batch=batch)
        return Writes(
            BackgroundTasks("test"),
            "s",
            events,
            lambda: self,
            expected_version=version,
            batching=batching,
            transport=MockTransport(),
        )


def new_events(count: int) -> list[NewEvent]:
    return [NewEvent("Counted", {"n": n}) for n in range(count)]


def source(events: Any) -> Observable[Any]:
    return IterableSource(BackgroundTasks("test"), events)


async def test_a_fast_source_fills_the_batches_in_order() -> None:
    stream, events = Stream(), new_events(95)
    results = await stream.write(source(iter(events))).pipe(rx.to_list())
    assert stream.events == events
    assert stream.sizes[1:-1] == [10] * (len(stream.sizes) - 2)
    assert [result.last_event_number for result in results][-1] == 94
    assert stream.is_closed


async def test_await_returns_the_last_result_or_none() -> None:
    stream = Stream()
    last = await stream.write(source(iter(new_events(25))))
    assert last is not None
    assert last.last_event_number == 24
    assert await stream.write(source(iter([]))) is None


async def test_a_slow_source_does_not_wait_for_a_full_batch() -> None:
    stream, tick = Stream(), asyncio.Event()

    async def ticks() -> AsyncIterator[Any]:
        for event in new_events(3):
            yield event
            await tick.wait()
            tick.clear()

    seen: list[WriteResult] = []
    done = asyncio.Event()

    def written(result: WriteResult) -> None:
        seen.append(result)
        tick.set()

    stream.write(source(ticks())).subscribe(written, on_completed=done.set)
    await done.wait()
    assert stream.sizes == [1, 1, 1]


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        (ExpectedVersion.ANY, [-2, -2, -2]),
        (ExpectedVersion.STREAM_EXISTS, [-4, -4, -4]),
        (ExpectedVersion.NO_STREAM, [-1, 9, 19]),
        (-1, [-1, 9, 19]),
    ],
)
async def test_each_batch_expects_the_version_of_the_one_before(version: int, expected: list[int]) -> None:
    stream = Stream()
    stream.gate.clear()
    done = asyncio.Event()
    stream.write(source(iter(new_events(30))), version).subscribe(on_completed=done.set)
    while not stream.expectations:
        await asyncio.sleep(0)
    stream.gate.set()
    await done.wait()
    assert stream.expectations[:2] == expected[:2]


async def test_a_slow_write_pauses_the_source() -> None:
    stream, given = Stream(), 0
    stream.gate.clear()

    def count(events: list[NewEvent]):  # type: ignore[no-untyped-def]
        nonlocal given
        for event in events:
            given += 1
            yield event

    done = asyncio.Event()
    stream.write(source(count(new_events(1000)))).subscribe(on_completed=done.set)
    for _ in range(100):
        await asyncio.sleep(0)
    assert given <= 10 + 2 * 10 + 1, "one batch under way, two waiting"
    stream.gate.set()
    await done.wait()
    assert len(stream.events) == 1000


async def test_a_failed_write_is_the_error_and_disposes_the_source() -> None:
    stream, closed = Stream(), asyncio.Event()
    stream.failure = WrongExpectedVersion("s", 5, 7)

    async def endless() -> AsyncIterator[Any]:
        try:
            while True:
                yield NewEvent("Tick")
                await asyncio.sleep(0)
        finally:
            closed.set()

    with pytest.raises(WrongExpectedVersion):
        await stream.write(source(endless()))
    await closed.wait()


async def test_events_before_a_failure_of_the_source_are_written() -> None:
    stream = Stream()

    def failing() -> Iterator[Any]:
        yield from new_events(3)
        raise LookupError("gone")

    with pytest.raises(LookupError):
        await stream.write(source(failing()))
    assert len(stream.events) == 3


async def test_a_synchronous_source_does_not_deadlock() -> None:
    stream = Stream()
    await stream.write(Piped(reactivex.from_iterable(new_events(300))))
    assert len(stream.events) == 300


async def test_a_value_that_is_no_event_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="events is 'x'; allowed is NewEvents"):
        await Stream().write(source(iter(["x"])))


async def test_large_events_make_small_batches() -> None:
    stream = Stream()
    large = [NewEvent("Blob", bytes(Batching().max_bytes // 2 - 100)) for _ in range(6)]
    await stream.write(source(iter(large)))
    assert max(stream.sizes) == 2


@pytest.mark.parametrize("kind", ["iterator", "async iterator"])
async def test_an_iterator_that_a_drain_cuts_is_a_failure(kind: str) -> None:
    """Its events up to then are written."""
    runtime, stream, events, read = BackgroundTasks("test"), Stream(), new_events(95), []
    stream.gate.clear()
    is_read = asyncio.Event()

    def each() -> Iterator[NewEvent]:
        for event in events:
            read.append(event)
            is_read.set()
            yield event

    async def each_later() -> AsyncIterator[NewEvent]:
        for event in each():
            yield event

    items = each() if kind == "iterator" else each_later()
    writing = asyncio.ensure_future(stream.write(IterableSource(runtime, items)))
    await is_read.wait()
    await runtime.drain()
    stream.gate.set()
    with pytest.raises(ClientClosed, match="drained before the iterable was read to its end"):
        await writing
    assert stream.events == read
    assert 0 < len(read) < 95
