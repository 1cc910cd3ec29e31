"""`map_async`: await a call for each item and emit the results in order."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import TypeVar

from rxpump.model import checks
from rxpump.operators.machinery.stage import Kept, Operator, Result, Stage, Work, stage

T = TypeVar("T")
R = TypeVar("R")


def map_async(
    fn: Callable[[T], Awaitable[R]],
    max_concurrent: int = 1,
    *,
    high: int | None = None,
    low: int | None = None,
) -> Operator[T, R]:
    """Await `fn(item)` for each item, up to `max_concurrent` at once, and emit results in the order of the items.

        ──a────b────c──────────────|
               map_async(fn)
        ────────fn(a)──fn(b)──fn(c)──|

        totals = client.iter("orders").pipe(ops.map_async(look_up_price, max_concurrent=8))

    A finished result waits for the results before it, and counts as one of `max_concurrent` calls until it is
    delivered. While the operators below are paused, no further calls begin beyond `max_concurrent`. No item is lost.

    Args:
        fn: Coroutine function of an item.
        max_concurrent: Number of calls that can run at once, at least 1. With 1, the next call begins when the last
            result has been delivered.
        high: Number of unfinished items at which the source is paused. None: 64, or twice `max_concurrent` if that
            is more.
        low: Number of unfinished items at which the source is resumed. None: half of `high`.

    Returns:
        An operator that emits the results. If `fn` raises, it delivers the results of the items before, fails with
        the error and cancels the other calls.

    Raises:
        InvalidArgument: `fn` is not callable, or a number is out of range.
    """
    checks.function("fn", fn)
    max_concurrent = checks.count("max_concurrent", max_concurrent)
    work = _one_by_one(fn) if max_concurrent == 1 else _side_by_side(fn, max_concurrent)
    return stage("map_async", work, at_once=max_concurrent, high=high, low=low)


def _one_by_one(fn: Callable[[T], Awaitable[R]]) -> Work[T, R]:
    """Return a work function that awaits each call in the task of the stage, without a task for each item."""

    async def work(stage: Stage[T, R]) -> AsyncGenerator[Result[R, T], None]:
        async for kept in stage:
            yield await fn(kept.item), (kept,)

    return work


def _side_by_side(fn: Callable[[T], Awaitable[R]], max_concurrent: int) -> Work[T, R]:
    async def work(stage: Stage[T, R]) -> AsyncGenerator[Result[R, T], None]:
        begun: deque[tuple[asyncio.Task[R], Kept[T]]] = deque()
        while True:
            while stage.waiting and len(begun) < max_concurrent:
                kept = stage.waiting.popleft()
                begun.append((stage.start(fn, kept.item), kept))
            if begun and begun[0][0].done():
                task, kept = begun.popleft()
                yield task.result(), (kept,)
            elif begun or not stage.is_over:
                await stage.changed()
            else:
                return

    return work
