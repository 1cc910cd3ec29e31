from __future__ import annotations

import asyncio
from typing import Any

import pytest
import reactivex
from reactivex import operators as rx

from rxpump import operators as ops
from rxpump.backpressure.background_tasks import BackgroundTasks
from rxpump.errors import BufferOverflow, InvalidArgument
from rxpump.operators import OverflowStrategy
from tests.fakes import Pages, numbers
from tests.operators.sources import Feed, HeldSink, Seen, settle


async def take_all(sink: HeldSink) -> list[Any]:
    taken: list[Any] = []
    while sink.items:
        taken += sink.take(1)
        await settle()
    return taken


async def test_items_are_delivered_at_once_while_demand_exists() -> None:
    feed, seen = Feed(), Seen()
    subscription = seen.of(feed.pipe(ops.on_backpressure_buffer(1)))
    for number, item in enumerate("abc"):
        feed.on_next(item)
        assert len(seen.items) == number + 1, "at once, not a turn later"
    assert seen.items == seen.origins == ["a", "b", "c"]
    subscription.dispose()


@pytest.mark.parametrize(
    ("overflow", "delivered", "dropped"),
    [
        (OverflowStrategy.DROP_OLDEST, ["a", "d", "e"], ["b", "c"]),
        (OverflowStrategy.DROP_NEWEST, ["a", "b", "c"], ["d", "e"]),
    ],
)
async def test_a_full_buffer_drops_items_by_its_strategy(
    overflow: OverflowStrategy, delivered: list[str], dropped: list[str]
) -> None:
    feed, sink = Feed(), HeldSink()
    gone: list[Any] = []
    subscription = feed.pipe(ops.on_backpressure_buffer(2, overflow, on_dropped=gone.append)).subscribe(sink.on_next)
    for item in "abcde":
        feed.on_next(item)
        await settle()
        assert not feed.is_paused
    assert gone == dropped
    assert await take_all(sink) == delivered
    feed.on_next("f")
    assert sink.items == ["f"], "straight through again"
    subscription.dispose()


async def test_by_default_a_full_buffer_is_an_error() -> None:
    feed, sink, seen = Feed(), HeldSink(), Seen()
    feed.pipe(ops.on_backpressure_buffer(2), rx.do_action(sink.on_next)).subscribe(on_error=seen.on_error)
    for item in "abc":
        feed.on_next(item)
    assert seen.errors == []
    feed.on_next("d")
    (error,) = seen.errors
    assert isinstance(error, BufferOverflow)
    assert (error.buffer, error.capacity) == ("on_backpressure_buffer", 2)
    assert not feed.observers


async def test_buffered_items_are_delivered_before_completion() -> None:
    feed, sink, done = Feed(), HeldSink(), asyncio.Event()
    feed.pipe(ops.on_backpressure_buffer(5)).subscribe(sink.on_next, on_completed=done.set)
    for item in "abc":
        feed.on_next(item)
    feed.on_completed()
    await settle()
    assert not done.is_set()
    assert await take_all(sink) == ["a", "b", "c"]
    assert done.is_set()


async def test_buffered_items_keep_their_order() -> None:
    feed, sink = Feed(), HeldSink()
    subscription = feed.pipe(ops.on_backpressure_buffer(300)).subscribe(sink.on_next)
    taken: list[int] = []
    for item in range(300):
        feed.on_next(item)
        if item % 3:
            taken += sink.take(1)
        for _ in range(item % 4):
            await asyncio.sleep(0)
    taken += await take_all(sink)
    assert taken == list(range(300))
    subscription.dispose()


async def test_a_paused_consumer_does_not_pause_the_source() -> None:
    pages, sink = Pages(numbers(100, 10)), HeldSink()
    done = asyncio.Event()
    operator = ops.on_backpressure_buffer(10, OverflowStrategy.DROP_OLDEST)
    pages.source(BackgroundTasks("test")).pipe(operator).subscribe(sink.on_next, on_completed=done.set)
    await settle(300)
    assert pages.closed == 1
    assert await take_all(sink) == [0, *range(990, 1000)]
    await done.wait()


async def test_a_dropped_item_counts_as_finished() -> None:
    feed, sink, seen = Feed(), HeldSink(), Seen()
    operator = ops.on_backpressure_buffer(1, OverflowStrategy.DROP_OLDEST)
    subscription = feed.pipe(operator, rx.do_action(seen.on_next)).subscribe(sink.on_next)
    for item in "abcd":
        feed.on_next(item)
    await take_all(sink)
    assert seen.items == seen.origins == ["a", "d"]
    subscription.dispose()


async def test_an_exception_of_on_dropped_is_the_error() -> None:
    feed, sink, seen = Feed(), HeldSink(), Seen()

    def refuse(item: str) -> None:
        raise LookupError(item)

    operator = ops.on_backpressure_buffer(1, OverflowStrategy.DROP_NEWEST, on_dropped=refuse)
    feed.pipe(operator, rx.do_action(sink.on_next)).subscribe(on_error=seen.on_error)
    for item in "abc":
        feed.on_next(item)
    assert [repr(error) for error in seen.errors] == ["LookupError('c')"]
    assert not feed.observers


async def test_an_error_of_a_subscriber_reaches_only_that_subscriber() -> None:
    feed = Feed()
    errors: list[Exception] = []

    def refuse(item: str) -> None:
        raise LookupError(item)

    ops.on_backpressure_buffer(1)(feed).subscribe(refuse, errors.append)
    feed.on_next("a")
    assert [repr(error) for error in errors] == ["LookupError('a')"]
    assert not feed.observers


def test_a_capacity_of_0_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="capacity is 0"):
        ops.on_backpressure_buffer(0)


def test_subscribing_without_an_event_loop_is_an_error() -> None:
    errors: list[Exception] = []
    reactivex.of(1).pipe(ops.on_backpressure_buffer(1)).subscribe(on_error=errors.append)
    assert "no running event loop" in str(errors[0])
