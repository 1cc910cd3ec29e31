"""Random pipelines that end at a random moment leave no pause, task or timer behind."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any

import pytest
import reactivex
from reactivex import operators as rx

from rxpump import operators as ops
from rxpump.backpressure.background_tasks import BackgroundTasks
from rxpump.backpressure.watermarks import Watermarks
from rxpump.errors import ClientClosed
from tests.fakes import BufferingObserver, Pages, numbers
from tests.operators.sources import settle


async def process_slowly(item: Any) -> Any:
    for _ in range(hash(item) % 5 if isinstance(item, int) else 2):
        await asyncio.sleep(0)
    return item


async def fail_at_last(item: Any) -> Any:
    await asyncio.sleep(0)
    if item == 300:
        raise LookupError("the work failed")
    return item


STAGES: list[Callable[[], Any]] = [
    lambda: rx.map(lambda item: item),
    lambda: rx.filter(lambda item: True),
    lambda: rx.flat_map(lambda item: reactivex.from_iterable([item, item])),
    lambda: rx.share(),
    lambda: ops.map_async(process_slowly, 1, high=8),
    lambda: ops.map_async(process_slowly, 4, high=8),
    lambda: ops.flat_map_async(process_slowly, 3, high=8),
    lambda: ops.partition_by(lambda item: hash(str(item)) % 3, process_slowly, 2, high=8),
    lambda: ops.exhaust_map_async(process_slowly),
    lambda: ops.on_backpressure_drop(),
    lambda: ops.on_backpressure_latest(),
    lambda: ops.on_backpressure_buffer(10, ops.OverflowStrategy.DROP_OLDEST),
    lambda: ops.map_async(fail_at_last, 2, high=8),
    lambda: ops.rate_limit(1_000_000),
    lambda: reactivex.compose(ops.batch(3, max_time=1000), rx.flat_map(reactivex.from_iterable)),
    lambda: ops.retry_with_backoff(2, retry_on=lambda error: True),
]


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Watermarks]:
    """All Watermarks that are created during the test."""
    made: list[Watermarks] = []
    init = Watermarks.__init__

    def note(self: Watermarks, *args: Any, **options: Any) -> None:
        init(self, *args, **options)
        made.append(self)

    monkeypatch.setattr(Watermarks, "__init__", note)
    return made


@pytest.mark.parametrize("seed", range(150))
async def test_random_pipelines_leave_no_pause_or_task(seed: int, made: list[Watermarks]) -> None:
    rng = random.Random(seed)
    runtime = BackgroundTasks("test")
    failure = LookupError("the source failed") if rng.random() < 0.3 else None
    pages = Pages(numbers(rng.choice([1, 5, 100]), 10), failure)
    sink = BufferingObserver(high=rng.choice([1, 5, 50]))
    ends: list[str] = []

    pipeline = pages.source(runtime).pipe(*(rng.choice(STAGES)() for _ in range(rng.randint(1, 5))))
    running = pipeline.subscribe(
        sink.on_next, lambda error: ends.append(type(error).__name__), lambda: ends.append("completed")
    )
    for _ in range(rng.randint(0, 40)):
        await settle(rng.randint(0, 5))
        sink.take(rng.randint(0, 10))
    if rng.random() < 0.5:
        running.dispose()
    else:
        await runtime.stop()
    sink.take(len(sink.items))
    sink.watermarks.close()
    kept = len(sink.items)
    await settle(100)
    assert len(ends) <= 1
    assert set(ends) <= {"completed", "LookupError", ClientClosed.__name__}
    assert len(sink.items) == kept, "nothing is delivered after the end"
    assert sink.watermarks in made
    assert all(not watermarks._paused for watermarks in made)
    assert not runtime.tasks
    assert pages.opened == pages.closed
    running.dispose()
