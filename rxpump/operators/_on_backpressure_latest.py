"""`on_backpressure_latest`: stay live; a subscriber that was behind goes on with the latest item."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from reactivex import Observable

from rxpump.operators._on_backpressure_buffer import OverflowStrategy, valve

T = TypeVar("T")


def on_backpressure_latest() -> Callable[[Observable[T]], Observable[T]]:
    """Let items through while what is below takes them; of those that come while it does not, keep the last.

        ──a──b──c──d───────e──|
          on_backpressure_latest()
        ──a───────────d────e──|        below it: full after a, until after d

        client.live("prices").pipe(ops.on_backpressure_latest(), ops.map_async(show))

    The source is never held.
    """
    return valve("on_backpressure_latest", 1, OverflowStrategy.DROP_OLDEST, None)
