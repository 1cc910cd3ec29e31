"""Deadlines of requests, in order of time."""

from __future__ import annotations

import heapq
from typing import Generic, TypeVar

T = TypeVar("T")


class Deadlines(Generic[T]):
    """Items with deadlines, the earliest first.

    The heap contains only numbers, so that a removed item is freed at once.
    """

    def __init__(self) -> None:
        self._running: dict[int, tuple[float, T]] = {}
        self._heap: list[tuple[float, int]] = []  # It also contains removed items, which `next` skips.

    def __len__(self) -> int:
        return len(self._running)

    @property
    def next(self) -> float:
        """Earliest deadline; infinite if there is none."""
        heap = self._heap
        while heap:
            deadline, key = heap[0]
            running = self._running.get(key)
            if running is not None and running[0] == deadline:
                return deadline
            heapq.heappop(heap)
        return float("inf")

    def start(self, key: int, item: T, deadline: float) -> None:
        """Add an item. Do nothing if its deadline is infinite or the key is in use."""
        if deadline == float("inf") or key in self._running:
            return
        self._running[key] = (deadline, item)
        heapq.heappush(self._heap, (deadline, key))

    def stop(self, key: int) -> None:
        """Remove the item of a key, if there is one."""
        if self._running.pop(key, None) is not None and len(self._heap) > 2 * len(self._running) + 64:
            self._heap = [(deadline, number) for number, (deadline, _) in self._running.items()]
            heapq.heapify(self._heap)

    def pop(self, now: float) -> T | None:
        """Remove and return the item with the earliest deadline, or None if that is later than `now`."""
        if self.next > now:
            return None
        _, key = heapq.heappop(self._heap)
        return self._running.pop(key)[1]

    def __repr__(self) -> str:
        return f"<Deadlines of {len(self._running)}>"
