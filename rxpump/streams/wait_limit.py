"""Limit the duration of waits that are many and mostly short, with one timer."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class WaitLimit:
    """Limit of the duration of each of many waits, one after the other.

    `asyncio.timeout` starts and cancels a timer for each wait, which costs more than a short wait itself. This timer
    is not cancelled when a wait ends. When it fires, it is started again for the rest of the current wait. All waits
    are made in an `async with` block, at whose end the timer is cancelled.

    Args:
        seconds: Longest duration of a wait.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._began: float | None = None  # None between two waits
        self._waiting: asyncio.Task[Any] | None = None
        self._is_over = False

    async def wait(self, work: Coroutine[Any, Any, T]) -> T:
        """Return the result of a coroutine. Only one task at a time may wait.

        Raises:
            TimeoutError: The wait was too long. The coroutine was cancelled.
        """
        task = asyncio.current_task()
        assert task is not None
        cancelled_before = task.cancelling()
        self._waiting = task
        self._began = self._loop.time()
        if self._timer is None:
            self._timer = self._loop.call_at(self._began + self._seconds, self._check)
        try:
            return await work
        except asyncio.CancelledError:
            if self._is_over and task.cancelling() == cancelled_before + 1:  # Nothing else has cancelled the task.
                raise TimeoutError from None
            raise
        finally:
            self._began = self._waiting = None
            if self._is_over:
                self._is_over = False
                task.uncancel()

    async def __aenter__(self) -> WaitLimit:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _check(self) -> None:
        """Cancel the current wait if it is too long; called by the timer."""
        self._timer = None
        if self._began is None or self._waiting is None:
            return
        ends = self._began + self._seconds
        if self._loop.time() < ends:
            self._timer = self._loop.call_at(ends, self._check)
        else:
            self._is_over = True
            self._waiting.cancel()

    def __repr__(self) -> str:
        state = "no wait" if self._began is None else f"a wait since {self._began:.3f}"
        return f"<WaitLimit of {self._seconds:g} s, {state}>"
