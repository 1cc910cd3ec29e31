"""`rate_limit`: limit the number of items in a period."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator, Callable
from typing import TypeVar

from reactivex import Observable, abc

from rxpump.clock import check_scheduler, clock_of, sleep
from rxpump.model import checks
from rxpump.operators.machinery.stage import Result, Stage, stage

T = TypeVar("T")


def rate_limit(
    count: int,
    per: float = 1.0,
    *,
    high: int | None = None,
    low: int | None = None,
    scheduler: abc.SchedulerBase | None = None,
) -> Callable[[Observable[T]], Observable[T]]:
    """Deliver at most `count` items in any period of `per` seconds, each as soon as possible.

        ──a─b─c─d─e─f──────────|
           rate_limit(2, per=1)
        ──a─b─────c─d─────e─f──|

        client.iter("mails").pipe(ops.rate_limit(10, per=1.0), ops.map_async(send))

    No item is lost. To drop the items that arrive too fast, put `on_backpressure_drop` before this operator.

    Args:
        count: Number of items, at least 1.
        per: Length of the period in seconds, more than 0.
        high: Number of unfinished items at which the source is paused. None: 64.
        low: Number of unfinished items at which the source is resumed. None: half of `high`.
        scheduler: Scheduler of the timers, for example a virtual-time scheduler in a test. None: the one that
            `subscribe` is given, or else the event loop.

    Returns:
        An operator that delays items.

    Raises:
        InvalidArgument: A number is out of range.
    """
    count, per = checks.count("count", count), checks.seconds("per", per)
    check_scheduler(scheduler)

    async def work(stage: Stage[T, T]) -> AsyncGenerator[Result[T, T], None]:
        clock = clock_of(scheduler, stage.scheduler)
        delivered: deque[float] = deque(maxlen=count)
        async for kept in stage:
            await stage.until_resumed()  # Otherwise an item would be regarded as delivered before a pause ends.
            if len(delivered) == count and (delay := delivered[0] + per - clock.now()) > 0:
                await sleep(clock, delay)
                await stage.until_resumed()
            delivered.append(clock.now())
            yield kept.item, (kept,)

    return stage("rate_limit", work, high=high, low=low)
