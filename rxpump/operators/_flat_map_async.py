"""`flat_map_async`: await a call for each item and emit the results as they finish."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from rxpump.model import checks
from rxpump.operators._partition_by import keyed_work
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
    """Await `fn(item)` for each item, up to `max_concurrent` at once, and emit results as they finish.

        ──a────b────c──────────────|
            flat_map_async(fn, 2)
        ────────fn(b)──fn(a)──fn(c)──|

        pages = urls.pipe(ops.flat_map_async(fetch, max_concurrent=20))

    To emit the results in the order of the items, use `map_async`. No item is lost.

    Args:
        fn: Coroutine function of an item.
        max_concurrent: Number of calls that can run at once, at least 1.
        high: Number of unfinished items at which the source is paused. None: 64, or twice `max_concurrent` if that
            is more.
        low: Number of unfinished items at which the source is resumed. None: half of `high`.

    Returns:
        An operator that emits the results. If `fn` raises, it fails at once with that error and cancels the other
        calls.

    Raises:
        InvalidArgument: `fn` is not callable, or a number is out of range.
    """
    checks.function("fn", fn)
    max_concurrent = checks.count("max_concurrent", max_concurrent)
    work = keyed_work(_unique_key, fn, max_concurrent)
    return stage("flat_map_async", work, at_once=max_concurrent, high=high, low=low)


def _unique_key(item: object) -> object:
    return object()
