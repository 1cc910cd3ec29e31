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
        self._line: dict[Worker, None] = {}
        self._is_begun = False

    def ask(self, worker: Worker) -> None:
        """Give `worker` a turn, soon; asking twice is asking once."""
        self._line[worker] = None
        self._begin()

    def _begin(self) -> None:
        if not self._is_begun:
            self._is_begun = True
            asyncio.get_running_loop().call_soon(self._work)

    def _work(self) -> None:
        self._is_begun = False
        loop = asyncio.get_running_loop()
        until = loop.time() + _SLICE
        while self._line:
            worker = next(iter(self._line))
            del self._line[worker]
            worker.work(until)
            if loop.time() >= until:
                break
        if self._line:
            self._begin()

    def __repr__(self) -> str:
        return f"<Turns of {len(self._line)} that wait>"
