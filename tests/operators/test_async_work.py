"""Coroutines in a pipe: their order, how many at once, how they end."""

from __future__ import annotations

import pytest

from rxpump import operators as ops
from rxpump.errors import InvalidArgument
from tests.operators.sources import Feed, Gates, Seen, settle


async def test_map_async_gives_results_in_the_order_of_the_items() -> None:
    feed, gates, seen = Feed(), Gates(str.upper), Seen()
    seen.of(feed.pipe(ops.map_async(gates, max_concurrent=3)))
    for item in "abcd":
        feed.on_next(item)
    await settle()
    assert gates.begun == ["a", "b", "c"]
    await gates.open("c", "b")
    assert seen.items == []
    assert gates.begun == ["a", "b", "c"], "finished results count until they are delivered"
    await gates.open("a")
    assert seen.items == ["A", "B", "C"]
    await gates.open("d")
    feed.on_completed()
    await seen.until_ended()
    assert seen.items == ["A", "B", "C", "D"]
    assert seen.origins == ["a", "b", "c", "d"]


async def test_flat_map_async_gives_results_as_they_finish_and_origins_only_of_what_is_done() -> None:
    feed, gates, seen = Feed(), Gates(), Seen()
    seen.of(feed.pipe(ops.flat_map_async(gates, 3)))
    for item in "abcd":
        feed.on_next(item)
    await settle()
    await gates.open("b")
    assert gates.begun == ["a", "b", "c", "d"]
    await gates.open("a", "d", "c")
    feed.on_completed()
    await seen.until_ended()
    assert seen.items == ["b", "a", "d", "c"]
    assert seen.origins[0] is None, "a is not done"


async def test_partition_by_keeps_the_order_within_a_key() -> None:
    feed, gates, seen = Feed(), Gates(), Seen()
    seen.of(feed.pipe(ops.partition_by(lambda item: item[0], gates, max_concurrent=2)))
    for item in ("a1", "a2", "b1", "c1", "b2"):
        feed.on_next(item)
    await settle()
    assert gates.begun == ["a1", "b1"]
    await gates.open("b1")
    assert set(gates.begun[2:]) <= {"c1", "b2"}
    while gates.waiting:
        await gates.open(*gates.waiting)
    feed.on_completed()
    await seen.until_ended()
    for key in "abc":
        of_key = [item for item in seen.items if item[0] == key]
        assert of_key == sorted(of_key)
    assert len(seen.items) == 5


async def test_exhaust_map_async_drops_what_comes_while_it_works() -> None:
    feed, gates, seen, dropped = Feed(), Gates(), Seen(), []
    seen.of(feed.pipe(ops.exhaust_map_async(gates, on_dropped=dropped.append)))
    for item in "abc":
        feed.on_next(item)
    await settle()
    await gates.open("a")
    feed.on_next("d")
    await settle()
    await gates.open("d")
    assert (seen.items, dropped) == (["a", "d"], ["b", "c"])
    feed.on_completed()
    await seen.until_ended()


@pytest.mark.parametrize(
    "make",
    [
        lambda gates: ops.map_async(gates, 3),
        lambda gates: ops.flat_map_async(gates, 3),
        lambda gates: ops.partition_by(lambda item: item, gates, 3),
    ],
)
async def test_a_failure_cancels_the_rest_and_disposes_the_source(make) -> None:  # type: ignore[no-untyped-def]
    feed, gates, seen = Feed(), Gates(), Seen()
    seen.of(feed.pipe(make(gates)))
    for item in "abc":
        feed.on_next(item)
    await settle()
    await gates.fail("a", ValueError("no"))
    await seen.until_ended()
    await settle()
    assert [str(error) for error in seen.errors] == ["no"]
    assert sorted(gates.cancelled) == ["b", "c"]
    assert not feed.observers


@pytest.mark.parametrize("wrong", [0, -1, 1.5, True, "2"])
def test_how_many_at_once_is_a_count(wrong: object) -> None:
    with pytest.raises(InvalidArgument, match="max_concurrent"):
        ops.map_async(lambda item: item, max_concurrent=wrong)  # type: ignore[arg-type,return-value]
