"""`ack_each` in random pipelines acknowledges every delivery, and none before its work is finished."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any

import pytest
import reactivex
from reactivex import operators as rx

import rxpump.operators as ops
from rxpump.model.deliveries import Delivery
from tests.operators.group import Group
from tests.operators.sources import settle
from tests.streams.fake_group import FakeConnection, passed

Item = frozenset[int]
"""Numbers of the deliveries from which an item was made."""

DELIVERIES = 40


class Items:
    """The items of a random pipeline.

    Attributes:
        alive: Number of unfinished items that were made of each delivery, by its number.
    """

    def __init__(self, chance: random.Random) -> None:
        self.alive: dict[int, int] = {}
        self._chance = chance

    def keep(self, item: Item, times: int = 1) -> None:
        for number in item:
            self.alive[number] = self.alive.get(number, 0) + times

    def drop(self, item: Item) -> None:
        self.keep(item, -1)

    def of(self, delivery: Delivery) -> Item:
        item = frozenset((delivery.number,))
        self.keep(item)
        return item

    async def work(self, item: Item) -> Item:
        for _ in range(self._chance.randrange(4)):
            await asyncio.sleep(0)
        return item

    def is_wanted(self, item: Item) -> bool:
        if self._chance.random() < 0.4:
            self.drop(item)
            return False
        return True

    def copies(self, item: Item) -> Any:
        count = self._chance.randrange(3)
        self.keep(item, count - 1)
        return reactivex.from_iterable([item] * count)

    def merged(self, items: list[Item]) -> Item:
        merged: Item = frozenset().union(*items)
        self.keep(merged)
        for item in items:
            self.drop(item)
        return merged

    def operators(self) -> list[Any]:
        """Return one to four random operators over items."""
        chance = self._chance
        steps: list[Callable[[], list[Any]]] = [
            lambda: [rx.filter(self.is_wanted)],
            lambda: [rx.flat_map(self.copies)],
            lambda: [ops.map_async(self.work, max_concurrent=chance.randrange(1, 4))],
            lambda: [ops.flat_map_async(self.work, max_concurrent=chance.randrange(2, 5))],
            lambda: [ops.partition_by(lambda item: min(item) % 3, self.work, 2)],
            lambda: [ops.batch(chance.randrange(1, 4), max_time=0.001), rx.map(self.merged)],
        ]
        return [step for _ in range(chance.randrange(1, 5)) for step in chance.choice(steps)()]


def early_acknowledgements(connection: FakeConnection, items: Items) -> list[int]:
    """Return a list to which deliveries are added that are acknowledged while an item of them is unfinished."""
    early: list[int] = []
    acknowledge = connection.ack

    def ack(events: Any) -> None:
        early.extend(event.number for event in events if items.alive.get(event.number))
        acknowledge(events)

    connection.ack = ack  # type: ignore[method-assign]
    return early


@pytest.mark.parametrize("seed", range(60))
async def test_random_pipelines_acknowledge_everything_and_never_early(group: Group, seed: int) -> None:
    chance = random.Random(seed)
    items = Items(chance)
    connection = await group.run(rx.map(items.of), *items.operators(), ops.ack_each(), rx.do_action(items.drop))
    early = early_acknowledgements(connection, items)
    numbers = iter(range(DELIVERIES))
    for count in (1, 7, 2, 20, 10):
        connection.give(*(next(numbers) for _ in range(count)))
        await settle(chance.randrange(10))
    while len(connection.acked) < DELIVERIES:
        await passed()
        assert early == []
    assert connection.acked == list(range(DELIVERIES))
    assert not any(items.alive.values())
    assert group.seen.errors == []
