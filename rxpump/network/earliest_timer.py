"""A timer for the earliest of several deadlines that change all the time."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable


class EarliestTimer:
    """Calls a function at the earliest time that was set.

    A running timer is kept if the next deadline is later, because setting a timer for each request would cost more
    than one call too many. The function sets the next time.

    The timer remembers its time by itself, because uvloop returns a handle without `when` for a time that has passed.

    Args:
        ring: Function to call.
    """

    def __init__(self, ring: Callable[[], None]) -> None:
        self._ring = ring
        self._when = math.inf
        self._handle: asyncio.Handle | None = None

    def set(self, deadline: float) -> None:
        """Call the function at this time of the event loop, unless an earlier call is due; infinity is never."""
        if self._when <= deadline:
            return
        self.cancel()
        self._when = deadline
        self._handle = asyncio.get_running_loop().call_at(deadline, self._fire)

    def cancel(self) -> None:
        """Do not call the function."""
        if self._handle is not None:
            self._handle.cancel()
        self._handle, self._when = None, math.inf

    def _fire(self) -> None:
        self._handle, self._when = None, math.inf
        self._ring()

    def __repr__(self) -> str:
        return "<EarliestTimer, not set>" if self._handle is None else f"<EarliestTimer at {self._when:.3f}>"
