from __future__ import annotations

from typing import Any

from rxpump import operators as ops
from tests.operators.sources import Feed, Gates, HeldSink, Seen, settle


async def test_items_during_async_work_are_dropped() -> None:
    feed, gates, seen = Feed(), Gates(str.upper), Seen()
    dropped: list[Any] = []
    seen.of(feed.pipe(ops.exhaust_map_async(gates, on_dropped=dropped.append)))
    for item in "abc":
        feed.on_next(item)
    await settle()
    assert not feed.is_paused
    await gates.open("a")
    feed.on_next("d")
    feed.on_next("e")
    feed.on_completed()
    await settle()
    assert not seen.is_ended
    await gates.open("d")
    assert gates.begun == ["a", "d"]
    assert dropped == ["b", "c", "e"]
    assert seen.items == ["A", "D"]
    assert seen.origins == ["a", "d"]
    assert seen.completed == 1


async def test_items_are_dropped_until_the_result_is_delivered() -> None:
    feed, gates, sink = Feed(), Gates(), HeldSink()
    subscription = feed.pipe(ops.exhaust_map_async(gates)).subscribe(sink.on_next)
    feed.on_next("a")
    await settle()
    await gates.open("a")
    feed.on_next("b")
    await settle()
    await gates.open("b")
    feed.on_next("c")
    await settle()
    assert gates.begun == ["a", "b"], "b's result waits for the sink, which has not taken a"
    assert sink.take(1) == ["a"]
    await settle()
    feed.on_next("d")
    await settle()
    assert gates.begun == ["a", "b", "d"]
    subscription.dispose()


async def test_a_failed_coroutine_is_the_error() -> None:
    feed, gates, seen = Feed(), Gates(), Seen()
    seen.of(feed.pipe(ops.exhaust_map_async(gates)))
    feed.on_next("a")
    await settle()
    await gates.fail("a", LookupError("a"))
    assert [str(error) for error in seen.errors] == ["a"]
    assert not feed.observers
