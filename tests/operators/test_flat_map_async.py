from __future__ import annotations

from typing import Any

import pytest

from rxpump import operators as ops
from rxpump.backpressure.background_tasks import BackgroundTasks
from rxpump.errors import InvalidArgument
from tests.fakes import Pages, numbers
from tests.operators.sources import Feed, Gates, HeldSink, Seen, settle


async def test_results_are_emitted_as_they_finish() -> None:
    feed, gates, seen = Feed(), Gates(str.upper), Seen()
    seen.of(feed.pipe(ops.flat_map_async(gates, 2)))
    for item in "abcd":
        feed.on_next(item)
    await settle()
    assert gates.begun == ["a", "b"]
    await gates.open("b")
    assert seen.items == ["B"]
    assert gates.begun == ["a", "b", "c"]
    await gates.open("c", "a")
    feed.on_completed()
    await gates.open("d")
    assert seen.items == ["B", "C", "A", "D"]
    assert seen.completed == 1


async def test_the_origin_of_a_result_is_the_last_finished_event() -> None:
    feed, gates, seen = Feed(), Gates(), Seen()
    subscription = seen.of(feed.pipe(ops.flat_map_async(gates, 10)))
    for item in "abcde":
        feed.on_next(item)
    await settle()
    await gates.open("b", "c", "a", "e", "d")
    assert seen.items == ["b", "c", "a", "e", "d"]
    assert seen.origins == [None, None, "c", "c", "e"]
    subscription.dispose()


async def test_a_failure_is_emitted_at_once_and_cancels_the_rest() -> None:
    feed, gates, seen = Feed(), Gates(), Seen()
    seen.of(feed.pipe(ops.flat_map_async(gates, 4)))
    for item in "abc":
        feed.on_next(item)
    await settle()
    await gates.fail("b", LookupError("b"))
    assert [str(error) for error in seen.errors] == ["b"]
    assert sorted(gates.cancelled) == ["a", "c"]
    assert not feed.observers


async def test_two_failures_in_one_loop_iteration_are_one_error() -> None:
    feed, seen = Feed(), Seen()

    async def refuse(item: str) -> str:
        raise LookupError(item)

    seen.of(feed.pipe(ops.flat_map_async(refuse, 4)))
    feed.on_next("a")
    feed.on_next("b")
    await settle()
    assert [str(error) for error in seen.errors] == ["a"]


async def test_a_paused_consumer_pauses_the_source() -> None:
    pages, sink = Pages(numbers(100, 10)), HeldSink()

    async def same(item: int) -> int:
        return item

    subscription = (
        pages.source(BackgroundTasks("test")).pipe(ops.flat_map_async(same, 4, high=20)).subscribe(sink.on_next)
    )
    await settle(100)
    assert pages.asked <= 3
    taken: list[Any] = []
    while len(taken) < 1000:
        taken += sink.take(1)
        await settle()
    assert sorted(taken) == list(range(1000))
    subscription.dispose()


def test_a_max_concurrent_of_0_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="max_concurrent is 0"):
        ops.flat_map_async(Gates(), 0)
