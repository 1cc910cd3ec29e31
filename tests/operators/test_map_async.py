from __future__ import annotations

import asyncio
from typing import Any

import pytest
import reactivex
from reactivex import operators as rx

from rxpump import operators as ops
from rxpump.backpressure.background_tasks import BackgroundTasks
from rxpump.errors import InvalidArgument
from tests.fakes import Pages, numbers
from tests.operators.sources import Feed, Gates, HeldSink, Seen, settle


async def test_by_default_one_item_is_processed_at_a_time() -> None:
    feed, gates, seen = Feed(), Gates(str.upper), Seen()
    seen.of(feed.pipe(ops.map_async(gates)))
    for item in "abc":
        feed.on_next(item)
    await settle()
    assert gates.begun == ["a"]
    await gates.open("a", "b")
    assert seen.items == ["A", "B"]
    assert gates.begun == ["a", "b", "c"]
    await gates.open("c")
    feed.on_completed()
    await settle()
    assert seen.completed == 1


async def test_concurrent_results_keep_the_order_of_the_items() -> None:
    feed, gates, seen = Feed(), Gates(str.upper), Seen()
    seen.of(feed.pipe(ops.map_async(gates, max_concurrent=3)))
    for item in "abcde":
        feed.on_next(item)
    await settle()
    assert gates.begun == ["a", "b", "c"]
    await gates.open("c", "b")
    assert seen.items == [], "a comes first"
    assert gates.begun == ["a", "b", "c"], "finished ones that wait count"
    await gates.open("a")
    assert seen.items == ["A", "B", "C"]
    assert gates.begun == ["a", "b", "c", "d", "e"]
    feed.on_completed()
    await gates.open("e")
    assert not seen.is_ended
    await gates.open("d")
    assert seen.items == ["A", "B", "C", "D", "E"]
    assert seen.completed == 1


@pytest.mark.parametrize("max_concurrent", [1, 3])
async def test_the_origin_of_a_result_is_its_own_event(max_concurrent: int) -> None:
    feed, gates, seen = Feed(), Gates(str.upper), Seen()
    seen.of(feed.pipe(ops.map_async(gates, max_concurrent)))
    for item in "abc":
        feed.on_next(item)
    feed.on_completed()
    await settle()
    while not seen.is_ended:
        await gates.open(*reversed(gates.waiting))
    assert seen.items == ["A", "B", "C"]
    assert seen.origins == ["a", "b", "c"]


async def test_all_results_of_one_event_have_it_as_their_origin() -> None:
    feed, seen = Feed(), Seen()

    async def same(item: Any) -> Any:
        return item

    seen.of(feed.pipe(rx.flat_map(lambda item: reactivex.of(1, 2)), ops.map_async(same)))
    feed.on_next("a")
    feed.on_next("b")
    await settle()
    assert seen.origins == ["a", "a", "b", "b"]
    feed.on_completed()


async def test_a_failure_is_emitted_in_order_and_cancels_the_rest() -> None:
    feed, gates, seen = Feed(), Gates(), Seen()
    seen.of(feed.pipe(ops.map_async(gates, max_concurrent=4)))
    for item in "abcd":
        feed.on_next(item)
    await settle()
    await gates.fail("b", LookupError("b"))
    await gates.fail("d", LookupError("d"))
    assert not seen.is_ended, "a is still to come"
    await gates.open("a")
    assert seen.items == ["a"]
    assert [str(error) for error in seen.errors] == ["b"]
    assert gates.cancelled == ["c"]
    assert not feed.observers


async def test_an_exception_before_the_first_await_is_the_error() -> None:
    seen = Seen()

    def refuse(item: int) -> Any:
        raise LookupError(item)

    for max_concurrent in (1, 2):
        seen = Seen()
        seen.of(reactivex.of(1).pipe(ops.map_async(refuse, max_concurrent)))
        await seen.until_ended()
        assert [repr(error) for error in seen.errors] == ["LookupError(1)"]


@pytest.mark.parametrize("max_concurrent", [1, 5])
async def test_a_full_consumer_limits_work_to_max_concurrent(max_concurrent: int) -> None:
    pages, sink, begun = Pages(numbers(100, 10)), HeldSink(), []

    async def note(item: int) -> int:
        begun.append(item)
        return item

    subscription = (
        pages.source(BackgroundTasks("test"))
        .pipe(ops.map_async(note, max_concurrent, high=20))
        .subscribe(sink.on_next)
    )
    await settle(100)
    assert sink.items == [0]
    assert len(begun) <= 1 + max_concurrent + 1
    assert pages.asked <= 3
    taken: list[Any] = []
    while len(taken) < 1000:
        taken += sink.take(1)
        await settle()
    assert taken == list(range(1000))
    subscription.dispose()


async def test_a_function_may_return_any_awaitable() -> None:
    def answer(item: int) -> asyncio.Future[int]:
        future = asyncio.get_running_loop().create_future()
        future.set_result(item * 2)
        return future

    for max_concurrent in (1, 2):
        source = Pages(numbers(1, 3)).source(BackgroundTasks("test"))
        assert await source.pipe(ops.map_async(answer, max_concurrent), rx.to_list()) == [0, 2, 4]


def test_a_high_mark_below_max_concurrent_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="high is 4; allowed is a whole number, 5 or more"):
        ops.map_async(Gates(), max_concurrent=5, high=4)


@pytest.mark.parametrize("wrong", [0, -1, 1.5, True, "2", None])
def test_an_invalid_max_concurrent_is_refused(wrong: Any) -> None:
    with pytest.raises(InvalidArgument, match="max_concurrent is"):
        ops.map_async(Gates(), max_concurrent=wrong)


async def test_the_default_high_mark_exceeds_max_concurrent() -> None:
    feed, gates, seen = Feed(), Gates(), Seen()
    subscription = seen.of(feed.pipe(ops.map_async(gates, max_concurrent=100)))
    for item in range(150):
        feed.on_next(item)
    await settle()
    assert len(gates.begun) == 100
    assert not feed.is_paused
    subscription.dispose()
