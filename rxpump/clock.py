"""The clock of timed operators and of metrics, which is the event loop or a scheduler."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from math import inf
from typing import Protocol

from reactivex import abc
from reactivex.disposable import Disposable

from rxpump.backpressure.background_tasks import LoopCaller
from rxpump.errors import InvalidArgument


class Clock(Protocol):
    """The current time, and timers."""

    def now(self) -> float:
        """Return the time in seconds, from an arbitrary zero. Only differences are meaningful."""

    def call_later(self, seconds: float, function: Callable[[], object]) -> abc.DisposableBase:
        """Call a function once after a delay.

        Args:
            seconds: The delay.
            function: Function to call. A scheduler can call it in another thread.

        Returns:
            The timer. Disposing it cancels the call.
        """


class _LoopClock:
    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()

    def now(self) -> float:
        return self._loop.time()

    def call_later(self, seconds: float, function: Callable[[], object]) -> abc.DisposableBase:
        return Disposable(self._loop.call_later(seconds, function).cancel)


class _SchedulerClock:
    def __init__(self, scheduler: abc.SchedulerBase) -> None:
        self._scheduler = scheduler

    def now(self) -> float:
        return self._scheduler.to_seconds(self._scheduler.now)

    def call_later(self, seconds: float, function: Callable[[], object]) -> abc.DisposableBase:
        def run(scheduler: abc.SchedulerBase, state: object = None) -> None:
            function()

        return self._scheduler.schedule_relative(seconds, run)


def check_scheduler(scheduler: abc.SchedulerBase | None) -> None:
    """Check the `scheduler` argument of an operator.

    Raises:
        InvalidArgument: It is neither a scheduler nor None.
    """
    if scheduler is not None and not isinstance(scheduler, abc.SchedulerBase):
        raise InvalidArgument("scheduler", scheduler, "a scheduler of reactivex, or None")


def clock_of(*schedulers: abc.SchedulerBase | None) -> Clock:
    """Return the clock of the first scheduler that is not None, or that of the running event loop.

    Args:
        *schedulers: Scheduler that the operator was given, then the one that `subscribe` was given, as in reactivex.

    Raises:
        RuntimeError: Each is None and no event loop is running.
    """
    scheduler = next((each for each in schedulers if each is not None), None)
    return _LoopClock() if scheduler is None else _SchedulerClock(scheduler)


async def sleep(clock: Clock, seconds: float) -> None:
    """Wait until `seconds` have passed on a clock."""
    await wait_within(clock, seconds, asyncio.Event())


async def wait_within(clock: Clock, seconds: float, event: asyncio.Event) -> None:
    """Wait until an event is set, and set it when `seconds` have passed on a clock; infinity is no limit."""
    loop_caller = LoopCaller()

    def wake() -> None:
        if loop_caller.is_in_loop():
            event.set()
        else:
            loop_caller.call(event.set)

    timer = None if seconds == inf else clock.call_later(seconds, wake)
    try:
        await event.wait()
    finally:
        if timer is not None:
            timer.dispose()
