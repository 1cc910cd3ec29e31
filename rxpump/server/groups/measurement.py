"""Counts of delivered events, for the information about a group."""

from __future__ import annotations


class Measurement:
    """Counts events, in all and per second.

    Attributes:
        total: Number of events.
        per_second: Events per second between the last two calls of `tick`.
    """

    def __init__(self) -> None:
        self.total: int = 0
        self.per_second: float = 0.0
        self._before = 0
        self._time: float | None = None

    @property
    def since_tick(self) -> int:
        """Number of events since the last call of `tick`."""
        return self.total - self._before

    def add(self, count: int) -> None:
        """Count events."""
        self.total += count

    def tick(self, now: float) -> None:
        """Update `per_second`, and start the next measurement. Call it about once a second.

        Args:
            now: Current time in seconds.
        """
        if self._time is not None and now > self._time:
            self.per_second = self.since_tick / (now - self._time)
        self._time, self._before = now, self.total

    def __repr__(self) -> str:
        return f"<Measurement {self.total} events, {self.per_second:.1f} per second>"
