from __future__ import annotations

import asyncio
import random
from collections import defaultdict

import pytest
from reactivex import operators as rx

from rxpump import operators as ops
from rxpump.backpressure.background_tasks import BackgroundTasks
from rxpump.errors import InvalidArgument
from tests.fakes import Pages, numbers
from tests.operators.sources import Feed, Gates, Seen, settle


def letter(item: str) -> str:
    return item[0]


async def test_items_of_one_key_are_ordered_and_keys_are_concurrent() -> None:
    feed, gates, seen = Feed(), Gates(), Seen()
    seen.of(feed.pipe(ops.partition_by(letter, gates, 2)))
    for item in ["a1", "a2", "b1", "c1", "b2"]:
        feed.on_next(item)
    await settle()
    assert gates.begun == ["a1", "b1"]
    await gates.open("b1")
    assert gates.begun == ["a1", "b1", "c1"], "c was there before b came again"
    await gates.open("c1")
    assert gates.begun == ["a1", "b1", "c1", "b2"]
    await gates.open("a1", "b2", "a2")
    assert seen.items == ["b1", "c1", "a1", "b2", "a2"]
    feed.on_completed()
    await settle()
    assert seen.completed == 1


async def test_the_origin_of_a_result_is_the_last_finished_event() -> None:
    feed, gates, seen = Feed(), Gates(), Seen()
    subscription = seen.of(feed.pipe(ops.partition_by(letter, gates, 3)))
    for item in ["a1", "b1", "a2", "b2"]:
        feed.on_next(item)
    await settle()
    await gates.open("b1", "b2", "a1", "a2")
    assert seen.origins == [None, None, "b1", "b2"]
    subscription.dispose()


async def test_each_key_keeps_its_order_with_random_timing() -> None:
    chance = random.Random(7)
    under_way: set[int] = set()
    by_key: dict[int, list[int]] = defaultdict(list)

    async def work(item: int) -> int:
        key = item % 7
        assert key not in under_way
        under_way.add(key)
        assert len(under_way) <= 3
        for _ in range(chance.randrange(4)):
            await asyncio.sleep(0)
        under_way.discard(key)
        by_key[key].append(item)
        return item

    source = Pages(numbers(30, 10)).source(BackgroundTasks("test"))
    results = await source.pipe(ops.partition_by(lambda item: item % 7, work, 3, high=20), rx.to_list())
    assert sorted(results) == list(range(300))
    assert all(items == sorted(items) for items in by_key.values())
    assert results != sorted(results), "across keys they did overtake each other"


async def test_an_exception_of_the_key_function_is_the_error() -> None:
    feed, gates, seen = Feed(), Gates(), Seen()
    seen.of(feed.pipe(ops.partition_by(lambda item: item[0], gates, 2)))
    feed.on_next("a1")
    feed.on_next("")
    await settle()
    assert [type(error) for error in seen.errors] == [IndexError]
    assert not feed.observers


async def test_a_failure_cancels_the_other_keys() -> None:
    feed, gates, seen = Feed(), Gates(), Seen()
    seen.of(feed.pipe(ops.partition_by(letter, gates, 2)))
    for item in ["a1", "a2", "b1"]:
        feed.on_next(item)
    await settle()
    await gates.fail("a1", LookupError("a1"))
    assert [str(error) for error in seen.errors] == ["a1"]
    assert gates.cancelled == ["b1"]
    assert gates.begun == ["a1", "b1"]


def test_a_max_concurrent_of_0_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="max_concurrent is 0"):
        ops.partition_by(letter, Gates(), 0)
