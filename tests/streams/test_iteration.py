"""`async for`: bounded, ordered, and gone when the loop is left."""

from __future__ import annotations

import asyncio
import gc

import pytest
import reactivex
from reactivex import operators as rx

from rxpump.errors import BufferOverflow
from rxpump.runtime import Runtime
from rxpump.streams.iteration import HIGH_MARK
from rxpump.streams.observable import Piped
from tests.fakes import Pages, numbers


async def test_all_values_in_order() -> None:
    source = Pages(numbers(30, 100)).source(Runtime("test"))
    assert [value async for value in source] == list(range(3000))
    assert [value async for value in source.pipe(rx.filter(lambda n: n < 5))] == [0, 1, 2, 3, 4]


async def test_it_asks_no_more_of_the_source_than_the_body_takes() -> None:
    pages = Pages(numbers(1000, 10))
    taken = 0
    async for _ in pages.source(Runtime("test")):
        taken += 1
        await asyncio.sleep(0)
        assert pages.asked * 10 <= taken + HIGH_MARK + 10
        if taken == 2000:
            break


async def test_leaving_the_loop_disposes() -> None:
    runtime, pages = Runtime("test"), Pages(numbers(1000, 10))
    async for value in pages.source(runtime):
        if value == 5:
            break
    gc.collect()
    while runtime.tasks:
        await asyncio.sleep(0)
    assert pages.closed == 1


async def test_an_error_comes_after_the_values_before_it() -> None:
    seen = []
    with pytest.raises(LookupError):
        async for value in Pages(numbers(1, 3), failure=LookupError()).source(Runtime("test")):
            seen.append(value)
    assert seen == [0, 1, 2]


async def test_a_source_without_demand_overflows_with_a_clear_error() -> None:
    endless = Piped(reactivex.from_iterable(range(1_000_000)))
    with pytest.raises(BufferOverflow, match="async for holds 10000 items"):
        async for _ in endless:
            pass


async def test_two_loops_over_one_source_are_two_subscriptions() -> None:
    pages = Pages(numbers(1, 3))
    source = pages.source(Runtime("test"))
    pairs = [(left, right) async for left in source async for right in source]
    assert len(pairs) == 9
    assert pages.opened == 4
