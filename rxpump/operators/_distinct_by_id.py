"""`distinct_by_id`: each event once, whatever its source repeats."""

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
    """Leave out events whose id was among the last `window` different ones.

        ──a──b──a──c──b──|
          distinct_by_id()
        ──a──b─────c─────|

        both = rx.merge(client.stream("here"), client.stream("there")).pipe(ops.distinct_by_id())

    For events that arrive twice within a bounded distance: deliveries that are repeated, the same event in
    several streams. What comes again later than that passes. An id takes about 150 bytes.

    Errors: InvalidArgument, at the call, for a window under 1.
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
    """The last ids that were seen."""

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
