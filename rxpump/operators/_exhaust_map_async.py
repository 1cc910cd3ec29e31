"""`exhaust_map_async`: one at a time, and what comes meanwhile is dropped."""

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
    """Await `fn(item)`; items that come before its result has been delivered are dropped.

        ──a──b──c───────d────────|
            exhaust_map_async(fn)
        ────────fn(a)────fn(d)────|

        client.live("clicks").pipe(ops.exhaust_map_async(refresh))

    The source is never held. `on_dropped` is called with each item that is dropped.

    Errors: what `fn` or `on_dropped` raises.
    """
    one_at_a_time: Operator[T, R] = map_async(fn, high=1)
    return reactivex.compose(on_backpressure_drop(on_dropped), one_at_a_time)
