"""Operators pause and resume sources, and every pause ends. The tests need no server."""

from __future__ import annotations

import asyncio

import pytest
import reactivex
from reactivex import operators as rx

from rxpump.backpressure.background_tasks import BackgroundTasks
from rxpump.backpressure.upstream import Upstream
from rxpump.backpressure.watermarks import Watermarks
from rxpump.errors import BufferOverflow
from rxpump.streams.source import PageSource
from tests.fakes import BufferingObserver, Pages, numbers


async def settle(turns: int = 50) -> None:
    """Let everything that can run without new input run."""
    for _ in range(turns):
        await asyncio.sleep(0)


async def test_a_source_pauses_at_the_high_and_resumes_at_the_low_mark() -> None:
    runtime, pages, observer = BackgroundTasks("test"), Pages(numbers(10, 10)), BufferingObserver(high=25, low=5)
    done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    pages.source(runtime).subscribe(observer.on_next, on_completed=lambda: done.set_result(None))
    await settle()
    assert observer.items == list(range(25))
    assert pages.asked == 3
    assert observer.take(19) == list(range(19))
    await settle()
    assert len(observer.items) == 6, "above the low mark nothing moves"
    assert observer.take(1) == [19]
    await settle()
    assert len(observer.items) == 25
    observer.watermarks.close()
    await done
    assert observer.items == list(range(20, 100))
    assert not runtime.tasks


async def test_plain_operators_pass_on_the_pause() -> None:
    runtime, pages, observer = BackgroundTasks("test"), Pages(numbers(100, 10)), BufferingObserver(high=10)
    pipeline = pages.source(runtime).pipe(
        rx.filter(lambda n: n % 2 == 0),
        rx.map(lambda n: n * 10),
        rx.flat_map(lambda n: reactivex.from_iterable([n, n + 1])),
    )
    subscription = pipeline.subscribe(observer.on_next)
    await settle()
    assert observer.items[:4] == [0, 1, 20, 21]
    assert len(observer.items) <= 10 + 2
    assert pages.asked == 1
    subscription.dispose()
    await settle()
    assert not runtime.tasks
    assert pages.closed == 1


async def test_a_shared_source_runs_if_no_consumer_pauses_it() -> None:
    runtime, pages = BackgroundTasks("test"), Pages(numbers(100, 10))
    fast, slow = BufferingObserver(high=1000), BufferingObserver(high=20, low=10)
    shared = pages.source(runtime).pipe(rx.share())
    both = [shared.subscribe(observer.on_next) for observer in (fast, slow)]
    await settle()
    assert len(slow.items) == len(fast.items) == 20
    slow.take(10)
    await settle()
    assert len(slow.items) == 20
    assert len(fast.items) == 30
    for subscription in both:
        subscription.dispose()
    await settle()
    assert not runtime.tasks


async def test_a_consumer_pauses_all_merged_sources() -> None:
    runtime, observer = BackgroundTasks("test"), BufferingObserver(high=30)
    left, right = Pages(numbers(100, 10)), Pages(numbers(100, 10))
    merged = reactivex.merge(left.source(runtime), right.source(runtime))
    subscription = merged.subscribe(observer.on_next)
    await settle()
    assert len(observer.items) <= 31, "each source delivers at most one item before the pause"
    assert left.asked + right.asked <= 5
    subscription.dispose()


async def test_without_an_upstream_a_full_buffer_is_an_error() -> None:
    observer = BufferingObserver(high=2, capacity=5)
    for number in range(5):
        observer.on_next(number)
    with pytest.raises(BufferOverflow, match="observer is full with 5 items") as raised:
        observer.on_next(5)
    assert raised.value.capacity == 5


async def test_an_ended_source_cannot_be_paused() -> None:
    upstream, watermarks = Upstream("source"), Watermarks("observer", high=1)
    upstream.enter()
    watermarks.added(1)
    assert upstream.paused_by == {watermarks}
    assert repr(upstream) == "<Upstream source, paused by 1>"
    assert repr(watermarks) == "<Watermarks observer, pausing 1, marks 0 to 1>"
    upstream.end()
    assert not upstream.paused_by
    assert not upstream.pause(watermarks)
    watermarks.close()
    Upstream.leave()
    assert Upstream.current() is None


async def test_closed_watermarks_pause_no_source() -> None:
    upstream, watermarks = Upstream("source"), Watermarks("observer", high=1)
    upstream.enter()
    watermarks.added(1)
    watermarks.close()
    watermarks.added(2)
    assert upstream.may_deliver
    Upstream.leave()


async def test_the_pages_of_a_source_are_read_outside_its_delivery() -> None:
    seen: list[Upstream | None] = []

    async def pages():  # type: ignore[no-untyped-def]
        seen.append(Upstream.current())
        yield [1]
        seen.append(Upstream.current())

    await PageSource(BackgroundTasks("test"), "outer", pages).pipe(rx.to_list())
    assert seen == [None, None]
