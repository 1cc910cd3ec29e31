"""The bounds of a buffer: asyncio's high- and low-water marks, for sources of Observables."""

from __future__ import annotations

from rxpump.backpressure.upstream import Upstream
from rxpump.errors import BufferOverflow


class Watermarks:
    """Pauses the sources of a buffer at its high-water mark, and resumes them at its low-water mark.

    At `high` items it pauses the source that added the last one. At `low` items it resumes every source.

    Args:
        name: Name of the buffer in errors.
        high: Number of items at which a source is paused.
        low: Number of items at which the sources are resumed, half of `high` by default.
        capacity: Number of items above which BufferOverflow is raised if the source cannot be paused. It is at least
            `high`.
    """

    __slots__ = ("_is_closed", "_paused", "capacity", "high", "low", "name")

    def __init__(self, name: str, *, high: int, low: int | None = None, capacity: int = 10_000) -> None:
        self.name: str = name
        self.high: int = high
        self.low: int = high // 2 if low is None else low
        self.capacity: int = max(capacity, high)
        self._paused: set[Upstream] = set()
        self._is_closed = False

    def added(self, count: int) -> None:
        """Pause the source if the buffer is full. Call it in `on_next`.

        Args:
            count: Number of items in the buffer, with the one that arrives.

        Raises:
            BufferOverflow: The buffer has more than `capacity` items, and its source cannot be paused.
        """
        if count < self.high or self._is_closed:
            return
        upstream = Upstream.current()
        if upstream is not None and upstream.pause(self):
            self._paused.add(upstream)
        elif count > self.capacity:
            raise BufferOverflow(self.name, self.capacity)

    def removed(self, count: int) -> None:
        """Resume the sources if the buffer is not above its low-water mark.

        Args:
            count: Number of items that are left in the buffer.
        """
        if self._paused and count <= self.low:
            self._resume()

    def close(self) -> None:
        """Resume the sources, and pause none from now on."""
        self._is_closed = True
        self._resume()

    def _resume(self) -> None:
        paused, self._paused = self._paused, set()
        for upstream in paused:
            upstream.resume(self)

    def __repr__(self) -> str:
        return f"<Watermarks {self.name}, pausing {len(self._paused)}, marks {self.low} to {self.high}>"
