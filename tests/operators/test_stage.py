"""The common behavior of all stages of pipelines: water marks, ends and pauses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest
import reactivex
from reactivex import operators as rx
from reactivex.subject import Subject

from rxpump.backpressure.background_tasks import BackgroundTasks
from rxpump.errors import BufferOverflow, InvalidArgument, WorkCancelled
from rxpump.operators.machinery.stage import Operator, Result, Stage, stage
from rxpump.streams.observable import Piped
from rxpump.streams.source import IterableSource
from tests.fakes import BufferingObserver, Pages, numbers
from tests.operators.sources import Feed, Gates, HeldSink, Seen, settle


async def passing(stage: Stage[Any, Any]) -> AsyncGenerator[Result[Any, Any], None]:
    async for kept in stage:
        yield kept.item, (kept,)


def through(gates: Gates, **marks: int) -> Operator[Any, Any]:
    async def work(stage: Stage[Any, Any]) -> AsyncGenerator[Result[Any, Any], None]:
        async for kept in stage:
            yield await gates(kept.item), (kept,)

    return stage("test", work, **marks)


def plain(**marks: int) -> Operator[Any, Any]:
    return stage("test", passing, **marks)


async def test_all_items_are_emitted_in_order_before_completion() -> None:
    source = Pages(numbers(10, 100)).source(BackgroundTasks("test"))
    assert await source.pipe(plain(high=7), plain(), rx.to_list()) == list(range(1000))


async def test_a_stage_pauses_at_high_and_resumes_at_low() -> None:
    pages, gates, seen = Pages(numbers(100, 10)), Gates(), Seen()
    subscription = seen.of(pages.source(BackgroundTasks("test")).pipe(through(gates, high=20, low=15)))
    await settle()
    assert pages.asked == 2
    await gates.open(0, 1, 2, 3)
    assert pages.asked == 2, "above the low mark nothing moves"
    await gates.open(4)
    assert pages.asked == 3
    subscription.dispose()


async def test_a_paused_consumer_pauses_all_stages_and_the_source() -> None:
    pages, sink = Pages(numbers(1000, 10)), HeldSink()
    stages = [plain(high=10) for _ in range(3)]
    subscription = pages.source(BackgroundTasks("test")).pipe(*stages).subscribe(sink.on_next)
    await settle(200)
    assert sink.items == [0]
    assert pages.asked <= 4, "three stages of ten, and the page that brought the last of them"
    taken: list[Any] = []
    while len(taken) < 500:
        taken += sink.take(1)
        await settle()
    assert taken == list(range(500)), "nothing is lost"
    assert pages.asked * 10 <= 500 + 4 * 10 + 10
    subscription.dispose()


async def test_a_source_that_cannot_be_paused_overflows() -> None:
    seen, gates = Seen(), Gates()
    seen.of(reactivex.from_iterable(range(20_000)).pipe(through(gates)))
    await settle()
    (error,) = seen.errors
    assert isinstance(error, BufferOverflow)
    assert (error.buffer, error.capacity) == ("test", 10_000)
    assert gates.begun == []


async def test_buffered_items_are_emitted_before_completion() -> None:
    feed, gates, seen = Feed(), Gates(), Seen()
    seen.of(feed.pipe(through(gates)))
    for item in "abc":
        feed.on_next(item)
    feed.on_completed()
    await settle()
    assert not seen.is_ended
    await gates.open("a")
    await gates.open("b")
    assert not seen.is_ended
    await gates.open("c")
    assert seen.items == ["a", "b", "c"]
    assert seen.completed == 1


async def test_completion_waits_for_a_paused_consumer() -> None:
    feed, sink, done = Feed(), HeldSink(), asyncio.Event()
    feed.pipe(plain()).subscribe(sink.on_next, on_completed=done.set)
    feed.on_next("a")
    feed.on_next("b")
    feed.on_completed()
    await settle()
    assert sink.items == ["a"]
    assert not done.is_set()
    sink.take(1)
    await settle()
    assert sink.items == ["b"]
    assert done.is_set()


async def test_an_error_of_the_source_cancels_the_work_at_once() -> None:
    feed, gates, seen = Feed(), Gates(), Seen()
    seen.of(feed.pipe(through(gates)))
    feed.on_next("a")
    feed.on_next("b")
    await settle()
    feed.on_error(LookupError("gone"))
    assert [type(error) for error in seen.errors] == [LookupError], "at once, and even where work is under way"
    await settle()
    assert gates.cancelled == ["a"]
    assert seen.items == []


async def test_an_exception_of_the_work_disposes_the_source() -> None:
    pages, gates, seen = Pages(numbers(100, 10)), Gates(), Seen()
    runtime = BackgroundTasks("test")
    seen.of(pages.source(runtime).pipe(through(gates, high=5)))
    await settle()
    await gates.fail(0, LookupError("no"))
    assert [type(error) for error in seen.errors] == [LookupError]
    assert pages.closed == 1
    assert not runtime.tasks


@pytest.mark.parametrize("kind", ["plain", "piped"])
async def test_an_exception_of_on_next_reaches_on_error(kind: str) -> None:
    pages, errors = Pages(numbers(100, 10)), []
    ended = asyncio.Event()

    def refuse(item: Any) -> None:
        raise ValueError(item)

    def note(error: Exception) -> None:
        errors.append(error)
        ended.set()

    staged = plain()(pages.source(BackgroundTasks("test")))
    (Piped(staged) if kind == "piped" else staged).subscribe(refuse, note)
    await ended.wait()
    await settle()
    assert [repr(error) for error in errors] == ["ValueError(0)"]
    assert pages.closed == 1


async def test_dispose_ends_pause_and_work_without_signals() -> None:
    feed, gates, seen = Feed(), Gates(), Seen()
    subscription = seen.of(feed.pipe(through(gates, high=2)))
    feed.on_next("a")
    feed.on_next("b")
    await settle()
    assert feed.is_paused
    subscription.dispose()
    assert not feed.is_paused
    await settle()
    assert gates.cancelled == ["a"]
    assert not feed.observers
    assert (seen.items, seen.errors, seen.completed) == ([], [], 0)
    subscription.dispose()


async def test_dispose_inside_on_next_stops_the_delivery() -> None:
    pages = Pages(numbers(100, 10))
    assert await pages.source(BackgroundTasks("test")).pipe(plain(), rx.take(3), rx.to_list()) == [0, 1, 2]
    await settle()
    assert pages.closed == 1


async def test_dispose_during_a_pause_discards_buffered_items() -> None:
    feed, sink = Feed(), HeldSink()
    subscription = feed.pipe(plain()).subscribe(sink.on_next)
    feed.on_next("a")
    feed.on_next("b")
    await settle()
    subscription.dispose()
    sink.take(1)
    await settle()
    assert sink.items == []


async def test_cancelling_the_task_of_a_stage_is_an_error() -> None:
    feed, gates, seen = Feed(), Gates(), Seen()
    seen.of(feed.pipe(through(gates)))
    feed.on_next("a")
    await settle()
    await gates.fail("a", asyncio.CancelledError())
    (error,) = seen.errors
    assert isinstance(error, WorkCancelled)
    assert str(error) == "a task of test was cancelled from outside its pipeline"
    assert not feed.observers


async def test_a_pause_reaches_the_source_at_the_high_mark() -> None:
    feed, sink = Feed(), HeldSink()
    subscription = feed.pipe(plain(high=5)).subscribe(sink.on_next)
    for item in range(5):
        feed.on_next(item)
        await settle()
        assert not feed.is_paused, "one is below, and the rest under the mark"
    feed.on_next(5)
    assert feed.is_paused
    subscription.dispose()


async def test_a_long_run_does_not_block_the_event_loop() -> None:
    source: Subject[int] = Subject()
    delivered: list[int] = []
    delivered_at_other_callback: list[int] = []

    def slow(item: int) -> None:
        delivered.append(sum(range(3000)))

    done = asyncio.Event()
    source.pipe(plain()).subscribe(slow, on_completed=done.set)
    for item in range(5000):
        source.on_next(item)
    source.on_completed()
    asyncio.get_running_loop().call_soon(
        lambda: asyncio.get_running_loop().call_soon(lambda: delivered_at_other_callback.append(len(delivered)))
    )
    await done.wait()
    assert len(delivered) == 5000
    assert delivered_at_other_callback[0] < 5000


async def test_subscriptions_are_independent() -> None:
    source = IterableSource(BackgroundTasks("test"), [1, 2, 3]).pipe(plain())
    pairs = [(left, right) async for left in source async for right in source]
    assert len(pairs) == 9


async def test_merged_and_shared_sources_are_paused() -> None:
    left, right = Pages(numbers(100, 10)), Pages(numbers(100, 10))
    gates, fast = Gates(), BufferingObserver(high=10_000)
    runtime = BackgroundTasks("test")
    merged = reactivex.merge(left.source(runtime), right.source(runtime)).pipe(rx.share())
    both = [merged.subscribe(fast.on_next), merged.pipe(through(gates, high=10)).subscribe()]
    await settle()
    assert len(fast.items) <= 11
    assert left.asked + right.asked <= 3
    for subscription in both:
        subscription.dispose()
    await settle()
    assert not runtime.tasks


def test_subscribing_without_an_event_loop_is_an_error() -> None:
    errors: list[Exception] = []
    reactivex.of(1).pipe(plain()).subscribe(on_error=errors.append)
    assert "no running event loop" in str(errors[0])


@pytest.mark.parametrize(
    ("marks", "message"),
    [({"high": 0}, "high is 0"), ({"high": 2, "low": 2}, "low is 2; .* from 0 to 1"), ({"low": -1}, "low is -1")],
)
def test_invalid_marks_are_refused(marks: dict[str, int], message: str) -> None:
    with pytest.raises(InvalidArgument, match=message):
        plain(**marks)


async def test_the_repr_shows_the_state() -> None:
    feed = Feed()
    subscribed = Stage("test", passing, Seen(), 5, None).attach(feed, None)  # type: ignore[arg-type]
    feed.on_next(1)
    assert repr(subscribed) == "<Stage test, open, 1 unfinished, <Watermarks test, pausing 0, marks 2 to 5>>"
    subscribed.dispose()
    assert repr(subscribed).startswith("<Stage test, done")
