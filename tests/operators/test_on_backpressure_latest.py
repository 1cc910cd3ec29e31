from __future__ import annotations

import asyncio

from rxpump import operators as ops
from tests.operators.sources import Feed, Gates, HeldSink, Seen, settle


async def test_a_resumed_consumer_receives_the_latest_item() -> None:
    feed, sink, done = Feed(), HeldSink(), asyncio.Event()
    feed.pipe(ops.on_backpressure_latest()).subscribe(sink.on_next, on_completed=done.set)
    for item in "abcd":
        feed.on_next(item)
        await settle()
    assert not feed.is_paused
    assert sink.take(1) == ["a"]
    await settle()
    assert sink.take(1) == ["d"]
    feed.on_next("e")
    assert sink.items == ["e"]
    feed.on_next("f")
    feed.on_completed()
    await settle()
    assert not done.is_set()
    sink.take(1)
    await settle()
    assert sink.items == ["f"]
    assert done.is_set()


async def test_a_slow_coroutine_receives_the_latest_item() -> None:
    feed, gates, seen = Feed(), Gates(), Seen()
    subscription = seen.of(feed.pipe(ops.on_backpressure_latest(), ops.map_async(gates, high=1)))
    for item in "abc":
        feed.on_next(item)
        await settle()
    await gates.open("a")
    feed.on_next("d")
    await settle()
    await gates.open("c", "d")
    assert seen.items == ["a", "c", "d"]
    subscription.dispose()
