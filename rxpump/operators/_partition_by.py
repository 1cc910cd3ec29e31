"""`partition_by`: await calls in order within each key and concurrently across keys."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable
from typing import Generic, TypeVar

from rxpump.model import checks
from rxpump.operators.machinery.stage import Kept, Operator, Result, Stage, Work, stage

T = TypeVar("T")
R = TypeVar("R")


def partition_by(
    key: Callable[[T], Hashable],
    fn: Callable[[T], Awaitable[R]],
    max_concurrent: int,
    *,
    high: int | None = None,
    low: int | None = None,
) -> Operator[T, R]:
    """Await `fn(item)` for each item: one at a time and in order for each key, up to `max_concurrent` keys at once.

        ──a1────a2────b1───────────────|
          partition_by(letter, fn, 2)
        ───────fn(a1)──fn(b1)───fn(a2)──|

        client.stream("orders").pipe(
            ops.partition_by(lambda event: event.json()["customer"], update_balance, max_concurrent=16)
        )

    Results are emitted as they finish. The results of one key are in order. No item is lost.

    Args:
        key: Function that returns the key of an item.
        fn: Coroutine function of an item.
        max_concurrent: Number of calls that can run at once, at least 1.
        high: Number of unfinished items at which the source is paused. None: 64, or twice `max_concurrent` if that
            is more. If a slow key has that many unfinished items, the other keys wait for it.
        low: Number of unfinished items at which the source is resumed. None: half of `high`.

    Returns:
        An operator that emits the results. If `key` or `fn` raises, it fails at once with that error and cancels the
        other calls.

    Raises:
        InvalidArgument: `key` or `fn` is not callable, or a number is out of range.
    """
    checks.function("key", key)
    checks.function("fn", fn)
    max_concurrent = checks.count("max_concurrent", max_concurrent)
    work = keyed_work(key, fn, max_concurrent)
    return stage("partition_by", work, at_once=max_concurrent, high=high, low=low)


class _KeyedQueues(Generic[T]):
    """Items by key. The first item of each key is ready, and the others wait until it is done."""

    def __init__(self, key: Callable[[T], Hashable]) -> None:
        self.ready: deque[tuple[Hashable, Kept[T]]] = deque()
        self._key = key
        self._behind: dict[Hashable, deque[Kept[T]]] = {}

    def add(self, kept: Kept[T]) -> None:
        key = self._key(kept.item)
        if key in self._behind:
            self._behind[key].append(kept)
        else:
            self._behind[key] = deque()
            self.ready.append((key, kept))

    def done(self, key: Hashable) -> None:
        behind = self._behind[key]
        if behind:
            self.ready.append((key, behind.popleft()))
        else:
            del self._behind[key]


def keyed_work(key: Callable[[T], Hashable], fn: Callable[[T], Awaitable[R]], max_concurrent: int) -> Work[T, R]:
    """Return the work function of a stage that keeps only the order of items with the same key."""

    async def work(stage: Stage[T, R]) -> AsyncGenerator[Result[R, T], None]:
        by_key: _KeyedQueues[T] = _KeyedQueues(key)
        finished: deque[tuple[asyncio.Task[R], Hashable, Kept[T]]] = deque()
        under_way = 0

        def begin(key: Hashable, kept: Kept[T]) -> None:
            stage.start(fn, kept.item).add_done_callback(lambda task: finished.append((task, key, kept)))

        while True:
            while stage.waiting:
                by_key.add(stage.waiting.popleft())
            while by_key.ready and under_way < max_concurrent:
                begin(*by_key.ready.popleft())
                under_way += 1
            if finished:
                task, done, kept = finished.popleft()
                by_key.done(done)
                under_way -= 1
                yield task.result(), (kept,)
            elif under_way or not stage.is_over:
                await stage.changed()
            else:
                return

    return work
