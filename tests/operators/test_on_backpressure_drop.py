from __future__ import annotations

from typing import Any

from rxpump import operators as ops
from tests.operators.sources import Feed, HeldSink, settle


async def test_items_are_dropped_while_the_consumer_is_paused() -> None:
    feed, sink = Feed(), HeldSink()
    dropped: list[Any] = []
    subscription = feed.pipe(ops.on_backpressure_drop(dropped.append)).subscribe(sink.on_next)
    for item in "abc":
        feed.on_next(item)
        await settle()
    assert not feed.is_paused
    assert sink.take(1) == ["a"]
    await settle()
    assert sink.items == [], "nothing was kept"
    feed.on_next("d")
    assert sink.items == ["d"]
    assert dropped == ["b", "c"]
    subscription.dispose()


async def test_on_dropped_is_optional() -> None:
    feed, sink = Feed(), HeldSink()
    subscription = feed.pipe(ops.on_backpressure_drop()).subscribe(sink.on_next)
    feed.on_next("a")
    feed.on_next("b")
    assert sink.items == ["a"]
    subscription.dispose()
