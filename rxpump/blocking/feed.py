"""Pass values from a thread to an event loop."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Iterable
from queue import SimpleQueue
from typing import Final, TypeVar

T = TypeVar("T")
R = TypeVar("R")

FEED_SIZE: Final = 512
"""Largest number of values that are buffered for the event loop."""


class Feed(AsyncIterator[T]):
    """An async iterator in one event loop, whose values come from one other thread.

    At most FEED_SIZE values are buffered. If the buffer is full, the thread waits in `put`.

    Args:
        loop: The event loop.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._values: deque[T] = deque()
        self._places: SimpleQueue[bool] = SimpleQueue()  # True: a free place in the buffer. False: the feed is closed
        for _ in range(FEED_SIZE):
            self._places.put(True)
        self._is_complete = False
        self._is_closed = False
        self._failure: Exception | None = None
        self._waiting: asyncio.Future[None] | None = None

    def put(self, value: T) -> bool:
        """Pass one value to the event loop; wait while the buffer is full. Called by the thread.

        Returns:
            Whether more values are wanted: False after `close`.
        """
        if not self._places.get() or self._is_closed:
            return False
        self._values.append(value)
        self._wake_soon()
        return True

    def complete(self, failure: Exception | None = None) -> None:
        """End the iteration after the values that were put. Called by the thread.

        Args:
            failure: Error to raise at the end.
        """
        self._failure = failure
        self._is_complete = True
        self._wake_soon()

    def close(self) -> None:
        """Let a waiting call of `put`, and each later call, return False. Called by the event loop."""
        self._is_closed = True
        self._places.put(False)

    def put_all(self, values: Iterable[T]) -> None:
        """Pass the values of an iterable to the event loop, then its end or its error. Called by the thread."""
        try:
            for value in values:
                if not self.put(value):
                    return
        except Exception as error:
            self.complete(error)
        else:
            self.complete()

    async def closed_after(self, consumer: Awaitable[R]) -> R:
        """Wait for the consumer of this feed, close the feed, and return the result of the consumer."""
        try:
            return await consumer
        finally:
            self.close()

    async def __anext__(self) -> T:
        """Return the next value, in the event loop."""
        while not self._values:
            if self._is_complete and not self._values:
                raise self._failure or StopAsyncIteration
            self._waiting = self._loop.create_future()
            # From this line on, a thread that adds a value completes `_waiting`. The condition finds earlier values.
            if not self._values and not self._is_complete:
                await self._waiting
            self._waiting = None
        self._places.put(True)
        return self._values.popleft()

    def _wake_soon(self) -> None:
        waiting = self._waiting
        if waiting is not None:
            self._loop.call_soon_threadsafe(_finish, waiting)

    def __repr__(self) -> str:
        return f"<Feed, {len(self._values)} values{', complete' if self._is_complete else ''}>"


def _finish(waiting: asyncio.Future[None]) -> None:
    if not waiting.done():
        waiting.set_result(None)
