"""The progress of a group: the number up to which all events are completed."""

from __future__ import annotations

from collections import deque


class Progress:
    """Tracks event numbers that are begun in rising order and completed in any order.

    Numbers that are never begun, because there are no such events, are regarded as completed.

    Attributes:
        last_completed: Number up to which all events are completed.
        completed: Number of events that are completed up to `last_completed`, without those before the start.
    """

    def __init__(self, last_completed: int) -> None:
        self.last_completed: int = last_completed
        self.completed: int = 0
        self._begun: deque[int] = deque()
        self._done: set[int] = set()

    def begin(self, number: int) -> None:
        """Begin to track a number. Lower numbers that were not begun are regarded as completed."""
        self._begun.append(number)
        self.last_completed = max(self.last_completed, self._begun[0] - 1)

    def done(self, number: int) -> None:
        """Complete a number that was begun."""
        self._done.add(number)
        while self._begun and self._begun[0] in self._done:
            self.last_completed = self._begun.popleft()
            self.completed += 1
            self._done.remove(self.last_completed)
        if self._begun:
            self.last_completed = self._begun[0] - 1

    def skip(self, number: int) -> None:
        """Regard the numbers up to `number` as completed, because they have no events. A pending one prevents it."""
        if not self._begun:
            self.last_completed = max(self.last_completed, number)

    def __repr__(self) -> str:
        return f"<Progress: completed up to {self.last_completed}, {len(self._begun) - len(self._done)} pending>"
