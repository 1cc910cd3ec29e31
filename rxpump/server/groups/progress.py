"""How far a group is: up to which number everything is done, without a gap."""

from __future__ import annotations

from collections import deque


class Progress:
    """Follows numbers that are begun in rising order and done in any; `through` is where the first gap is.

    Numbers that are never begun (of events that are no more) count as done.
    """

    def __init__(self, through: int) -> None:
        self.through: int = through
        self._begun: deque[int] = deque()
        self._done: set[int] = set()

    def begin(self, number: int) -> None:
        """Take `number` as not done, and all below that were not begun as done."""
        self._begun.append(number)
        self.through = max(self.through, self._begun[0] - 1)

    def done(self, number: int) -> None:
        """Take `number`, which was begun, as done."""
        self._done.add(number)
        while self._begun and self._begun[0] in self._done:
            self.through = self._begun.popleft()
            self._done.remove(self.through)
        if self._begun:
            self.through = self._begun[0] - 1

    def __repr__(self) -> str:
        return f"<Progress: done through {self.through}, {len(self._begun) - len(self._done)} begun>"
