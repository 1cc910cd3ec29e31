"""Pass values from a thread to an event loop."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable
from queue import SimpleQueue
from typing import ClassVar, Final, TypeVar

from reactivex import abc

from rxpump.backpressure.background_tasks import BackgroundTasks
from rxpump.errors import ClientClosed
from rxpump.streams.source import Pages, PageSource, TaskSubscription

T = TypeVar("T")

BUFFER_SIZE: Final = 512
"""Largest number of values that are buffered for the event loop."""


class ThreadIterator(AsyncIterator[T]):
    """An async iterator in one event loop, whose values come from one other thread.

    At most BUFFER_SIZE values are buffered. If the buffer is full, the thread waits in `put`.

    Args:
        loop: The event loop.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._values: deque[T] = deque()
        self._places: SimpleQueue[bool] = SimpleQueue()  # True: a place in the buffer; False: it is closed
        for _ in range(BUFFER_SIZE):
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
        """Let a waiting call of `put`, and each later call, return False. Called by any thread."""
        self._is_closed = True
        self._places.put(False)

    def end_intake(self) -> None:
        """Accept no more values, because the client drains, and fail after those that were put. Called in the loop.

        If the thread has completed the iteration, this does nothing.
        """
        if not self._is_complete:
            self.close()
            self.complete(
                ClientClosed("the server", "the client was drained before the iterator was read to its end")
            )

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
        return f"<ThreadIterator, {len(self._values)} values{', complete' if self._is_complete else ''}>"


class ThreadSource(PageSource[T]):
    """An Observable of the values of a thread.

    When the client drains, it delivers the values that were put before. It then fails, unless they are all values.

    Args:
        runtime: Background tasks of the client.
        values: The values.
    """

    completes_on_drain: ClassVar[bool] = False

    def __init__(self, runtime: BackgroundTasks, values: ThreadIterator[T]) -> None:
        async def pages() -> Pages[T]:
            async for value in values:
                yield (value,)

        super().__init__(runtime, "iterate", pages)
        self._values = values

    def _begin(
        self, observer: abc.ObserverBase[T], scheduler: abc.SchedulerBase | None = None
    ) -> TaskSubscription[T]:
        subscription = super()._begin(observer, scheduler)
        intakes, end_intake = self._runtime.intakes, self._values.end_intake
        intakes.add(end_intake)
        subscription.task.add_done_callback(lambda _: intakes.discard(end_intake))
        return subscription


def _finish(waiting: asyncio.Future[None]) -> None:
    if not waiting.done():
        waiting.set_result(None)
