"""Counts and latencies of delivered events, for the information about a group."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

_WINDOW: Final = 1000
"""Number of settled events whose latencies are kept."""

_UNITS_PER_SECOND: Final = 100_000
"""Units of a latency. A real server on Linux has this unit, because it takes nanoseconds for ticks of 100 ns."""

_SHARES: Final = {
    **{f"Quintile {number + 1}": 200 * number for number in range(5)},
    "90%": 900,
    "95%": 950,
    "99%": 990,
    "99.5%": 995,
    "99.9%": 999,
}
"""Thousandths of the sorted latencies that are below a value, by its name."""


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


class Latencies:
    """Times from the delivery of an event until it is settled or expires, of the last 1,000 events of a consumer.

    Args:
        now: Function that returns the time in seconds.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._begins: dict[bytes, float] = {}
        self._ended: deque[int] = deque(maxlen=_WINDOW)

    def begin(self, event_id: bytes) -> None:
        """Record that an event is delivered."""
        self._begins[event_id] = self._now()

    def end(self, event_id: bytes) -> None:
        """Record that an event is settled. Other ids than those of events in flight are ignored."""
        begin = self._begins.pop(event_id, None)
        if begin is not None:
            self._ended.append(int((self._now() - begin) * _UNITS_PER_SECOND))

    def summary(self) -> Sequence[tuple[str, int]]:
        """Return names and values, in units of 10 µs, as a real server on Linux sends them; none without events."""
        times = sorted(self._ended)
        count = len(times)
        if not count:
            return ()
        shares = [(name, times[share * count // 1000]) for name, share in _SHARES.items()]
        middle = [("Mean", sum(times) // count), ("Median", times[count // 2]), ("Fastest", times[0])]
        return [*middle, *shares, ("Highest", times[-1])]

    def __repr__(self) -> str:
        return f"<Latencies of {len(self._ended)} events>"
