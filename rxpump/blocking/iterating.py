"""Iterate with `for` over an Observable that runs in the event loop of another thread."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator
from threading import Lock
from types import TracebackType
from typing import TypeVar

import reactivex

from rxpump.blocking.loop_thread import LoopThread
from rxpump.errors import ClientClosed
from rxpump.streams.iteration import Iteration

T = TypeVar("T")


class BlockingIterator(Iterator[T]):
    """The values of an Observable, as a plain iterator.

    The Observable is subscribed to when the first value is requested. Its subscription ends when it completes, when
    `close` is called, at the end of a `with` block over the iterator, and when the iterator is garbage collected, as
    after a `break` in a `for` loop.

    At most 1,024 values are buffered: the source is paused while the program is slower. Several threads can share an
    iterator; each value goes to one of them.

    Args:
        thread: Thread with the event loop of the source.
        source: Observable of the values.
        timeout: Seconds to wait for the next value. None: no limit.
    """

    def __init__(self, thread: LoopThread, source: reactivex.Observable[T], timeout: float | None = None) -> None:
        self._thread = thread
        self._iteration: Iteration[T] = Iteration(source)
        self._values: deque[T] = self._iteration.taken
        self._timeout = timeout
        self._lock = Lock()

    @property
    def buffered(self) -> int:
        """Number of values that the next calls return without waiting."""
        return len(self._values)

    def __next__(self) -> T:
        """Return the next value.

        Raises:
            StopIteration: The Observable has completed, or the iterator is closed.
            TimeoutError: There was no value within the timeout. The next call waits again.
            Exception: The error of the Observable, after all values before it.
        """
        with self._lock:
            if not self._values and not self._thread.call(self._fill):
                raise StopIteration
            try:
                return self._values.popleft()
            except IndexError:  # Another thread has closed the iterator meanwhile.
                raise StopIteration from None

    async def _fill(self) -> bool:
        """Wait until the iteration has a value, and take all it has. Return False at the end.

        The values are not returned, so that a thread whose wait was interrupted finds them at its next call.
        """
        try:
            async with asyncio.timeout(self._timeout):
                await self._iteration.take()
        except StopAsyncIteration:
            return False
        except TimeoutError:
            raise TimeoutError(f"there was no value within {self._timeout:g} seconds") from None
        return True

    def close(self) -> None:
        """End the subscription, and drop the values that are buffered."""
        try:
            self._thread.finish(self._iteration.aclose)
        except ClientClosed:  # `aclose` did not drop the values.
            self._values.clear()

    def __enter__(self) -> BlockingIterator[T]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<BlockingIterator, {len(self._values)} values, {self._iteration!r}>"
