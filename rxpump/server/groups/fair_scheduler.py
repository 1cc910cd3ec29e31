"""A scheduler that runs all groups together for one time slice in each iteration of the event loop.

Other tasks wait for one time slice, independent of the number of groups that have work. A worker that still has work
at the end of a time slice is scheduled after the others.
"""

from __future__ import annotations

import asyncio
from typing import Final, Protocol

_SLICE: Final = 0.002
"""Seconds of work in one iteration of the event loop."""


class Worker(Protocol):
    """A worker that the scheduler can run."""

    def work(self, until: float) -> None:
        """Work until the time `until` of the event loop; schedule again if there is more work."""


class FairScheduler:
    """Runs workers in the order in which they were scheduled."""

    def __init__(self) -> None:
        self._waiting: dict[Worker, None] = {}
        self._is_started = False

    def schedule(self, worker: Worker) -> None:
        """Run a worker in one of the next time slices. Do nothing if it is already waiting."""
        self._waiting[worker] = None
        self._start()

    def _start(self) -> None:
        if not self._is_started:
            self._is_started = True
            asyncio.get_running_loop().call_soon(self._work)

    def _work(self) -> None:
        self._is_started = False
        loop = asyncio.get_running_loop()
        until = loop.time() + _SLICE
        while self._waiting:
            worker = next(iter(self._waiting))
            del self._waiting[worker]
            worker.work(until)
            if loop.time() >= until:
                break
        if self._waiting:
            self._start()

    def __repr__(self) -> str:
        return f"<FairScheduler with {len(self._waiting)} waiting>"
