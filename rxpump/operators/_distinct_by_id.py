"""`distinct_by_id`: drop duplicate events."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable
from typing import TypeVar

from reactivex import Observable, abc
from reactivex import operators as rx

from rxpump.model import checks
from rxpump.model.deliveries import Delivery
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

    A delivery of a consumer group is a duplicate only if an earlier one was acknowledged. It is emitted if that one
    was nacked, has expired or is not settled, because its work may have failed.

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
    """The last `size` distinct ids, except those of deliveries that were not acknowledged."""

    def __init__(self, size: int) -> None:
        self._ids: set[bytes] = set()
        self._in_order: deque[bytes] = deque()
        self._deliveries: OrderedDict[bytes, Delivery] = OrderedDict()  # those whose ids are not in `_ids`
        self._size = size

    def is_new(self, event: Event) -> bool:
        """Return whether an event is no duplicate, and store its id."""
        id = event.id_bytes
        self._note_settled()
        earlier = self._deliveries.get(id)
        if id in self._ids or (earlier is not None and earlier.is_acknowledged):
            return False
        if isinstance(event, Delivery):
            self._deliveries[id] = event
        else:
            self._add(id)
        return True

    def _note_settled(self) -> None:
        """Remove the oldest deliveries that are settled or expired, and store the ids of the acknowledged ones."""
        while self._deliveries:
            id, oldest = next(iter(self._deliveries.items()))
            if not (oldest.is_settled or oldest.is_expired or len(self._deliveries) > self._size):
                return
            del self._deliveries[id]
            if oldest.is_acknowledged and id not in self._ids:
                self._add(id)

    def _add(self, id: bytes) -> None:
        if len(self._in_order) == self._size:
            self._ids.discard(self._in_order.popleft())
        self._ids.add(id)
        self._in_order.append(id)
