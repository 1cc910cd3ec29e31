"""The progress of a group: the number up to which all events are completed."""

from __future__ import annotations

from collections import deque


class Progress:
    """Tracks event numbers that are begun in rising order and completed in any order.

    Numbers that are never begun, because there are no such events, are regarded as completed.

    Attributes:
        through: Number up to which all events are completed.
        completed: Number of events that are completed up to `through`, without those before the start.
    """

    def __init__(self, through: int) -> None:
        self.through: int = through
        self.completed: int = 0
        self._begun: deque[int] = deque()
        self._done: set[int] = set()

    def begin(self, number: int) -> None:
        """Begin to track a number. Lower numbers that were not begun are regarded as completed."""
        self._begun.append(number)
        self.through = max(self.through, self._begun[0] - 1)

    def done(self, number: int) -> None:
        """Complete a number that was begun."""
        self._done.add(number)
        while self._begun and self._begun[0] in self._done:
            self.through = self._begun.popleft()
            self.completed += 1
            self._done.remove(self.through)
        if self._begun:
            self.through = self._begun[0] - 1

    def skip(self, through: int) -> None:
        """Regard the numbers up to `through` as completed, because they have no events. A pending one prevents it."""
        if not self._begun:
            self.through = max(self.through, through)

    def __repr__(self) -> str:
        return f"<Progress: completed through {self.through}, {len(self._begun) - len(self._done)} pending>"
