"""Who commits: the loop itself for a store in memory, a thread for one on disk.

Once something is committed, first those who follow it are told, then those who wrote it.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections import deque
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

from rxpump.server.store.changes import Change, NotCommitted
from rxpump.server.store.feed import Feed
from rxpump.server.store.group_commit import Commit, GroupCommit

_MOST_CHANGES = 512  # in one transaction of the thread: bounds how long the first waits for the last
_MOST_WEIGHT = 256  # in one transaction of the loop: bounds how long everybody else waits

T = TypeVar("T")


class Writer(Protocol):
    """Takes changes at any time, and commits them in the order in which they came."""

    def write(self, change: Change[T]) -> asyncio.Future[T | NotCommitted]:
        """Make a change; the outcome comes once it is committed."""

    async def stop(self) -> None:
        """Commit what waits, and end."""


class _Waiting(NamedTuple):
    change: Change[Any]
    outcome: asyncio.Future[Any]


def _settle(feed: Feed, waiting: Sequence[_Waiting], commit: Commit) -> None:
    feed.publish(commit.written)
    for (_, future), outcome in zip(waiting, commit.outcomes, strict=True):
        if not future.done():
            future.set_result(outcome)


class LoopWriter:
    """Commits in the loop, once in a turn: for a store in memory, where nothing has to be waited for."""

    def __init__(self, commits: GroupCommit, feed: Feed) -> None:
        self._commits = commits
        self._feed = feed
        self._waiting: deque[_Waiting] = deque()

    def write(self, change: Change[T]) -> asyncio.Future[T | NotCommitted]:
        """Make a change; the outcome comes once it is committed."""
        loop = asyncio.get_running_loop()
        outcome: asyncio.Future[T | NotCommitted] = loop.create_future()
        if not self._waiting:
            loop.call_soon(self._commit)
        self._waiting.append(_Waiting(change, outcome))
        return outcome

    def _commit(self) -> None:
        now: list[_Waiting] = []
        weight = 0
        while self._waiting and weight < _MOST_WEIGHT:
            now.append(self._waiting.popleft())
            weight += now[-1].change.weight
        _settle(self._feed, now, self._commits.commit([each.change for each in now]))
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._commit)

    async def stop(self) -> None:
        """Commit what waits."""
        if self._waiting:
            await asyncio.wait([each.outcome for each in self._waiting])


class ThreadWriter:
    """Commits in a thread of its own, so that the loop never waits for the disk."""

    def __init__(self, commits: GroupCommit, feed: Feed) -> None:
        self._commits = commits
        self._feed = feed
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self._ended = self._loop.create_future()
        self._thread = threading.Thread(target=self._run, name="rxpump store writer", daemon=True)
        self._thread.start()

    def write(self, change: Change[T]) -> asyncio.Future[T | NotCommitted]:
        """Make a change; the outcome comes once it is durable."""
        outcome: asyncio.Future[T | NotCommitted] = self._loop.create_future()
        self._queue.put(_Waiting(change, outcome))
        return outcome

    def _run(self) -> None:
        more = True
        while more:
            waiting, more = self._next()
            if waiting:
                commit = self._commits.commit([each.change for each in waiting])
                self._loop.call_soon_threadsafe(_settle, self._feed, waiting, commit)
        self._loop.call_soon_threadsafe(self._ended.set_result, None)

    def _next(self) -> tuple[list[_Waiting], bool]:
        """Wait for something to do; give it, and whether there may be more."""
        waiting: list[_Waiting] = []
        next_one = self._queue.get()
        while next_one is not None:
            waiting.append(next_one)
            if len(waiting) == _MOST_CHANGES:
                return waiting, True
            try:
                next_one = self._queue.get_nowait()
            except queue.Empty:
                return waiting, True
        return waiting, False

    async def stop(self) -> None:
        """Commit what waits, and end the thread."""
        self._queue.put(None)
        await self._ended
        self._thread.join()
