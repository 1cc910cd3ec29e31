from __future__ import annotations

import pytest
from reactivex.scheduler import TimeoutScheduler, VirtualTimeScheduler

from rxpump import operators as ops
from rxpump.backpressure.background_tasks import BackgroundTasks
from rxpump.errors import InvalidArgument
from tests.fakes import Pages, numbers
from tests.operators.sources import Clock, Feed, HeldSink, Seen, settle


async def test_at_most_count_items_are_emitted_per_period(clock: Clock) -> None:
    feed, seen = Feed(), Seen()
    seen.of(feed.pipe(ops.rate_limit(2, per=1.0)))
    for item in "abcde":
        feed.on_next(item)
    feed.on_completed()
    await settle()
    assert seen.items == ["a", "b"]
    await clock.advance(0.9)
    assert seen.items == ["a", "b"]
    await clock.advance(0.2)
    assert seen.items == ["a", "b", "c", "d"]
    assert not seen.is_ended
    await clock.advance(1.1)
    assert seen.items == ["a", "b", "c", "d", "e"]
    assert seen.origins == ["a", "b", "c", "d", "e"]
    assert seen.completed == 1


async def test_a_pause_of_the_consumer_causes_no_burst(clock: Clock) -> None:
    feed, sink = Feed(), HeldSink()
    subscription = feed.pipe(ops.rate_limit(2, per=1.0)).subscribe(sink.on_next)
    for item in "abcdefg":
        feed.on_next(item)
    await settle()
    await clock.advance(10)
    assert sink.items == ["a"]
    taken = []
    for _ in range(5):
        taken += sink.take(1)
        await settle()
    assert taken == ["a", "b", "c"], "two in the second that has begun"
    subscription.dispose()


async def test_a_faster_source_is_paused(clock: Clock) -> None:
    pages, seen = Pages(numbers(100, 10)), Seen()
    subscription = seen.of(pages.source(BackgroundTasks("test")).pipe(ops.rate_limit(5, high=20)))
    await settle(100)
    assert seen.items == [0, 1, 2, 3, 4]
    assert pages.asked <= 3
    subscription.dispose()


async def test_virtual_time_drives_the_limit() -> None:
    scheduler = VirtualTimeScheduler()
    feed, seen = Feed(), Seen()
    seen.of(feed.pipe(ops.rate_limit(2, per=60.1, scheduler=scheduler)))
    for item in "abcde":
        feed.on_next(item)
    feed.on_completed()
    await settle()
    assert seen.items == ["a", "b"]
    scheduler.advance_to(60)
    await settle()
    assert seen.items == ["a", "b"]
    scheduler.advance_to(60.1)
    await settle()
    assert seen.items == ["a", "b", "c", "d"]
    scheduler.advance_to(120.2)
    await settle()
    assert seen.items == ["a", "b", "c", "d", "e"]
    assert seen.completed == 1


async def test_the_scheduler_of_subscribe_drives_the_limit() -> None:
    scheduler, feed, seen = VirtualTimeScheduler(), Feed(), Seen()
    feed.pipe(ops.rate_limit(1, per=60)).subscribe(seen.items.append, scheduler=scheduler)
    for item in "ab":
        feed.on_next(item)
    feed.on_completed()
    await settle()
    assert seen.items == ["a"]
    scheduler.advance_to(60)
    await settle()
    assert seen.items == ["a", "b"]


async def test_dispose_cancels_the_timer_of_the_scheduler() -> None:
    scheduler = VirtualTimeScheduler()
    feed, seen = Feed(), Seen()
    subscription = seen.of(feed.pipe(ops.rate_limit(1, per=60, scheduler=scheduler)))
    feed.on_next("a")
    feed.on_next("b")
    await settle()
    subscription.dispose()
    await settle()
    scheduler.advance_to(100)
    await settle()
    assert seen.items == ["a"]


async def test_a_scheduler_can_run_in_another_thread() -> None:
    feed, seen = Feed(), Seen()
    seen.of(feed.pipe(ops.rate_limit(1, per=0.001, scheduler=TimeoutScheduler())))
    feed.on_next("a")
    feed.on_next("b")
    feed.on_completed()
    await seen.until_ended()
    assert seen.items == ["a", "b"]


def test_invalid_limits_are_refused() -> None:
    with pytest.raises(InvalidArgument, match="count is 0"):
        ops.rate_limit(0)
    with pytest.raises(InvalidArgument, match="per is 0"):
        ops.rate_limit(1, per=0)
    with pytest.raises(InvalidArgument, match="scheduler is 7; allowed is a scheduler of reactivex, or None"):
        ops.rate_limit(1, scheduler=7)  # type: ignore[arg-type]
