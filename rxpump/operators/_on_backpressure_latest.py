"""`on_backpressure_latest`: keep only the latest item while the consumer is paused."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from reactivex import Observable

from rxpump.operators._on_backpressure_buffer import OverflowStrategy, bounded_buffer

T = TypeVar("T")


def on_backpressure_latest() -> Callable[[Observable[T]], Observable[T]]:
    """Deliver items at once, and keep only the latest of those that arrive while the operators below are paused.

        ──a──b──c──d───────e──|
          on_backpressure_latest()
        ──a───────────d────e──|        the operators below are paused from a until after d

        client.live("prices").pipe(ops.on_backpressure_latest(), ops.map_async(show))

    The source is never paused.

    Returns:
        An operator that drops the other items.
    """
    return bounded_buffer("on_backpressure_latest", 1, OverflowStrategy.DROP_OLDEST, None)
