"""Changes that a leader has accepted and that wait until a majority of the nodes has them."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, Final

from rxpump.server.store.changes import Change, NotCommitted, TimedOut
from rxpump.server.store.transaction import CommitRequest

_MAX_WEIGHT: Final = 256
"""Largest total weight of the changes that are committed in one iteration of the event loop."""


class PendingWrite:
    """One change.

    A client that waited too long receives a timeout. The change stays pending, and can still be committed.

    Args:
        change: The change.
        timeout: Seconds after which the client is answered with a timeout.
        part: Phase of the write that the timeout error names.

    Attributes:
        change: The change.
        answer: Future that is done with the result or the timeout.
    """

    def __init__(self, change: Change[Any], timeout: float, part: TimedOut) -> None:
        loop = asyncio.get_running_loop()
        self.change = change
        self._part = part
        self.answer: asyncio.Future[Any] = loop.create_future()
        self._timer = loop.call_later(timeout, self.time_out)

    def settle(self, outcome: Any) -> None:
        """Set the result, unless the client has received a timeout."""
        self._timer.cancel()
        if not self.answer.done():
            self.answer.set_result(outcome)

    def time_out(self) -> None:
        """Answer the client with a timeout, because too few nodes confirmed the change in time."""
        self.settle(NotCommitted("too few nodes of the cluster confirmed the change in time", self._part))


class PendingWrites:
    """The pending changes of one leader, in the order of their arrival.

    Args:
        timeout: Seconds after which a client is answered with a timeout.
        commit: Function that is called in a later iteration of the event loop, and commits the changes that it can.
    """

    def __init__(self, timeout: float, commit: Callable[[], None]) -> None:
        self._timeout = timeout
        self._commit = commit
        self._writes: deque[PendingWrite] = deque()
        self._turn: asyncio.Handle | None = None

    def add(self, change: Change[Any]) -> asyncio.Future[Any]:
        """Add a change, and return the future of its result."""
        part = TimedOut.PREPARE if isinstance(change, CommitRequest) else TimedOut.COMMIT
        write = PendingWrite(change, self._timeout, part)
        self._writes.append(write)
        self.wake()
        return write.answer

    def wake(self) -> None:
        """Schedule the call of `commit` for the next iteration of the event loop."""
        if self._turn is None and self._writes:
            self._turn = asyncio.get_running_loop().call_soon(self._work)

    def _work(self) -> None:
        self._turn = None
        self._commit()

    def take(self) -> list[PendingWrite]:
        """Remove and return the next changes, as many as one iteration of the event loop may commit."""
        taken: list[PendingWrite] = []
        weight = 0
        while self._writes and weight < _MAX_WEIGHT:
            taken.append(self._writes.popleft())
            weight += taken[-1].change.weight
        return taken

    def take_all(self) -> list[PendingWrite]:
        """Remove and return all changes."""
        taken = list(self._writes)
        self._writes.clear()
        return taken

    def __iter__(self) -> Iterator[PendingWrite]:
        return iter(self._writes)

    def __len__(self) -> int:
        return len(self._writes)

    def __repr__(self) -> str:
        return f"<{len(self)} pending writes>"
