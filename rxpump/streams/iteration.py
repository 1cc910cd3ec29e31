"""`async for` over an Observable."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import TypeVar

import reactivex

from rxpump.flow import Brake

HIGH_MARK = 512
"""Values kept for the loop's body at which the source is held; it goes on at half of that."""

T = TypeVar("T")


async def iterate(source: reactivex.Observable[T]) -> AsyncGenerator[T, None]:
    """Subscribe, hand the values out one by one, and dispose on every way out.

    Values cross in bursts: the source fills the buffer up to its mark in one go, and the body is handed all of it
    with no switch between and nothing to be told, so a value costs what a list's does. A burst counts as kept until
    its last value has been taken.
    """
    buffer: list[T] = []
    in_hand = 0
    brake = Brake("async for", high=HIGH_MARK)
    waiting: asyncio.Future[None] | None = None
    failure: Exception | None = None
    is_over = False

    def wake() -> None:
        nonlocal waiting
        if waiting is not None:
            if not waiting.done():
                waiting.set_result(None)
            waiting = None

    def on_next(value: T) -> None:
        brake.kept(in_hand + len(buffer) + 1)
        buffer.append(value)
        if waiting is not None:
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
                burst, buffer = buffer, []
                in_hand = len(burst)
                for value in burst:
                    yield value
                in_hand = 0
                brake.left(len(buffer))
            if is_over:
                break
            waiting = asyncio.get_running_loop().create_future()
            await waiting
        if failure is not None:
            raise failure
    finally:
        brake.close()
        subscription.dispose()
