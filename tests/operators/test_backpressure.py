"""Those who want to stay live: no hold above, and the holds below are heeded."""

from __future__ import annotations

from rxpump import operators as ops
from rxpump.errors import BufferOverflow
from tests.operators.sources import Feed, HeldSink, settle

OverflowStrategy = ops.OverflowStrategy


async def fill(operator) -> tuple[Feed, HeldSink, list[Exception]]:  # type: ignore[no-untyped-def]
    """Send a to e while the sink below takes only the first."""
    feed, sink, errors = Feed(), HeldSink(), []
    feed.pipe(operator).subscribe(sink.on_next, errors.append)
    for item in "abcde":
        feed.on_next(item)
        await settle()
        assert not feed.is_held
    return feed, sink, errors


async def take_all(feed: Feed, sink: HeldSink) -> list[str]:
    taken: list[str] = []
    while sink.items:
        taken += sink.take(1)
        await settle()
    feed.on_completed()
    await settle()
    return taken


async def test_buffer_drops_the_oldest() -> None:
    dropped: list[str] = []
    feed, sink, errors = await fill(
        ops.on_backpressure_buffer(2, OverflowStrategy.DROP_OLDEST, on_dropped=dropped.append)
    )
    assert await take_all(feed, sink) == ["a", "d", "e"]
    assert (dropped, errors) == (["b", "c"], [])


async def test_buffer_drops_the_newest() -> None:
    dropped: list[str] = []
    feed, sink, errors = await fill(
        ops.on_backpressure_buffer(2, OverflowStrategy.DROP_NEWEST, on_dropped=dropped.append)
    )
    assert await take_all(feed, sink) == ["a", "b", "c"]
    assert (dropped, errors) == (["d", "e"], [])


async def test_buffer_fails_when_full() -> None:
    _, sink, errors = await fill(ops.on_backpressure_buffer(2))
    (error,) = errors
    assert isinstance(error, BufferOverflow)
    assert error.capacity == 2
    assert sink.items == ["a"]


async def test_drop() -> None:
    dropped: list[str] = []
    feed, sink, errors = await fill(ops.on_backpressure_drop(dropped.append))
    assert await take_all(feed, sink) == ["a"]
    assert (dropped, errors) == (["b", "c", "d", "e"], [])


async def test_latest() -> None:
    feed, sink, errors = await fill(ops.on_backpressure_latest())
    assert await take_all(feed, sink) == ["a", "e"]
    assert errors == []
