"""`rate_limit`: no more than so many items in any stretch of time."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from typing import TypeVar

from asyncio_throttle.throttler import Throttler
from reactivex import Observable

from rxpump.model import checks
from rxpump.operators.machinery.stage import Result, Stage, stage

T = TypeVar("T")


def rate_limit(
    count: int, per: float = 1.0, *, high: int | None = None, low: int | None = None
) -> Callable[[Observable[T]], Observable[T]]:
    """Deliver at most `count` items in any `per` seconds, each as soon as that allows.

        ──abcdef───────────────|
            rate_limit(2, per=1)
        ──ab────────cd────────ef|

        client.iter("mails").pipe(ops.rate_limit(10, per=1.0), ops.map_async(send))

    Lossless: at `high` waiting items (64) the source is held, at `low` (half of it) it goes on. To drop what comes
    too fast, put `on_backpressure_drop` before it.
    """
    count, per = checks.count("count", count), checks.seconds("per", per)

    async def work(stage: Stage[T, T]) -> AsyncGenerator[Result[T, T], None]:
        throttler = Throttler(count, per)
        async for kept in stage:
            await stage.until_resumed()  # a time that is taken and not used would let too many follow it
            await throttler.acquire()  # type: ignore[no-untyped-call]
            yield kept.item, (kept,)

    return stage("rate_limit", work, high=high, low=low)
