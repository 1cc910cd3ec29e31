"""An event loop with virtual time, which advances only when no callback is ready to run."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable
from concurrent.futures import Executor
from datetime import datetime
from typing import Any, TypeVar, TypeVarTuple

from reactivex.scheduler.eventloop import AsyncIOScheduler

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class NothingScheduled(RuntimeError):
    """A coroutine would wait forever, because the event loop has no timer and nothing to run."""

    def __init__(self) -> None:
        super().__init__("the coroutine waits forever: no callback is ready, no timer is set and no thread works")


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An event loop that skips all waiting, and in which a program always takes the same virtual time.

    Its time begins at 0, and does not change while a callback is ready to run. If none is, it advances to the next
    timer. It waits for functions in threads (`asyncio.to_thread`) without advancing. It is meant for code without
    input and output, such as pipelines and the mock transport, because timeouts pass before a reply can arrive.

        with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
            runner.run(asyncio.sleep(3600))

    A coroutine that would wait forever fails with NothingScheduled.
    """

    def __init__(self) -> None:
        self._now = 0.0
        self._threads = 0
        super().__init__(_TimeAdvancing(self._advance, lambda: self._threads > 0))

    def time(self) -> float:
        """Return the seconds of virtual time since the event loop was made."""
        return self._now

    def run_in_executor(self, executor: Executor | None, func: Callable[[*Ts], T], *args: *Ts) -> asyncio.Future[T]:
        """Run a function in a thread. Virtual time does not advance until it returns."""
        self._threads += 1
        running: Any = super().run_in_executor(executor, func, *args)
        running.add_done_callback(self._thread_ended)
        return running  # type: ignore[no-any-return]

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        """Wait until the threads of `run_in_executor` have ended."""
        self._threads += 1
        try:
            await super().shutdown_default_executor()
        finally:
            self._threads -= 1

    def _advance(self, seconds: float) -> None:
        self._now += seconds

    def _thread_ended(self, running: object) -> None:
        self._threads -= 1


class LoopScheduler(AsyncIOScheduler):
    """A scheduler of reactivex with the time of its event loop. AsyncIOScheduler would use the time of the system.

    Args:
        loop: The event loop.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self._time = loop.time

    @property
    def now(self) -> datetime:
        """The time of the event loop, counted from 1970."""
        return self.to_datetime(self._time())


class _TimeAdvancing(selectors.DefaultSelector):
    """A selector that advances the time instead of waiting.

    Args:
        advance: Function that advances the time by seconds.
        has_threads: Function that returns whether a thread works for the event loop.
    """

    def __init__(self, advance: Callable[[float], None], has_threads: Callable[[], bool]) -> None:
        super().__init__()
        self._advance = advance
        self._has_threads = has_threads

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return the files that are ready. If there is none, advance the time by `timeout` seconds."""
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        if self._has_threads():
            return super().select(None)
        if timeout is None:
            raise NothingScheduled
        self._advance(timeout)
        return ready
