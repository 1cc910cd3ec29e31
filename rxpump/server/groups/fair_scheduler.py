"""One slice of time in each turn of the loop for all groups together.

However many groups have something to do, everybody else waits for one slice, and not for one of each.
Who has had its turn and is not done goes to the end of the line.
"""

from __future__ import annotations

import asyncio
from typing import Final, Protocol

_SLICE: Final = 0.002  # seconds


class Worker(Protocol):
    """Somebody who works when it is its turn."""

    def work(self, until: float) -> None:
        """Work until that time of the loop's clock; who is not done asks for another turn."""


class FairScheduler:
    """Gives workers their turns, in the order in which they asked."""

    def __init__(self) -> None:
        self._waiting: dict[Worker, None] = {}
        self._is_started = False

    def schedule(self, worker: Worker) -> None:
        """Give `worker` a turn, soon; asking twice is asking once."""
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
