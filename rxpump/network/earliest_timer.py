"""A timer for the earliest of several deadlines, which change often."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable


class EarliestTimer:
    """Calls a function at the earliest of the times that `set` was called with.

    A later time does not replace the running timer, because a timer for each request would cost more than a
    superfluous call. After each call, the function must set the next time.

    The time is stored here, because uvloop returns a handle without `when` for a time that has passed.

    Args:
        callback: Function to call.
    """

    def __init__(self, callback: Callable[[], None]) -> None:
        self._callback = callback
        self._when = math.inf
        self._handle: asyncio.Handle | None = None

    def set(self, deadline: float) -> None:
        """Call the function at this time of the event loop, unless it is called earlier. Infinity means never."""
        if self._when <= deadline:
            return
        self.cancel()
        self._when = deadline
        self._handle = asyncio.get_running_loop().call_at(deadline, self._fire)

    def cancel(self) -> None:
        """Cancel the next call of the function."""
        if self._handle is not None:
            self._handle.cancel()
        self._handle, self._when = None, math.inf

    def _fire(self) -> None:
        self._handle, self._when = None, math.inf
        self._callback()

    def __repr__(self) -> str:
        return "<EarliestTimer, not set>" if self._handle is None else f"<EarliestTimer at {self._when:.3f}>"
