"""Sources, observers and clocks for tests of operators."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from reactivex import abc
from reactivex.subject import Subject

from rxpump.backpressure.upstream import Upstream
from tests.fakes import BufferingObserver


class Feed(Subject[Any]):
    """A source with an Upstream, to which a test passes items. It also delivers while it is paused."""

    def __init__(self) -> None:
        super().__init__()
        self.upstream = Upstream("feed")

    def on_next(self, value: Any) -> None:
        self.upstream.enter()
        self.upstream.origin = value
        try:
            super().on_next(value)
        finally:
            self.upstream.leave()

    @property
    def is_paused(self) -> bool:
        return bool(self.upstream.paused_by)

    def on_error(self, error: Exception) -> None:
        self.upstream.end()
        super().on_error(error)

    def on_completed(self) -> None:
        self.upstream.end()
        super().on_completed()


class Seen:
    """An observer that records its notifications."""

    def __init__(self) -> None:
        self.items: list[Any] = []
        self.origins: list[Any] = []
        self.errors: list[Exception] = []
        self.completed = 0
        self._ended = asyncio.Event()

    def on_next(self, item: Any) -> None:
        upstream = Upstream.current()
        self.items.append(item)
        self.origins.append(upstream.origin if upstream is not None else None)

    def on_error(self, error: Exception) -> None:
        self.errors.append(error)
        self._ended.set()

    def on_completed(self) -> None:
        self.completed += 1
        self._ended.set()

    def of(self, source: Any) -> abc.DisposableBase:
        return source.subscribe(self.on_next, self.on_error, self.on_completed)  # type: ignore[no-any-return]

    async def until_ended(self) -> None:
        await self._ended.wait()

    @property
    def is_ended(self) -> bool:
        return self._ended.is_set()


class Gates:
    """A coroutine function. Each call waits until the test opens its gate."""

    def __init__(self, answer: Callable[[Any], Any] = lambda item: item) -> None:
        self.begun: list[Any] = []
        self.cancelled: list[Any] = []
        self._answer = answer
        self._gates: dict[Any, asyncio.Future[None]] = {}

    async def __call__(self, item: Any) -> Any:
        self.begun.append(item)
        gate = self._gates[item] = asyncio.get_running_loop().create_future()
        try:
            await gate
        except asyncio.CancelledError:
            self.cancelled.append(item)
            raise
        finally:
            del self._gates[item]
        return self._answer(item)

    @property
    def waiting(self) -> list[Any]:
        return list(self._gates)

    async def open(self, *items: Any) -> None:
        """Let the calls for these items return, in this order, and run everything that follows."""
        for item in items:
            self._gates[item].set_result(None)
            await settle()

    async def fail(self, item: Any, error: BaseException) -> None:
        self._gates[item].set_exception(error)
        await settle()


class HeldSink(BufferingObserver):
    """An observer that buffers one item, and pauses its source until the test takes the item."""

    def __init__(self) -> None:
        super().__init__(high=1)


class Clock:
    """The time of the running event loop, which passes only when the test calls `advance`."""

    def __init__(self) -> None:
        self._now = 1000.0
        loop = asyncio.get_running_loop()
        loop.time = lambda: self._now  # type: ignore[method-assign]

    def __call__(self) -> float:
        return self._now

    async def advance(self, seconds: float) -> None:
        self._now += seconds
        await settle()


async def settle(turns: int = 30) -> None:
    """Let everything that can run without new input run."""
    for _ in range(turns):
        await asyncio.sleep(0)


def timers() -> list[asyncio.TimerHandle]:
    """Return the timers of the running event loop that are not cancelled."""
    return [timer for timer in asyncio.get_running_loop()._scheduled if not timer.cancelled()]  # type: ignore[attr-defined]
