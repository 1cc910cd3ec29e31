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


async def test_a_source_stops_at_the_high_mark_and_goes_on_at_the_low_one() -> None:
    runtime, pages, keeper = BackgroundTasks("test"), Pages(numbers(10, 10)), BufferingObserver(high=25, low=5)
    done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    pages.source(runtime).subscribe(keeper.on_next, on_completed=lambda: done.set_result(None))
    await settle()
    assert keeper.items == list(range(25))
    assert pages.asked == 3
    assert keeper.take(19) == list(range(19))
    await settle()
    assert len(keeper.items) == 6, "above the low mark nothing moves"
    assert keeper.take(1) == [19]
    await settle()
    assert len(keeper.items) == 25
    keeper.watermarks.close()
    await done
    assert keeper.items == list(range(20, 100))
    assert not runtime.tasks


async def test_demand_crosses_plain_operators() -> None:
    runtime, pages, keeper = BackgroundTasks("test"), Pages(numbers(100, 10)), BufferingObserver(high=10)
    pipeline = pages.source(runtime).pipe(
        rx.filter(lambda n: n % 2 == 0),
        rx.map(lambda n: n * 10),
        rx.flat_map(lambda n: reactivex.from_iterable([n, n + 1])),
    )
    subscription = pipeline.subscribe(keeper.on_next)
    await settle()
    assert keeper.items[:4] == [0, 1, 20, 21]
    assert len(keeper.items) <= 10 + 2
    assert pages.asked == 1
    subscription.dispose()
    await settle()
    assert not runtime.tasks
    assert pages.closed == 1


async def test_a_shared_source_runs_when_no_sink_holds_it() -> None:
    runtime, pages = BackgroundTasks("test"), Pages(numbers(100, 10))
    fast, slow = BufferingObserver(high=1000), BufferingObserver(high=20, low=10)
    shared = pages.source(runtime).pipe(rx.share())
    both = [shared.subscribe(keeper.on_next) for keeper in (fast, slow)]
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


async def test_merged_sources_are_each_held_by_the_sink_they_share() -> None:
    runtime, keeper = BackgroundTasks("test"), BufferingObserver(high=30)
    left, right = Pages(numbers(100, 10)), Pages(numbers(100, 10))
    merged = reactivex.merge(left.source(runtime), right.source(runtime))
    subscription = merged.subscribe(keeper.on_next)
    await settle()
    assert len(keeper.items) <= 31, "each source delivers at most one item before it feels the mark"
    assert left.asked + right.asked <= 5
    subscription.dispose()


async def test_a_keeper_without_a_flow_overflows_with_a_clear_error() -> None:
    keeper = BufferingObserver(high=2, capacity=5)
    for number in range(5):
        keeper.on_next(number)
    with pytest.raises(BufferOverflow, match="observer is full with 5 items") as raised:
        keeper.on_next(5)
    assert raised.value.capacity == 5


async def test_a_source_that_is_over_cannot_be_paused() -> None:
    flow, watermarks = Upstream("source"), Watermarks("keeper", high=1)
    flow.enter()
    watermarks.added(1)
    assert flow.paused_by == {watermarks}
    assert repr(flow) == "<Upstream source, paused by 1>"
    assert repr(watermarks) == "<Watermarks keeper, pausing 1, marks 0 to 1>"
    flow.end()
    assert not flow.paused_by
    assert not flow.pause(watermarks)
    watermarks.close()
    Upstream.leave()
    assert Upstream.current() is None


async def test_a_closed_brake_holds_nobody() -> None:
    flow, watermarks = Upstream("source"), Watermarks("keeper", high=1)
    flow.enter()
    watermarks.added(1)
    watermarks.close()
    watermarks.added(2)
    assert flow.may_deliver
    Upstream.leave()


async def test_what_a_source_pulls_from_is_not_its_own_delivery() -> None:
    seen: list[Upstream | None] = []

    async def pages():  # type: ignore[no-untyped-def]
        seen.append(Upstream.current())
        yield [1]
        seen.append(Upstream.current())

    await PageSource(BackgroundTasks("test"), "outer", pages).pipe(rx.to_list())
    assert seen == [None, None]
