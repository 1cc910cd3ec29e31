"""Iteration with `async for` over an Observable: order, bounds, and the end of the subscription."""

from __future__ import annotations

import asyncio
import gc
import threading

import pytest
import reactivex
from reactivex import operators as rx
from reactivex.subject import Subject

from rxpump.backpressure.background_tasks import BackgroundTasks
from rxpump.errors import BufferOverflow
from rxpump.streams.iteration import HIGH_MARK, Iteration
from rxpump.streams.observable import Piped
from tests.fakes import Pages, numbers


async def test_values_arrive_in_order() -> None:
    source = Pages(numbers(30, 100)).source(BackgroundTasks("test"))
    assert [value async for value in source] == list(range(3000))
    assert [value async for value in source.pipe(rx.filter(lambda n: n < 5))] == [0, 1, 2, 3, 4]


async def test_a_slow_body_pauses_the_source() -> None:
    pages = Pages(numbers(1000, 10))
    taken = 0
    async for _ in pages.source(BackgroundTasks("test")):
        taken += 1
        await asyncio.sleep(0)
        assert pages.asked * 10 <= taken + HIGH_MARK + 10
        if taken == 2000:
            break


async def test_leaving_the_loop_ends_the_subscription() -> None:
    runtime, pages = BackgroundTasks("test"), Pages(numbers(1000, 10))
    async for value in pages.source(runtime):
        if value == 5:
            break
    gc.collect()
    while runtime.tasks:
        await asyncio.sleep(0)
    assert pages.closed == 1


async def test_an_error_is_raised_after_the_values_before_it() -> None:
    seen = []
    with pytest.raises(LookupError):
        async for value in Pages(numbers(1, 3), failure=LookupError()).source(BackgroundTasks("test")):
            seen.append(value)
    assert seen == [0, 1, 2]


async def test_a_source_that_cannot_be_paused_overflows() -> None:
    endless = Piped(reactivex.from_iterable(range(100_000)))
    with pytest.raises(BufferOverflow, match="async for is full with 10000 items"):
        async for _ in endless:
            pass


async def test_two_loops_are_two_subscriptions() -> None:
    pages = Pages(numbers(1, 3))
    source = pages.source(BackgroundTasks("test"))
    pairs = [(left, right) async for left in source async for right in source]
    assert len(pairs) == 9
    assert pages.opened == 4


async def test_polling_with_a_timeout_loses_no_value() -> None:
    source: Subject[int] = Subject()
    events = aiter(Piped(source))
    seen: list[int] = []
    for number in range(5):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(events), 0.001)
        source.on_next(number)
        source.on_next(-number)
        seen += [await asyncio.wait_for(anext(events), 1), await asyncio.wait_for(anext(events), 1)]
    assert seen == [0, 0, 1, -1, 2, -2, 3, -3, 4, -4]


async def test_a_value_that_arrives_at_the_cancellation_is_kept() -> None:
    source: Subject[int] = Subject()
    events = aiter(Piped(source))
    waiting = asyncio.ensure_future(events.__anext__())
    await asyncio.sleep(0)
    source.on_next(1)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert await anext(events) == 1


async def test_a_read_can_be_polled_to_its_end() -> None:
    """Each wait for an event is cancelled and repeated."""
    pages = Pages(numbers(20, 50))
    events = aiter(pages.source(BackgroundTasks("test")))
    seen: list[int] = []
    while True:
        waiting = asyncio.ensure_future(events.__anext__())
        for _ in range(len(seen) % 4):
            await asyncio.sleep(0)
        waiting.cancel()
        try:
            seen.append(await waiting)
        except asyncio.CancelledError:
            seen_before = len(seen)
            seen.append(await anext(events, -1))
            if seen[seen_before] == -1:
                break
        except StopAsyncIteration:
            break
    assert [value for value in seen if value >= 0] == list(range(1000))
    assert pages.opened == pages.closed == 1


@pytest.mark.parametrize("end", ["aclose", "del", "error"])
async def test_each_end_of_an_iteration_ends_the_subscription(end: str) -> None:
    runtime, pages = BackgroundTasks("test"), Pages(numbers(1000, 10))
    events = aiter(pages.source(runtime))
    assert await anext(events) == 0
    if end == "aclose":
        await events.aclose()
        assert await anext(events, None) is None
    elif end == "del":
        del events
    else:
        with pytest.raises(LookupError):
            async for _ in events:
                raise LookupError
        del events
    while runtime.tasks:
        await asyncio.sleep(0)
    assert pages.closed == 1


async def test_a_closed_iteration_does_not_subscribe() -> None:
    pages = Pages(numbers(1, 1))
    events = aiter(pages.source(BackgroundTasks("test")))
    await events.aclose()
    assert [value async for value in events] == []
    assert pages.opened == 0


async def test_closing_ends_a_wait() -> None:
    events = aiter(Piped(Subject[int]()))
    waiting = asyncio.ensure_future(events.__anext__())
    await asyncio.sleep(0)
    await events.aclose()
    with pytest.raises(StopAsyncIteration):
        await waiting


async def test_a_second_concurrent_wait_is_refused() -> None:
    source: Subject[int] = Subject()
    events = aiter(Piped(source))
    waiting = asyncio.ensure_future(events.__anext__())
    await asyncio.sleep(0)
    with pytest.raises(RuntimeError, match="another task is waiting"):
        await anext(events)
    source.on_next(7)
    assert await waiting == 7


async def test_an_iteration_ends_after_an_error() -> None:
    events = aiter(Pages(numbers(1, 1), failure=LookupError()).source(BackgroundTasks("test")))
    assert await anext(events) == 0
    with pytest.raises(LookupError):
        await anext(events)
    assert await anext(events, None) is None


async def test_a_value_from_another_thread_wakes_the_loop() -> None:
    source: Subject[int] = Subject()
    events = aiter(Piped(source))
    first = asyncio.ensure_future(events.__anext__())
    await asyncio.sleep(0)

    def deliver() -> None:
        for number in range(1000):
            source.on_next(number)
        source.on_completed()

    thread = threading.Thread(target=deliver)
    thread.start()
    assert [await first, *[value async for value in events]] == list(range(1000))
    thread.join()


async def test_an_iteration_collected_in_another_thread_is_closed() -> None:
    runtime, pages = BackgroundTasks("test"), Pages(numbers(1000, 10))
    held = [aiter(pages.source(runtime))]
    await anext(held[0])
    thread = threading.Thread(target=held.clear)
    thread.start()
    thread.join()
    while runtime.tasks:
        await asyncio.sleep(0)
    assert pages.closed == 1


def test_an_iteration_can_outlive_its_loop() -> None:
    async def begin() -> Iteration[int]:
        events = aiter(Pages(numbers(1000, 10)).source(BackgroundTasks("test")))
        await anext(events)
        return events

    events = asyncio.run(begin())
    del events
    gc.collect()


async def test_the_repr_shows_the_state() -> None:
    events = aiter(Pages(numbers(1, 3)).source(BackgroundTasks("test")))
    assert repr(events) == "<Iteration over <PageSource pages>, not started, 0 values>"
    await anext(events)
    assert repr(events) == "<Iteration over <PageSource pages>, open, 2 values>"
    await anext(events)
    await anext(events)
    assert await anext(events, None) is None
    assert repr(events) == "<Iteration over <PageSource pages>, closed, 0 values>"
