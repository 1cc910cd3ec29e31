"""`flat_map_async`: a coroutine's answer for each item, as they finish."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from rxpump.model import checks
from rxpump.operators._partition_by import lanes
from rxpump.operators.machinery.stage import Operator, stage

T = TypeVar("T")
R = TypeVar("R")


def flat_map_async(
    fn: Callable[[T], Awaitable[R]],
    max_concurrent: int,
    *,
    high: int | None = None,
    low: int | None = None,
) -> Operator[T, R]:
    """Await `fn(item)` for each item, up to `max_concurrent` at once; results come as they finish.

        ──a────b────c──────────────|
            flat_map_async(fn, 2)
        ────────fn(b)──fn(a)──fn(c)──|

        pages = urls.pipe(ops.flat_map_async(fetch, max_concurrent=20))

    Lossless: at `high` unfinished items (64, or twice `max_concurrent` if that is more) the source is held, at
    `low` (half of it) it goes on. `map_async` is the one that keeps the order.

    Errors: what `fn` raises, at once; then the rest is cancelled.
    """
    checks.function("fn", fn)
    max_concurrent = checks.count("max_concurrent", max_concurrent)
    work = lanes(_a_lane_of_its_own, fn, max_concurrent)
    return stage("flat_map_async", work, at_once=max_concurrent, high=high, low=low)


def _a_lane_of_its_own(item: object) -> object:
    return object()
