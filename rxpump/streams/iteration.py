"""`async for` over an Observable."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from typing import TypeVar

import reactivex

from rxpump.flow import Brake

HIGH_MARK = 512
"""Values kept for the loop's body at which the source is held; it goes on at half of that."""

T = TypeVar("T")


async def iterate(source: reactivex.Observable[T]) -> AsyncGenerator[T, None]:
    """Subscribe, hand the values out one by one, and dispose on every way out.

    Values cross in bursts: the source fills the buffer up to its mark in one go, the body takes them without
    a switch between, so the cost per value is that of a queue's, not of a task's.
    """
    buffer: deque[T] = deque()
    brake = Brake("async for", high=HIGH_MARK)
    waiting: asyncio.Future[None] | None = None
    failure: Exception | None = None
    is_over = False

    def wake() -> None:
        if waiting is not None and not waiting.done():
            waiting.set_result(None)

    def on_next(value: T) -> None:
        brake.kept(len(buffer) + 1)
        buffer.append(value)
        wake()

    def on_error(error: Exception) -> None:
        nonlocal failure
        failure = error
        on_completed()

    def on_completed() -> None:
        nonlocal is_over
        is_over = True
        wake()

    subscription = source.subscribe(on_next, on_error, on_completed)
    try:
        while True:
            while buffer:
                value = buffer.popleft()
                brake.left(len(buffer))
                yield value
            if is_over:
                break
            waiting = asyncio.get_running_loop().create_future()
            await waiting
        if failure is not None:
            raise failure
    finally:
        brake.close()
        subscription.dispose()
