"""In random pipelines that end at any moment, no checkpoint is later than an unfinished event."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import reactivex
from reactivex import operators as rx

from rxpump import operators as ops
from rxpump.backpressure.background_tasks import BackgroundTasks
from rxpump.checkpoints import Checkpoint
from rxpump.operators.machinery.stage import Operator
from tests.fakes import BufferingObserver, Pages
from tests.operators.events import events
from tests.operators.sources import settle

EVENTS = events(60)


class Work:
    """Counts the unfinished items of each event. The functions of the pipeline report each change."""

    def __init__(self, chance: random.Random) -> None:
        self.under_way: Counter[int] = Counter()
        self.chance = chance

    def begun(self, number: int) -> int:
        self.under_way[number] += 1
        return number

    def ended(self, number: int) -> None:
        self.under_way[number] -= 1

    def split(self, number: int) -> reactivex.Observable[int]:
        parts = [self.begun(number) for _ in range(self.chance.randrange(4))]
        self.ended(number)
        return reactivex.from_iterable(parts)

    def filter_items(self, number: int) -> bool:
        if self.chance.random() < 0.7:
            return True
        self.ended(number)
        return False

    async def process_slowly(self, number: int) -> int:
        for _ in range(self.chance.randrange(6)):
            await asyncio.sleep(0)
        return number

    def operators(self) -> list[Callable[[], Operator[Any, Any]]]:
        return [
            *self.operators_that_keep_nothing(),
            lambda: rx.flat_map(self.split),
            lambda: reactivex.compose(ops.batch(3), rx.flat_map(reactivex.from_iterable)),
        ]

    def operators_that_keep_nothing(self) -> list[Callable[[], Operator[Any, Any]]]:
        """Return operators that keep no items without the knowledge of the tracker."""
        return [
            lambda: rx.filter(self.filter_items),
            lambda: ops.map_async(self.process_slowly, high=6),
            lambda: ops.map_async(self.process_slowly, 4, high=6),
            lambda: ops.flat_map_async(self.process_slowly, 3, high=6),
            lambda: ops.partition_by(lambda number: self.chance.randrange(3), self.process_slowly, 2, high=6),
            lambda: ops.on_backpressure_drop(self.ended),
            lambda: ops.on_backpressure_buffer(3, ops.OverflowStrategy.DROP_OLDEST, on_dropped=self.ended),
            lambda: ops.exhaust_map_async(self.process_slowly, on_dropped=self.ended),
        ]


class Store:
    """A store that checks at each save that all events up to the checkpoint are finished."""

    def __init__(self, work: Work) -> None:
        self.saved: list[int] = []
        self._work = work

    async def load(self) -> Checkpoint | None:
        return None

    async def save(self, checkpoint: Checkpoint) -> None:
        assert not self.saved or checkpoint.number > self.saved[-1], "it only goes forward"
        unfinished = [
            number for number, count in self._work.under_way.items() if count and number <= checkpoint.number
        ]
        assert unfinished == [], f"{checkpoint.number} is saved"
        self.saved.append(checkpoint.number)


async def run(chance: random.Random, work: Work, made: list[Operator[Any, Any]]) -> list[int] | None:
    """Run a pipeline for a random time. Return the saved numbers if it completed, otherwise None."""
    store, sink = Store(work), BufferingObserver(high=chance.choice([1, 5, 50]))
    errors: list[Exception] = []
    size = chance.choice([1, 7, 60])
    pages = Pages([EVENTS[start : start + size] for start in range(0, len(EVENTS), size)])
    ended = asyncio.Event()

    def deliver(number: int) -> None:
        work.ended(number)
        sink.on_next(number)

    begun: list[Operator[Any, Any]] = [rx.map(lambda event: work.begun(event.number))]
    committed: list[Operator[Any, Any]] = [ops.commit_checkpoint(store, every=1)]
    running = (
        pages.source(BackgroundTasks("test"))
        .pipe(*begun, *made, *committed)
        .subscribe(deliver, errors.append, ended.set)
    )
    turns = chance.choice([10, 1000])
    while turns and not ended.is_set():
        turns -= 1
        await settle(chance.randrange(4))
        sink.take(chance.randrange(5))
    running.dispose()
    sink.watermarks.close()
    await settle()
    assert errors == []
    if ended.is_set():
        assert not +work.under_way
        return store.saved
    return None


@pytest.mark.parametrize("seed", range(200))
async def test_every_saved_event_is_finished(seed: int) -> None:
    chance = random.Random(seed)
    work = Work(chance)
    await run(chance, work, [chance.choice(work.operators())() for _ in range(chance.randint(1, 6))])


@pytest.mark.parametrize("seed", range(200))
async def test_the_last_event_is_saved_even_if_events_are_dropped(seed: int) -> None:
    chance = random.Random(seed)
    work = Work(chance)
    saved = await run(
        chance, work, [chance.choice(work.operators_that_keep_nothing())() for _ in range(chance.randint(1, 6))]
    )
    assert saved is None or saved[-1] == len(EVENTS) - 1
