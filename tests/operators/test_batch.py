from __future__ import annotations

import pytest
import reactivex
from reactivex import operators as rx
from reactivex.scheduler import TimeoutScheduler, VirtualTimeScheduler

from rxpump import operators as ops
from rxpump.backpressure.background_tasks import BackgroundTasks
from rxpump.errors import InvalidArgument
from rxpump.model.new_events import NewEvent
from rxpump.operators.machinery.stage import Operator
from tests.fakes import Pages, numbers
from tests.operators.events import event
from tests.operators.sources import Clock, Feed, HeldSink, Seen, settle


async def test_completion_emits_the_last_incomplete_batch() -> None:
    source = Pages(numbers(5, 5)).source(BackgroundTasks("test"))
    batches = await source.pipe(ops.batch(10), rx.to_list())
    assert batches == [list(range(10)), list(range(10, 20)), list(range(20, 25))]


async def test_an_empty_source_makes_no_batch() -> None:
    assert await Pages([]).source(BackgroundTasks("test")).pipe(ops.batch(10), rx.to_list()) == []


async def test_an_incomplete_batch_is_emitted_after_max_time(clock: Clock) -> None:
    feed, seen = Feed(), Seen()
    seen.of(feed.pipe(ops.batch(3, max_time=5)))
    await settle()
    await clock.advance(100)
    assert seen.items == [], "no batch without an item"
    feed.on_next("a")
    await settle()
    await clock.advance(4)
    feed.on_next("b")
    await clock.advance(0.9)
    assert seen.items == []
    await clock.advance(0.2)
    assert seen.items == [["a", "b"]]
    for item in "cdef":
        feed.on_next(item)
    await settle()
    assert seen.items == [["a", "b"], ["c", "d", "e"]]
    feed.on_completed()
    await settle()
    assert seen.items[2:] == [["f"]]
    assert seen.completed == 1


async def test_virtual_time_ends_a_batch() -> None:
    scheduler = VirtualTimeScheduler()
    feed, seen = Feed(), Seen()
    seen.of(feed.pipe(ops.batch(3, max_time=60, scheduler=scheduler)))
    scheduler.advance_to(100)
    feed.on_next("a")
    await settle()
    scheduler.advance_to(159)
    feed.on_next("b")
    await settle()
    assert seen.items == []
    scheduler.advance_to(160)
    await settle()
    assert seen.items == [["a", "b"]]
    for item in "cdef":
        feed.on_next(item)
    await settle()
    assert seen.items == [["a", "b"], ["c", "d", "e"]]
    scheduler.advance_to(1000)
    await settle()
    assert seen.items == [["a", "b"], ["c", "d", "e"], ["f"]]
    feed.on_completed()
    await settle()
    assert seen.completed == 1


async def test_the_scheduler_of_subscribe_ends_a_batch() -> None:
    scheduler, feed, seen = VirtualTimeScheduler(), Feed(), Seen()
    feed.pipe(ops.batch(3, max_time=60)).subscribe(seen.items.append, scheduler=scheduler)
    feed.on_next("a")
    await settle()
    scheduler.advance_to(60)
    await settle()
    assert seen.items == [["a"]]
    feed.on_completed()
    await settle()


async def test_a_scheduler_can_run_in_another_thread() -> None:
    feed, seen = Feed(), Seen()
    subscription = seen.of(feed.pipe(ops.batch(3, max_time=0.001, scheduler=TimeoutScheduler()), rx.take(1)))
    feed.on_next("a")
    await seen.until_ended()
    assert seen.items == [["a"]]
    subscription.dispose()


async def test_the_origin_of_a_batch_is_its_last_event() -> None:
    feed, seen = Feed(), Seen()
    seen.of(feed.pipe(ops.batch(2)))
    for item in "abc":
        feed.on_next(item)
    feed.on_completed()
    await settle()
    assert seen.origins == ["b", "c"]


async def test_batches_stay_within_max_bytes() -> None:
    items = [bytes(size) for size in (40, 40, 40, 100, 101, 250, 1, 1)]
    batches = await Pages([items]).source(BackgroundTasks("test")).pipe(ops.batch(100, max_bytes=100), rx.to_list())
    assert [[len(item) for item in batch] for batch in batches] == [[40, 40], [40], [100], [101], [250], [1, 1]]


async def test_sizes_of_read_and_new_events_are_counted() -> None:
    items = [NewEvent("A", b"12345", metadata=b"6"), event(data=b"12345"), NewEvent("A", b"x")]
    batches = await reactivex.of(*items).pipe(ops.batch(100, max_bytes=11), rx.to_list())
    assert batches == [items[:2], items[2:]]


async def test_an_item_without_a_size_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="item is 7; allowed is an Event, a NewEvent or bytes"):
        await Pages([[7, 8]]).source(BackgroundTasks("test")).pipe(ops.batch(100, max_bytes=11))


async def test_a_paused_consumer_pauses_the_source() -> None:
    pages, sink = Pages(numbers(1000, 5)), HeldSink()
    subscription = pages.source(BackgroundTasks("test")).pipe(ops.batch(10)).subscribe(sink.on_next)
    await settle(200)
    assert sink.items == [list(range(10))]
    assert pages.asked <= 7
    subscription.dispose()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ops.batch(0), "max_size is 0"),
        (lambda: ops.batch(1, max_time=0), "max_time is 0"),
        (lambda: ops.batch(1, max_bytes=0), "max_bytes is 0"),
        (lambda: ops.batch(1, scheduler=7), "scheduler is 7; allowed is a scheduler of reactivex, or None"),  # type: ignore[arg-type]
        (lambda: ops.batch(10, high=5), "high is 5; allowed is a whole number, 10 or more"),
    ],
)
def test_invalid_limits_are_refused(make: Operator[object, object], message: str) -> None:
    with pytest.raises(InvalidArgument, match=message):
        make()  # type: ignore[call-arg]
