"""Deadlines of requests, in order of time."""

from __future__ import annotations

import heapq
import math
from typing import Generic, TypeVar

T = TypeVar("T")


class Deadlines(Generic[T]):
    """Items with deadlines, the earliest first.

    Most items are removed long before their deadlines. So an item is sorted only when the time `next` has come while
    it is running. The heap contains only numbers, so that a removed item is freed at once.

    Attributes:
        next: Time at which `pop` must be called, not later than the earliest deadline; infinite if there is none.
    """

    def __init__(self) -> None:
        self.next: float = math.inf
        self._new: dict[int, tuple[float, T]] = {}
        self._sorted: dict[int, tuple[float, T]] = {}
        self._heap: list[tuple[float, int]] = []  # It contains the sorted items, and removed ones.

    def __len__(self) -> int:
        return len(self._new) + len(self._sorted)

    def start(self, key: int, item: T, deadline: float) -> None:
        """Add an item. Do nothing if its deadline is infinite or the key is in use."""
        if deadline == math.inf or key in self._new or key in self._sorted:
            return
        self._new[key] = (deadline, item)
        if deadline < self.next:
            self.next = deadline

    def stop(self, key: int) -> None:
        """Remove the item of a key, if there is one."""
        if self._new.pop(key, None) is None and self._sorted.pop(key, None) is not None:
            self._drop_removed()
        if not self._new and not self._sorted:
            self.next = math.inf

    def pop(self, now: float) -> T | None:
        """Remove and return the item with the earliest deadline, or None if that is later than `now`."""
        if self.next > now:
            return None
        self._sort()
        if self.next > now:
            return None
        _, key = heapq.heappop(self._heap)
        return self._sorted.pop(key)[1]

    def _sort(self) -> None:
        """Sort the new items, and set `next` to the earliest deadline."""
        heap = self._heap
        for key, (deadline, _) in self._new.items():
            heapq.heappush(heap, (deadline, key))
        self._sorted |= self._new
        self._new.clear()
        while heap and not self._is_running(*heap[0]):
            heapq.heappop(heap)
        self.next = heap[0][0] if heap else math.inf

    def _is_running(self, deadline: float, key: int) -> bool:
        running = self._sorted.get(key)
        return running is not None and running[0] == deadline

    def _drop_removed(self) -> None:
        """Drop removed items from the heap if it contains many."""
        if len(self._heap) > 2 * len(self._sorted) + 64:
            self._heap = [(deadline, key) for key, (deadline, _) in self._sorted.items()]
            heapq.heapify(self._heap)

    def __repr__(self) -> str:
        return f"<Deadlines of {len(self)}>"
