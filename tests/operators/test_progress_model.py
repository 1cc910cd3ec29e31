"""Compare checkpoints of random pipelines with a simple model: all events up to the checkpoint are finished."""

from __future__ import annotations

import asyncio
from collections import Counter
from itertools import islice
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from reactivex import operators as rx

from rxpump import operators as ops
from rxpump.backpressure.background_tasks import BackgroundTasks
from rxpump.operators.machinery.stage import Operator
from rxpump.streams.source import PageSource
from tests.operators.events import events
from tests.operators.sources import settle
from tests.operators.stores import Store

EVENTS = events(12)
NAMES = ["drop some", "in order", "out of order", "by key", "gather"]


class Model:
    """Number of unfinished items of each event, counted by the functions that the operators call."""

    def __init__(self, outcomes: list[int]) -> None:
        self.alive: Counter[int] = Counter()
        self.arrived = 0
        self.waiting: list[asyncio.Future[None]] = []
        self._outcomes = outcomes
        self._asked = 0

    def outcome(self, choices: int) -> int:
        self._asked += 1
        return self._outcomes[self._asked % len(self._outcomes)] % choices

    def enter(self, event: Any) -> frozenset[int]:
        self.arrived += 1
        self.alive[event.number] += 1
        return frozenset((event.number,))

    def leave(self, item: frozenset[int]) -> None:
        self.alive.subtract(item)

    def is_wanted(self, item: frozenset[int]) -> bool:
        if self.outcome(3):
            return True
        self.leave(item)
        return False

    async def work(self, item: frozenset[int]) -> frozenset[int]:
        gate: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.waiting.append(gate)
        await gate
        return item

    def gather(self, items: list[frozenset[int]]) -> frozenset[int]:
        for item in items:
            self.leave(item)
        gathered = frozenset[int]().union(*items)
        self.alive.update(gathered)
        return gathered

    def operators(self, name: str) -> list[Operator[Any, Any]]:
        match name:
            case "drop some":
                return [rx.filter(self.is_wanted)]
            case "in order":
                return [ops.map_async(self.work, 3)]
            case "out of order":
                return [ops.flat_map_async(self.work, 3)]
            case "by key":
                return [ops.partition_by(lambda item: min(item) % 2, self.work, 2)]
            case _:
                return [ops.batch(2), rx.map(self.gather)]

    @property
    def finished(self) -> int:
        """Number of the last event that is finished with all events before it; -1 if there is none."""
        return next((number - 1 for number in range(self.arrived) if self.alive[number]), self.arrived - 1)


async def compare(names: list[str], outcomes: list[int], steps: list[int]) -> None:
    model, store, runtime = Model(outcomes), Store(), BackgroundTasks("test")
    pages: asyncio.Queue[list[Any] | None] = asyncio.Queue()

    async def read() -> Any:
        while (page := await pages.get()) is not None:
            yield page

    operators = [operator for name in names for operator in model.operators(name)]
    source: Any = PageSource(runtime, "events", read)
    entering: Operator[Any, Any] = rx.map(model.enter)
    ended = asyncio.Event()
    source.pipe(entering, *operators, ops.commit_checkpoint(store, every=1)).subscribe(model.leave, None, ended.set)
    numbers = iter(EVENTS)
    for step in steps:
        if step % 3 == 0:
            pages.put_nowait(list(islice(numbers, step % 4)))
        elif model.waiting:
            model.waiting.pop(step % len(model.waiting)).set_result(None)
        await settle()
        assert (store.saved[-1] if store.saved else -1) == model.finished
    pages.put_nowait(None)
    while not ended.is_set():
        await settle()
        while model.waiting:
            model.waiting.pop().set_result(None)
    assert not +model.alive
    assert (store.saved[-1] if store.saved else -1) == model.arrived - 1


@settings(deadline=None, max_examples=150)
@given(
    st.lists(st.sampled_from(NAMES), max_size=4),
    st.lists(st.integers(0, 11), min_size=1, max_size=20),
    st.lists(st.integers(0, 11), max_size=25),
)
def test_checkpoints_equal_those_of_the_model(names: list[str], outcomes: list[int], steps: list[int]) -> None:
    asyncio.run(compare(names, outcomes, steps))
