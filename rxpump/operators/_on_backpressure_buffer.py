"""`on_backpressure_buffer`: stay live, and keep a bounded number of items for a subscriber that is behind.

The three `on_backpressure` operators are one stage with three settings: `drop` has room for no item, `latest`
for one.
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
    """What gives way when an item comes and the buffer is full."""

    DROP_OLDEST = "drop oldest"
    DROP_NEWEST = "drop newest"
    ERROR = "error"


def on_backpressure_buffer(
    capacity: int,
    overflow: OverflowStrategy = OverflowStrategy.ERROR,
    *,
    on_dropped: Callable[[Any], None] | None = None,
) -> Callable[[Observable[T]], Observable[T]]:
    """Let items through at once while what is below takes them; keep up to `capacity` while it does not.

        ──a──b──c──d──e──────────|
            on_backpressure_buffer(2, OverflowStrategy.DROP_OLDEST)
        ──a─────────────d──e──────|        below it: full after a, for a while

        client.live("prices").pipe(
            ops.on_backpressure_buffer(1000, OverflowStrategy.DROP_OLDEST), ops.map_async(show)
        )

    The source is never held. When the buffer is full, DROP_OLDEST gives up the item that has waited longest,
    DROP_NEWEST the one that comes, and ERROR ends with BufferOverflow. `on_dropped` is called with each item
    that is given up.

    Errors: BufferOverflow; what `on_dropped` raises.
    """
    return valve("on_backpressure_buffer", checks.count("capacity", capacity), overflow, on_dropped)


def valve(
    name: str, capacity: int, overflow: OverflowStrategy, on_dropped: Callable[[Any], None] | None
) -> Callable[[Observable[T]], Observable[T]]:
    """Make an operator that never holds what is above it, and heeds the holds of what is below."""
    checks.optional_function("on_dropped", on_dropped)
    if not isinstance(overflow, OverflowStrategy):
        raise InvalidArgument("overflow", overflow, "an OverflowStrategy")

    def operator(source: Observable[T]) -> Observable[T]:
        def subscribe(
            observer: abc.ObserverBase[T], scheduler: abc.SchedulerBase | None = None
        ) -> abc.DisposableBase:
            return _Valve(name, capacity, overflow, on_dropped, observer).attach(source, scheduler)

        return Observable(subscribe)

    return operator


class _Valve(Stage[T, T]):
    """A stage that delivers straight through while it can, and takes no hold."""

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
        self._on_dropped = on_dropped or _forget

    def receive(self, value: T) -> None:
        """Deliver an item, keep it, or give one up."""
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
            self.keep(*kept)
            return
        if self._overflow is OverflowStrategy.ERROR:
            raise BufferOverflow(self.name, self._capacity)
        if self._overflow is OverflowStrategy.DROP_OLDEST and self.waiting:
            self.keep(*kept)
            kept = self.waiting.popleft()
        self.drop(kept.entry)
        self._on_dropped(kept.item)


async def _drain(stage: Stage[T, T]) -> AsyncGenerator[Result[T, T], None]:
    """Deliver what waits, as soon as that is possible; take an item up no sooner, for it may yet be dropped."""
    while stage.waiting or not stage.is_over:
        if not stage.waiting:
            await stage.changed()
        else:
            await stage.until_resumed()
            if stage.waiting:
                kept = stage.waiting.popleft()
                yield kept.item, (kept,)


def _forget(item: Any) -> None:
    """Drop an item without telling."""
