"""`on_backpressure_buffer`: buffer a bounded number of items while the consumer is paused.

The three `on_backpressure` operators are one stage with different capacities: 0 for `drop` and 1 for `latest`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from enum import Enum
from typing import Any, TypeVar

from reactivex import Observable, abc

from rxpump.errors import BufferOverflow, InvalidArgument
from rxpump.model import checks
from rxpump.operators.machinery.stage import Kept, Result, Stage

T = TypeVar("T")


class OverflowStrategy(Enum):
    """Actions for an item that arrives while the buffer is full.

    Attributes:
        DROP_OLDEST: Drop the oldest buffered item.
        DROP_NEWEST: Drop the item that arrives.
        ERROR: Fail with BufferOverflow.
    """

    DROP_OLDEST = "drop oldest"
    DROP_NEWEST = "drop newest"
    ERROR = "error"


def on_backpressure_buffer(
    capacity: int,
    overflow: OverflowStrategy = OverflowStrategy.ERROR,
    *,
    on_dropped: Callable[[Any], None] | None = None,
) -> Callable[[Observable[T]], Observable[T]]:
    """Deliver items at once unless the operators below are paused, and buffer up to `capacity` items while they are.

        ──a──b──c──d──e──────────|
            on_backpressure_buffer(2, OverflowStrategy.DROP_OLDEST)
        ──a─────────────d──e──────|        the operators below are paused for a while after a

        client.live("prices").pipe(
            ops.on_backpressure_buffer(1000, OverflowStrategy.DROP_OLDEST), ops.map_async(show)
        )

    The source is never paused.

    Args:
        capacity: Number of items that can be buffered, at least 1.
        overflow: Action for an item that arrives while the buffer is full.
        on_dropped: Function that is called with each dropped item, or None.

    Returns:
        An operator that emits the items. It fails with BufferOverflow, or with the error that `on_dropped` raises.

    Raises:
        InvalidArgument: `capacity` is less than 1, or another argument has the wrong type.
    """
    return bounded_buffer("on_backpressure_buffer", checks.count("capacity", capacity), overflow, on_dropped)


def bounded_buffer(
    name: str, capacity: int, overflow: OverflowStrategy, on_dropped: Callable[[Any], None] | None
) -> Callable[[Observable[T]], Observable[T]]:
    """Return an operator that never pauses its source, and is paused by the operators below."""
    checks.optional_function("on_dropped", on_dropped)
    if not isinstance(overflow, OverflowStrategy):
        raise InvalidArgument("overflow", overflow, "an OverflowStrategy")

    def operator(source: Observable[T]) -> Observable[T]:
        def subscribe(
            observer: abc.ObserverBase[T], scheduler: abc.SchedulerBase | None = None
        ) -> abc.DisposableBase:
            return _BoundedBuffer(name, capacity, overflow, on_dropped, observer).attach(source, scheduler)

        return Observable(subscribe)

    return operator


class _BoundedBuffer(Stage[T, T]):
    """A stage that delivers items at once if it can, and never pauses its source."""

    def __init__(
        self,
        name: str,
        capacity: int,
        overflow: OverflowStrategy,
        on_dropped: Callable[[T], None] | None,
        observer: abc.ObserverBase[T],
    ) -> None:
        super().__init__(name, _drain, observer, max(capacity, 1), None)
        self._capacity = capacity
        self._overflow = overflow
        self._on_dropped = on_dropped or _ignore

    def receive(self, value: T) -> None:
        """Deliver, buffer or drop an item."""
        is_straight = self._flow.may_deliver and not self._progress.count
        kept = Kept(value, self.begin())
        try:
            if is_straight:
                self.deliver(value, (kept,))
            else:
                self._keep_or_drop(kept)
        except Exception as error:
            self.on_error(error)

    def _keep_or_drop(self, kept: Kept[T]) -> None:
        if len(self.waiting) < self._capacity:
            self.keep(kept.item, kept.entry)
            return
        if self._overflow is OverflowStrategy.ERROR:
            raise BufferOverflow(self.name, self._capacity)
        if self._overflow is OverflowStrategy.DROP_OLDEST and self.waiting:
            self.keep(kept.item, kept.entry)
            kept = self.waiting.popleft()
        self.drop(kept.entry)
        self._on_dropped(kept.item)


async def _drain(stage: Stage[T, T]) -> AsyncGenerator[Result[T, T], None]:
    """Yield buffered items while the stage is not paused. Until then they stay in the buffer and can be dropped."""
    while stage.waiting or not stage.is_over:
        if not stage.waiting:
            await stage.changed()
        else:
            await stage.until_resumed()
            if stage.waiting:
                kept = stage.waiting.popleft()
                yield kept.item, (kept,)


def _ignore(item: Any) -> None:
    """Ignore a dropped item."""
