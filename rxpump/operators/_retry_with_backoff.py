"""`retry_with_backoff`: resubscribe to a source that failed, after a delay."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from reactivex import Observable, abc
from reactivex.disposable import SerialDisposable

from rxpump.backoff import Backoff, Failures
from rxpump.clock import Clock, check_scheduler, clock_of
from rxpump.errors import StreamRolledBack
from rxpump.model import checks
from rxpump.model.positions import Position

T = TypeVar("T")


def retry_with_backoff(
    count: int | None = None,
    min_delay: float = 0.1,
    max_delay: float = 10.0,
    jitter: float = 0.5,
    reset_on_success: bool = True,
    *,
    retry_on: Callable[[Exception], bool] | None = None,
    scheduler: abc.SchedulerBase | None = None,
) -> Callable[[Observable[T]], Observable[T]]:
    """Subscribe again after a delay if the source fails, and resume after the last item if the source can.

        ──a──b──X     ──c──d──|
            retry_with_backoff()
        ──a──b──────────c──d──|

        client.iter("ponies").pipe(ops.retry_with_backoff(count=5), ops.json())

    Put this operator first in the pipe. Directly on a source that can resume (client.iter, iter_all, stream,
    stream_all) it continues with the event after the last event delivered. Any other source, also such a source with
    an operator between, begins again from its start.

    A server that lost events (StreamRolledBack, LogTruncated) is an error that is not retried by default, because the
    program has to undo its work for those events. If `retry_on` undoes it and returns True, such a source continues
    after `error.resume_after`, or begins again from its start if that is None.

    Args:
        count: Number of retries, or None for no limit.
        min_delay: Seconds before the first retry. Each further delay is twice the one before.
        max_delay: Longest delay in seconds.
        jitter: Largest part of a delay, from 0 to 1, by which the delay is shortened at random.
        reset_on_success: Whether an item that arrives resets the count and the delay.
        retry_on: Function that returns whether an error is retried. None: errors whose `retryable` is True are.
        scheduler: Scheduler of the timers, for example a virtual-time scheduler in a test. None: the one that
            `subscribe` is given, or else the event loop.

    Returns:
        An operator that emits the items. It fails with the error of the source if the error is not retried or the
        retries are used up.

    Raises:
        InvalidArgument: A number is out of range, or `retry_on` is not callable.
    """
    backoff = Backoff(min_delay, max_delay, jitter, count)
    checks.flag("reset_on_success", reset_on_success)
    checks.optional_function("retry_on", retry_on)
    check_scheduler(scheduler)

    def operator(source: Observable[T]) -> Observable[T]:
        def subscribe(
            observer: abc.ObserverBase[T], subscribers: abc.SchedulerBase | None = None
        ) -> abc.DisposableBase:
            clock = clock_of(scheduler, subscribers)
            attempts = _Attempts(source, observer, clock, backoff, retry_on or _is_retryable, reset_on_success)
            attempts.begin()
            return attempts

        return Observable(subscribe)

    return operator


def _is_retryable(error: Exception) -> bool:
    return getattr(error, "retryable", False)


class _Attempts(abc.ObserverBase[T], abc.DisposableBase, Generic[T]):
    """One subscription of an observer, through all attempts."""

    def __init__(
        self,
        source: Observable[T],
        observer: abc.ObserverBase[T],
        clock: Clock,
        backoff: Backoff,
        is_retried: Callable[[Exception], bool],
        reset_on_success: bool,
    ) -> None:
        self._clock = clock
        self._original = self._source = source
        self._resume: Callable[[T], Observable[T]] | None = getattr(source, "resume_after", None)
        self._observer = observer
        self._failures = Failures(backoff)
        self._is_retried = is_retried
        self._reset_on_success = reset_on_success
        self._resume_at: Callable[[Any], Observable[T]] | None = getattr(source, "resume_at", None)
        self._subscription = SerialDisposable()
        self._timer: abc.DisposableBase | None = None
        self._last: Any = None

    def begin(self) -> None:
        """Subscribe to the source. If the source can resume, continue after the last item."""
        if self._resume is not None and self._last is not None:
            self._source = self._resume(self._last)
        self._subscription.disposable = self._source.subscribe(self)

    def on_next(self, value: T) -> None:
        """Forward an item."""
        self._last = value
        if self._reset_on_success:
            self._failures.reset()
        self._observer.on_next(value)

    def on_error(self, error: Exception) -> None:
        """Schedule a retry, or fail."""
        try:
            delay = self._failures.next_delay() if self._is_retried(error) else None
        except Exception as raised:
            self._observer.on_error(raised)
            return
        if delay is None:
            self._observer.on_error(error)
            return
        if isinstance(error, StreamRolledBack):
            self._rewind(error.resume_after)
        self._timer = self._clock.call_later(delay, self.begin)

    def _rewind(self, place: int | Position | None) -> None:
        """Continue after a place that is before the last item, or from the start of the source."""
        self._last = None
        can_resume = self._resume_at is not None and place is not None
        self._source = self._resume_at(place) if can_resume else self._original  # type: ignore[misc]

    def on_completed(self) -> None:
        """Complete."""
        self._observer.on_completed()

    def dispose(self) -> None:
        """Unsubscribe and cancel the retry."""
        self._subscription.dispose()
        if self._timer is not None:
            self._timer.dispose()

    def __repr__(self) -> str:
        return f"<Attempts at {self._original!r}, {self._failures.count} failed in a row>"
