"""`exhaust_map_async`: await one call at a time and drop the items that arrive meanwhile."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import reactivex

from rxpump.operators._map_async import map_async
from rxpump.operators._on_backpressure_drop import on_backpressure_drop
from rxpump.operators.machinery.stage import Operator

T = TypeVar("T")
R = TypeVar("R")


def exhaust_map_async(
    fn: Callable[[T], Awaitable[R]], *, on_dropped: Callable[[T], None] | None = None
) -> Operator[T, R]:
    """Await `fn(item)` and drop the items that arrive before its result is delivered.

        ──a──b──c───────d────────|
            exhaust_map_async(fn)
        ────────fn(a)────fn(d)────|

        client.live("clicks").pipe(ops.exhaust_map_async(refresh))

    The source is never paused.

    Args:
        fn: Coroutine function of an item.
        on_dropped: Function that is called with each dropped item, or None.

    Returns:
        An operator that emits the results. It fails with the error that `fn` or `on_dropped` raises.

    Raises:
        InvalidArgument: `fn` or `on_dropped` is not callable.
    """
    one_at_a_time: Operator[T, R] = map_async(fn, high=1)
    return reactivex.compose(on_backpressure_drop(on_dropped), one_at_a_time)
