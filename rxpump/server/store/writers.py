"""Writers, which commit changes on the event loop (for a store in memory) or in a thread (for a store on disk).

After a commit, followers receive the events first. Then callers receive their results.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

from rxpump.server.store.changes import Change, NotCommitted
from rxpump.server.store.feed import Feed
from rxpump.server.store.group_commit import Commit, GroupCommit
from rxpump.server.trampoline import Trampoline

_MAX_CHANGES = 512  # largest number of changes in a transaction of the thread, to bound the latency of the first one
_MAX_WEIGHT = 64  # largest weight of a transaction on the event loop, so that clients work during the next one

T = TypeVar("T")

Settle = Callable[[T | NotCommitted], None]
"""Function that receives the result of a change, in the event loop, after the commit."""

_log = logging.getLogger("rxpump.server")


class Writer(Protocol):
    """Accepts changes at any time, and commits them in the order of their arrival."""

    def write(self, change: Change[T], settle: Settle[T]) -> None:
        """Schedule a change. `settle` is called with its result after the commit."""

    async def stop(self) -> None:
        """Commit all pending changes and end."""


class _Waiting(NamedTuple):
    change: Change[Any]
    settle: Settle[Any]


def _settle(feed: Feed, waiting: Sequence[_Waiting], commit: Commit) -> None:
    feed.publish(commit.written)
    for (change, settle), outcome in zip(waiting, commit.outcomes, strict=True):
        try:
            settle(outcome)
        except Exception:
            _log.exception("the result of %s could not be used", change)


class LoopWriter:
    """Commits pending changes on the event loop, at the end of the work that makes them.

    A store in memory never waits for a disk.
    """

    def __init__(self, commits: GroupCommit, feed: Feed, trampoline: Trampoline) -> None:
        self._commits = commits
        self._feed = feed
        self._trampoline = trampoline
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[_Waiting] = deque()
        self._is_scheduled = False

    def write(self, change: Change[T], settle: Settle[T]) -> None:
        """Schedule a change. `settle` is called with its result after the commit."""
        if not self._is_scheduled:
            self._is_scheduled = True
            self._trampoline.schedule(self._work)
        self._waiting.append(_Waiting(change, settle))

    def _work(self) -> None:
        self._commit()
        self._is_scheduled = bool(self._waiting)
        if self._is_scheduled:
            self._loop.call_soon(self._trampoline.run, self._work)

    def _commit(self) -> None:
        now: list[_Waiting] = []
        weight = 0
        while self._waiting and weight < _MAX_WEIGHT:
            now.append(self._waiting.popleft())
            weight += now[-1].change.weight
        if now:
            _settle(self._feed, now, self._commits.commit([each.change for each in now]))

    async def stop(self) -> None:
        """Commit all pending changes."""
        while self._waiting:
            self._commit()


class ThreadWriter:
    """Commits pending changes in its own thread, so that the event loop never waits for the disk."""

    def __init__(self, commits: GroupCommit, feed: Feed, trampoline: Trampoline) -> None:
        self._commits = commits
        self._feed = feed
        self._trampoline = trampoline
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self._ended = self._loop.create_future()
        self._thread = threading.Thread(target=self._run, name="rxpump store writer", daemon=True)
        self._thread.start()

    def write(self, change: Change[T], settle: Settle[T]) -> None:
        """Schedule a change. `settle` is called with its result once the change is durable."""
        self._queue.put(_Waiting(change, settle))

    def _run(self) -> None:
        more = True
        while more:
            waiting, more = self._next()
            if waiting:
                commit = self._commits.commit([each.change for each in waiting])
                self._loop.call_soon_threadsafe(self._trampoline.run, _settle, self._feed, waiting, commit)
        self._loop.call_soon_threadsafe(self._ended.set_result, None)

    def _next(self) -> tuple[list[_Waiting], bool]:
        """Wait for changes, and return them and whether the thread must continue."""
        waiting: list[_Waiting] = []
        next_one = self._queue.get()
        while next_one is not None:
            waiting.append(next_one)
            if len(waiting) == _MAX_CHANGES:
                return waiting, True
            try:
                next_one = self._queue.get_nowait()
            except queue.Empty:
                return waiting, True
        return waiting, False

    async def stop(self) -> None:
        """Commit all pending changes and end the thread."""
        self._queue.put(None)
        await self._ended
        self._thread.join()
