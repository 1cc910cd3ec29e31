"""`retry_with_backoff`: try again, after a while, from where it stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from reactivex import Observable, abc
from reactivex.disposable import SerialDisposable

from rxpump.backoff import Backoff, Failures
from rxpump.model import checks

T = TypeVar("T")


def retry_with_backoff(
    count: int | None = None,
    min_delay: float = 0.1,
    max_delay: float = 10.0,
    jitter: float = 0.5,
    reset_on_success: bool = True,
    *,
    retry_on: Callable[[Exception], bool] | None = None,
) -> Callable[[Observable[T]], Observable[T]]:
    """Where the source fails, wait and go on, `count` times (None: as often as it takes).

        ──a──b──X     ──c──d──|
            retry_with_backoff()
        ──a──b──────────c──d──|

        client.iter("ponies").pipe(ops.retry_with_backoff(count=5), ops.json())

    The waits double from `min_delay` to `max_delay` seconds, each shortened by chance by up to `jitter` (0 to 1)
    of it. With `reset_on_success` an item that arrives begins the count anew.

    Directly on a source that can resume (client.iter, iter_all, stream, stream_all) it goes on with the event after
    the last one that was delivered. Anything else, also such a source with an operator between, is subscribed
    to again and begins from its start: put this first in the pipe.

    Only errors that may pass are retried: those whose `retryable` is True, or those for which `retry_on(error)` is.

    Errors: the source's, once it is not retried or was `count` times; InvalidArgument, at the call, for delays
    that make no sense.
    """
    backoff = Backoff(min_delay, max_delay, jitter, count)
    checks.flag("reset_on_success", reset_on_success)
    checks.optional_function("retry_on", retry_on)

    def operator(source: Observable[T]) -> Observable[T]:
        def subscribe(
            observer: abc.ObserverBase[T], scheduler: abc.SchedulerBase | None = None
        ) -> abc.DisposableBase:
            attempts = _Attempts(source, observer, backoff, retry_on or _may_pass, reset_on_success)
            attempts.begin()
            return attempts

        return Observable(subscribe)

    return operator


def _may_pass(error: Exception) -> bool:
    return getattr(error, "retryable", False)


class _Attempts(abc.ObserverBase[T], abc.DisposableBase, Generic[T]):
    """One subscription, through all its attempts."""

    def __init__(
        self,
        source: Observable[T],
        observer: abc.ObserverBase[T],
        backoff: Backoff,
        is_retried: Callable[[Exception], bool],
        reset_on_success: bool,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._original = self._source = source
        self._resume: Callable[[T], Observable[T]] | None = getattr(source, "resume_after", None)
        self._observer = observer
        self._failures = Failures(backoff)
        self._is_retried = is_retried
        self._reset_on_success = reset_on_success
        self._subscription = SerialDisposable()
        self._timer: asyncio.TimerHandle | None = None
        self._last: Any = None

    def begin(self) -> None:
        """Subscribe, to what comes after the last item if that can be had."""
        if self._resume is not None and self._last is not None:
            self._source = self._resume(self._last)
        self._subscription.disposable = self._source.subscribe(self)

    def on_next(self, value: T) -> None:
        """Pass an item on."""
        self._last = value
        if self._reset_on_success:
            self._failures.reset()
        self._observer.on_next(value)

    def on_error(self, error: Exception) -> None:
        """Wait, or give up."""
        try:
            delay = self._failures.next_delay() if self._is_retried(error) else None
        except Exception as raised:
            self._observer.on_error(raised)
            return
        if delay is None:
            self._observer.on_error(error)
            return
        self._timer = self._loop.call_later(delay, self.begin)

    def on_completed(self) -> None:
        """Complete."""
        self._observer.on_completed()

    def dispose(self) -> None:
        """End, also while waiting."""
        self._subscription.dispose()
        if self._timer is not None:
            self._timer.cancel()

    def __repr__(self) -> str:
        return f"<Attempts at {self._original!r}, {self._failures.count} failed in a row>"
