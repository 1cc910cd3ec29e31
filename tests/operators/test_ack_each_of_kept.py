"""`ack_each` after operators of reactivex that keep deliveries does not acknowledge the kept ones."""

from __future__ import annotations

from typing import Any

import pytest
import reactivex
from reactivex import operators as rx

import rxpump.operators as ops
from tests.operators.group import Group, acked
from tests.operators.sources import Gates


def never(item: Any) -> bool:
    return False


async def test_deliveries_of_a_buffer_are_acknowledged_when_it_is_full(group: Group) -> None:
    connection = await group.run(rx.buffer_with_count(3), ops.ack_each())
    connection.give(0, 1)
    assert await acked(connection) == []
    connection.give(2, 3)
    assert await acked(connection) == [0, 1, 2]
    connection.give(4, 5)
    assert await acked(connection) == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    "keeping", [lambda: rx.buffer_with_count(3), lambda: rx.pairwise(), lambda: rx.to_list(), lambda: rx.take_last(2)]
)
async def test_deliveries_that_may_be_kept_are_not_acknowledged(group: Group, keeping: Any) -> None:
    connection = await group.run(keeping(), rx.filter(never), ops.ack_each())
    connection.give(0, 1, 2, 3, 4)
    assert await acked(connection) == []
    group.subscription.dispose()
    assert await acked(connection) == []
    assert connection.is_closed


async def test_async_work_on_a_buffer_delays_its_acknowledgements(group: Group) -> None:
    gates = Gates()
    connection = await group.run(rx.buffer_with_count(2), rx.map(len), ops.map_async(gates), ops.ack_each())
    connection.give(0, 1, 2)
    assert await acked(connection) == []
    await gates.open(2)
    assert await acked(connection) == [0, 1]


async def test_a_buffer_whose_callback_raises_is_not_acknowledged(group: Group) -> None:
    def refuse(item: Any) -> None:
        raise ValueError("no")

    errors: list[Exception] = []
    group.deliveries.pipe(rx.buffer_with_count(2), ops.ack_each()).subscribe(refuse, errors.append)
    connection = await group.connected()
    connection.give(0, 1, 2)
    assert await acked(connection) == []
    assert [str(error) for error in errors] == ["no"]
    assert connection.is_closed


async def test_kept_deliveries_are_acknowledged_at_completion(group: Group) -> None:
    """The exception is the delivery that was being delivered when the subscription ended."""
    connection = await group.run(rx.take(3), rx.pairwise(), rx.filter(never), ops.ack_each())
    connection.give(0, 1, 2, 3)
    assert await acked(connection) == [0, 1]
    assert group.seen.completed == 1


async def test_deliveries_that_a_shared_pipeline_drops_are_acknowledged(group: Group) -> None:
    merged = rx.flat_map(lambda delivery: reactivex.empty())
    connection = await group.run(rx.share(), merged, ops.retry_with_backoff(), ops.ack_each())
    connection.give(0, 1)
    assert await acked(connection) == [0, 1]
