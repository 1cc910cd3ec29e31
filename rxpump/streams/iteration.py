"""`async for` over an Observable."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import suppress
from threading import get_ident
from typing import Generic, TypeVar

import reactivex
from reactivex import abc

from rxpump.backpressure.watermarks import Watermarks
from rxpump.model.deliveries import Delivery

HIGH_MARK = 512
"""Number of buffered values at which the source is paused."""

T = TypeVar("T")


class Iteration(AsyncIterator[T]):
    """One iteration over an Observable, which subscribes when the first value is requested.

    The subscription ends when the source ends, when `aclose()` is called, and when the iteration is garbage
    collected, as after a `break` in an `async for`. The server delivers events of a consumer group again that are
    buffered then. If the wait for a value is cancelled, the iteration goes on and no value is lost, so a program can
    poll with a timeout:

    Example:
        events = aiter(client.stream("ponies"))
        try:
            event = await asyncio.wait_for(anext(events), timeout=1)
        except TimeoutError:
            ...  # no event within a second; the next anext goes on

    Attributes:
        taken: Values that `take` has moved here for another thread, which removes them.
    """

    __slots__ = ("_buffer", "_values", "taken")

    def __init__(self, source: reactivex.Observable[T]) -> None:
        # The source references only the buffer, so that the iteration is garbage collected when the loop ends.
        self._buffer: _Buffer[T] = _Buffer(source)
        self._values = self._buffer.values
        self.taken: deque[T] = self._buffer.taken

    async def __anext__(self) -> T:
        """Return the next value.

        Raises:
            StopAsyncIteration: The source has completed, or the iteration is closed.
            RuntimeError: Another task is waiting for the next value.
            Exception: The error of the source. It is raised once, after all values before it.
        """
        while not self._values:
            await self._buffer.fill()
        return self._values.popleft()

    async def take(self) -> None:
        """Move all values that are buffered, at least one, to `taken`.

        Raises:
            StopAsyncIteration: The source has completed, or the iteration is closed.
            RuntimeError: Another task is waiting for the next value.
            Exception: The error of the source. It is raised once, after all values before it.
        """
        self.taken.append(await anext(self))
        while self._values:
            self.taken.append(self._values.popleft())
        self._buffer.note_taken()

    async def aclose(self) -> None:
        """End the subscription and drop the values that are buffered or `taken`."""
        self._buffer.close()

    def __del__(self) -> None:
        """End the subscription, in the event loop because the garbage collector can run in any thread."""
        self._buffer.close_soon()

    def __repr__(self) -> str:
        return f"<Iteration over {self._buffer.source!r}, {self._buffer!r}>"


class _Buffer(Generic[T]):
    """The values that a source has delivered and the body of the loop has not taken.

    The source can deliver from another thread. It is paused when the buffer reaches its high-water mark, and resumed
    when the buffer is empty. While there are values, taking one costs as little as taking an item of a list.
    """

    def __init__(self, source: reactivex.Observable[T]) -> None:
        self.source = source
        self.values: deque[T] = deque()
        self.taken: deque[T] = deque()
        self._watermarks = Watermarks("async for", high=HIGH_MARK)
        self._failure: Exception | None = None
        self._is_over = False
        self._is_closed = False
        self._subscription: abc.DisposableBase | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = 0
        self._waiting: asyncio.Future[None] | None = None

    async def fill(self) -> None:
        """Wait until there is a value. Called only when the buffer is empty."""
        if self._is_over:
            self.close()
            failure, self._failure = self._failure, None
            raise failure or StopAsyncIteration
        if self._loop is None:
            self._subscribe()
            return
        self._watermarks.removed(0)
        if self._waiting is not None:
            raise RuntimeError("another task is waiting for the next value of this iteration")
        self._waiting = self._loop.create_future()
        try:
            # From this line on, a thread that delivers a value completes `_waiting`. The condition finds earlier
            # values.
            if not self.values and not self._is_over:
                await self._waiting
        finally:
            self._waiting = None

    def note_taken(self) -> None:
        """Resume the source, because the buffer is empty."""
        self._watermarks.removed(0)

    def _subscribe(self) -> None:
        self._loop, self._thread = asyncio.get_running_loop(), get_ident()
        try:
            self._subscription = self.source.subscribe(self._on_next, self._on_error, self._on_completed)
        except BaseException:
            self.close()
            raise

    def _on_next(self, value: T) -> None:
        self._watermarks.added(len(self.values) + 1)
        self.values.append(value)
        if self._waiting is not None:
            self._wake()

    def _on_error(self, error: Exception) -> None:
        self._failure = error
        self._on_completed()

    def _on_completed(self) -> None:
        self._is_over = True
        self._wake()

    def _wake(self) -> None:
        waiting = self._waiting
        if waiting is None or self._loop is None:
            return
        if get_ident() == self._thread:
            _finish(waiting)
        else:
            self._loop.call_soon_threadsafe(_finish, waiting)

    def close(self) -> None:
        """End the subscription and drop the buffered values. A task that waits in `fill` completes."""
        self._is_over = self._is_closed = True
        for values in (self.values, self.taken):
            with suppress(IndexError):  # All are dropped. Another thread can take one of them at the same time.
                while True:
                    value = values.popleft()
                    if isinstance(value, Delivery):
                        value._release()
        self._watermarks.close()
        if self._subscription is not None:
            self._subscription.dispose()
        self._wake()

    def close_soon(self) -> None:
        """Schedule `close` in the event loop, unless the buffer or the loop is closed."""
        if self._loop is not None and not self._is_closed and not self._loop.is_closed():
            with suppress(RuntimeError):  # The loop may be closed meanwhile.
                self._loop.call_soon_threadsafe(self.close)

    def __repr__(self) -> str:
        state = "closed" if self._is_closed else "not started" if self._loop is None else "open"
        if self._is_over and not self._is_closed:
            state = "completed"
        return f"{state}, {len(self.values)} values"


def _finish(waiting: asyncio.Future[None]) -> None:
    if not waiting.done():
        waiting.set_result(None)
