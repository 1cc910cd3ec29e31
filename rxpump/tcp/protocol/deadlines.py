"""Which of many open requests must be done first."""

from __future__ import annotations

import heapq
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")


class Deadline(NamedTuple):
    """A call must be done `timeout` seconds after `since` (a time of the event loop); `inf`: it may take for ever."""

    timeout: float
    since: float

    @property
    def time(self) -> float:
        """Time of the event loop at which the call has failed."""
        return self.since + self.timeout


class Deadlines(Generic[T]):
    """Items with a deadline each, the earliest first.

    The heap holds only numbers, so a stopped item is released at once, whatever its deadline was.
    """

    def __init__(self) -> None:
        self._running: dict[int, tuple[float, T]] = {}
        self._heap: list[tuple[float, int]] = []  # also entries that were stopped; `next` drops them

    def __len__(self) -> int:
        return len(self._running)

    @property
    def next(self) -> float:
        """The earliest deadline; infinite if there is none."""
        heap = self._heap
        while heap:
            deadline, key = heap[0]
            running = self._running.get(key)
            if running is not None and running[0] == deadline:
                return deadline
            heapq.heappop(heap)
        return float("inf")

    def start(self, key: int, item: T, deadline: float) -> None:
        """Add an item, unless its deadline is infinite or `key` has one already."""
        if deadline == float("inf") or key in self._running:
            return
        self._running[key] = (deadline, item)
        heapq.heappush(self._heap, (deadline, key))

    def stop(self, key: int) -> None:
        """Remove an item, if it is there."""
        if self._running.pop(key, None) is not None and len(self._heap) > 2 * len(self._running) + 64:
            self._heap = [(deadline, number) for number, (deadline, _) in self._running.items()]
            heapq.heapify(self._heap)

    def pop(self, now: float) -> T | None:
        """Remove and return the item with the earliest deadline, if that is `now` or before."""
        if self.next > now:
            return None
        _, key = heapq.heappop(self._heap)
        return self._running.pop(key)[1]

    def __repr__(self) -> str:
        return f"<Deadlines of {len(self._running)}>"
