"""`on_backpressure_drop`: drop the items that arrive while the consumer is paused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from reactivex import Observable

from rxpump.operators._on_backpressure_buffer import OverflowStrategy, bounded_buffer

T = TypeVar("T")


def on_backpressure_drop(on_dropped: Callable[[Any], None] | None = None) -> Callable[[Observable[T]], Observable[T]]:
    """Deliver items at once, and drop those that arrive while the operators below are paused.

        ──a──b──c──d──e──|
          on_backpressure_drop()
        ──a───────────e──|        the operators below are paused from a until after d

        client.live("clicks").pipe(ops.on_backpressure_drop(count_dropped), ops.map_async(show))

    The source is never paused.

    Args:
        on_dropped: Function that is called with each dropped item, or None.

    Returns:
        An operator that emits the items. It fails with the error that `on_dropped` raises.

    Raises:
        InvalidArgument: `on_dropped` is not callable.
    """
    return bounded_buffer("on_backpressure_drop", 0, OverflowStrategy.DROP_NEWEST, on_dropped)
