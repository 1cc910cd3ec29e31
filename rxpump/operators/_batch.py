"""`batch`: collect items into lists."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from typing import Any, TypeVar

from reactivex import Observable, abc

from rxpump.clock import Clock, check_scheduler, clock_of
from rxpump.errors import InvalidArgument
from rxpump.model import checks
from rxpump.operators.machinery.stage import Kept, Result, Stage, stage

T = TypeVar("T")


def batch(
    max_size: int,
    max_time: float | None = None,
    max_bytes: int | None = None,
    *,
    high: int | None = None,
    low: int | None = None,
    scheduler: abc.SchedulerBase | None = None,
) -> Callable[[Observable[T]], Observable[list[T]]]:
    """Collect items into lists of up to `max_size`, in order.

        ──a──b──c──d──────────e──|
               batch(3, max_time=5)
        ────────[abc]────[d]─────[e]|

        client.stream("rows").pipe(ops.json(), ops.batch(1000, max_time=0.5), ops.map_async(insert_many))

    No item is lost. The operator pauses the source while too many items are buffered.

    A consumer group sends at most `buffer_size` deliveries that are not acknowledged. So pass `max_time`, or a
    `max_size` up to that number; otherwise a batch that is acknowledged later is never full.

    Args:
        max_size: Number of items at which a batch is emitted.
        max_time: Seconds after its first item at which a batch is emitted even if it is not full. None: a batch is
            emitted when it is full or the source completes.
        max_bytes: Largest size of a batch, as bytes of data and metadata. An item that is larger makes a batch of
            its own. Items must be Events, NewEvents or bytes then. None: no limit.
        high: Number of unfinished items at which the source is paused. None: twice `max_size`.
        low: Number of unfinished items at which the source is resumed. None: half of `high`.
        scheduler: Scheduler of the timers, for example a virtual-time scheduler in a test. None: the one that
            `subscribe` is given, or else the event loop.

    Returns:
        An operator that emits a list for each batch. It fails with InvalidArgument if `max_bytes` is set and an
        item has no size.

    Raises:
        InvalidArgument: An argument is out of range.
    """
    max_size = checks.count("max_size", max_size)
    if max_time is not None:
        max_time = checks.seconds("max_time", max_time)
    if max_bytes is not None:
        max_bytes = checks.count("max_bytes", max_bytes)
    check_scheduler(scheduler)

    async def work(stage: Stage[T, list[T]]) -> AsyncGenerator[Result[list[T], T], None]:
        clock = clock_of(scheduler, stage.scheduler)
        async for first in stage:
            kept = [first]
            deadline = None if max_time is None else _Deadline(clock, max_time, stage.wake)
            try:
                await _fill(stage, kept, max_size, max_bytes, deadline)
            finally:
                if deadline is not None:
                    deadline.cancel()
            yield [each.item for each in kept], kept

    return stage("batch", work, at_once=max_size, high=2 * max_size if high is None else high, low=low)


class _Deadline:
    """The time at which a batch is emitted even if it is not full."""

    def __init__(self, clock: Clock, seconds: float, wake: Callable[[], None]) -> None:
        self.has_passed = False
        self._wake = wake
        self._timer = clock.call_later(seconds, self._pass)

    def cancel(self) -> None:
        self._timer.dispose()

    def _pass(self) -> None:
        self.has_passed = True
        self._wake()


async def _fill(
    stage: Stage[T, list[T]],
    kept: list[Kept[T]],
    max_size: int,
    max_bytes: int | None,
    deadline: _Deadline | None,
) -> None:
    """Append items until the batch is full, the next does not fit, or the source or the time has ended."""
    size = 0 if max_bytes is None else _size(kept[0].item)
    while len(kept) < max_size and (max_bytes is None or size < max_bytes):
        if stage.waiting:
            if max_bytes is not None:
                size += _size(stage.waiting[0].item)
                if size > max_bytes:
                    return
            kept.append(stage.waiting.popleft())
        elif stage.is_over or (deadline is not None and deadline.has_passed):
            return
        else:
            await stage.changed()


def _size(item: Any) -> int:
    if isinstance(item, (bytes, bytearray, memoryview)):
        return len(item)
    try:
        return len(item.data) + len(item.metadata)
    except (AttributeError, TypeError) as error:
        raise InvalidArgument("item", item, "an Event, a NewEvent or bytes, where max_bytes is given") from error
