"""`on_backpressure_drop`: stay live; what comes while the subscriber is behind is dropped."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from reactivex import Observable

from rxpump.operators._on_backpressure_buffer import OverflowStrategy, valve

T = TypeVar("T")


def on_backpressure_drop(on_dropped: Callable[[Any], None] | None = None) -> Callable[[Observable[T]], Observable[T]]:
    """Let items through while what is below takes them, and drop those that come while it does not.

        ──a──b──c──d──e──|
          on_backpressure_drop()
        ──a───────────e──|        below it: full after a, until after d

        client.live("clicks").pipe(ops.on_backpressure_drop(count_dropped), ops.map_async(show))

    The source is never held. `on_dropped` is called with each item that is dropped.

    Errors: what `on_dropped` raises.
    """
    return valve("on_backpressure_drop", 0, OverflowStrategy.DROP_NEWEST, on_dropped)
