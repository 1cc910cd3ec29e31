"""`batch`: several items as one list."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Any, TypeVar

from reactivex import Observable

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
) -> Callable[[Observable[T]], Observable[list[T]]]:
    """Gather items into lists of up to `max_size`, in order.

        ──a──b──c──d──────────e──|
               batch(3, max_time=5)
        ────────[abc]────[d]─────[e]|

        client.stream("rows").pipe(ops.json(), ops.batch(1000, max_time=0.5), ops.map_async(insert_many))

    max_time:   seconds after which a batch goes as it is, from when its first item was taken up. None: a batch
                waits until it is full, or the source completes.
    max_bytes:  a batch stays within as many bytes of data and metadata; one item that is larger is a batch of its
                own. Items are Events, NewEvents or bytes then.

    Lossless: at `high` items that wait (two batches) the source is held, at `low` (half of it) it goes on.

    Errors: InvalidArgument for an item without a size, where `max_bytes` is given.
    """
    max_size = checks.count("max_size", max_size)
    if max_time is not None:
        max_time = checks.seconds("max_time", max_time)
    if max_bytes is not None:
        max_bytes = checks.count("max_bytes", max_bytes)

    async def work(stage: Stage[T, list[T]]) -> AsyncGenerator[Result[list[T], T], None]:
        async for first in stage:
            kept = [first]
            try:
                async with asyncio.timeout(max_time):
                    await _fill(stage, kept, max_size, max_bytes)
            except TimeoutError:
                pass
            yield [each.item for each in kept], kept

    return stage("batch", work, at_once=max_size, high=2 * max_size if high is None else high, low=low)


async def _fill(stage: Stage[T, list[T]], kept: list[Kept[T]], max_size: int, max_bytes: int | None) -> None:
    """Take items up until the batch is full, the next one does not fit, or the source is over."""
    size = 0 if max_bytes is None else _size(kept[0].item)
    while len(kept) < max_size and (max_bytes is None or size < max_bytes):
        if stage.waiting:
            if max_bytes is not None:
                size += _size(stage.waiting[0].item)
                if size > max_bytes:
                    return
            kept.append(stage.waiting.popleft())
        elif stage.is_over:
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
