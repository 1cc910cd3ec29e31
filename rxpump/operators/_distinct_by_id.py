"""`distinct_by_id`: drop duplicate events."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TypeVar

from reactivex import Observable, abc
from reactivex import operators as rx

from rxpump.model import checks
from rxpump.model.events import Event

E = TypeVar("E", bound=Event)


def distinct_by_id(window: int = 10_000) -> Callable[[Observable[E]], Observable[E]]:
    """Drop each event whose id is among the last `window` distinct ids.

        ──a──b──a──c──b──|
          distinct_by_id()
        ──a──b─────c─────|

        both = rx.merge(client.stream("here"), client.stream("there")).pipe(ops.distinct_by_id())

    This drops duplicates that arrive within a bounded distance: deliveries that are repeated, or the same event in
    several streams. A duplicate that arrives later than that is emitted.

    Args:
        window: Number of the latest ids to keep, at least 1. An id takes about 150 bytes of memory.

    Returns:
        An operator. Each subscription keeps its own ids.

    Raises:
        InvalidArgument: `window` is less than 1.
    """
    size = checks.count("window", window)

    def operator(source: Observable[E]) -> Observable[E]:
        def subscribe(
            observer: abc.ObserverBase[E], scheduler: abc.SchedulerBase | None = None
        ) -> abc.DisposableBase:
            is_new: Callable[[E], bool] = _Recent(size).is_new
            return rx.filter(is_new)(source).subscribe(observer, scheduler=scheduler)

        return Observable(subscribe)

    return operator


class _Recent:
    """The last `size` distinct ids."""

    def __init__(self, size: int) -> None:
        self._ids: set[bytes] = set()
        self._in_order: deque[bytes] = deque()
        self._size = size

    def is_new(self, event: Event) -> bool:
        id = event.id_bytes
        if id in self._ids:
            return False
        if len(self._in_order) == self._size:
            self._ids.discard(self._in_order.popleft())
        self._ids.add(id)
        self._in_order.append(id)
        return True
