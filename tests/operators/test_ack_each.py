"""`ack_each` acknowledges each delivery when it is finished, and not before."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import reactivex
from reactivex import Observable, abc
from reactivex import operators as rx
from reactivex.subject import Subject

import rxpump.operators as ops
from rxpump.errors import InvalidArgument
from rxpump.model.deliveries import Delivery
from rxpump.model.group_settings import NackAction
from rxpump.streams.observable import Piped
from tests.operators.events import events
from tests.operators.group import Group, acked
from tests.operators.sources import Feed, Gates, Seen, settle
from tests.operators.test_contract import Publishing, same
from tests.streams.fake_group import Consumer


def number(delivery: Delivery) -> int:
    return delivery.number


def is_even(delivery: Delivery) -> bool:
    return delivery.number % 2 == 0


async def test_deliveries_are_acknowledged_behind_plain_operators(group: Group) -> None:
    connection = await group.run(
        rx.filter(is_even), ops.json(), rx.flat_map(lambda n: reactivex.of(n, n)), ops.ack_each()
    )
    connection.give(*range(6))
    assert await acked(connection) == [0, 1, 2, 3, 4, 5]
    assert group.seen.items == [0, 0, 2, 2, 4, 4]


async def test_filtered_out_deliveries_are_acknowledged(group: Group) -> None:
    connection = await group.run(ops.of_type("Other"), ops.map_async(same), ops.ack_each())
    connection.give(0, 1, 2)
    assert await acked(connection) == [0, 1, 2]


async def test_finished_work_is_acknowledged_in_order_of_delivery(group: Group) -> None:
    gates = Gates()
    connection = await group.run(rx.map(number), ops.map_async(gates, max_concurrent=3), ops.ack_each())
    connection.give(0, 1, 2)
    await settle()
    await gates.open(1)
    assert await acked(connection) == []
    await gates.open(0)
    assert await acked(connection) == [0, 1]
    await gates.open(2)
    assert await acked(connection) == [0, 1, 2]


async def test_later_deliveries_wait_for_an_unfinished_one(group: Group) -> None:
    gates = Gates()
    connection = await group.run(rx.map(number), ops.flat_map_async(gates, max_concurrent=3), ops.ack_each())
    connection.give(0, 1, 2)
    await settle()
    await gates.open(2, 1)
    assert group.seen.items == [2, 1]
    assert await acked(connection) == []
    await gates.open(0)
    assert await acked(connection) == [0, 1, 2]


async def test_a_result_that_a_filter_drops_is_acknowledged(group: Group) -> None:
    gates = Gates()
    nothing = rx.filter(lambda _: False)
    connection = await group.run(rx.map(number), ops.map_async(gates), nothing, ops.ack_each())
    connection.give(0, 1)
    await settle()
    assert await acked(connection) == []
    await gates.open(0)
    assert await acked(connection) == [0]


async def test_items_in_any_stage_are_not_acknowledged(group: Group) -> None:
    first, second = Gates(), Gates()
    connection = await group.run(
        rx.map(number),
        ops.flat_map_async(first, max_concurrent=3),
        ops.flat_map_async(second, max_concurrent=3),
        ops.ack_each(),
    )
    connection.give(0, 1, 2)
    await settle()
    await first.open(2)  # The deliveries before it are not finished.
    await first.open(0, 1)
    await second.open(1)
    assert await acked(connection) == []
    await second.open(0)
    assert await acked(connection) == [0, 1]
    await second.open(2)
    assert await acked(connection) == [0, 1, 2]


async def test_a_delivery_is_acknowledged_when_all_its_batches_are(group: Group) -> None:
    connection = await group.run(rx.flat_map(lambda d: reactivex.of(d, d, d)), ops.batch(2), ops.ack_each())
    connection.give(0, 1)
    assert await acked(connection) == [0, 1]
    connection.give(2)
    assert await acked(connection) == [0, 1], "a third of it waits for the next batch"


async def test_deliveries_are_acknowledged_behind_publish_to(group: Group) -> None:
    connection = await group.run(ops.publish_to(Publishing(), "out"), ops.ack_each())
    connection.give(0, 1)
    assert await acked(connection) == [0, 1]


async def test_items_kept_by_later_operators_are_acknowledged(group: Group) -> None:
    gates = Gates()
    connection = await group.run(rx.map(number), ops.ack_each(), ops.map_async(gates))
    connection.give(0, 1)
    assert await acked(connection) == [0, 1]
    await gates.open(0)


async def test_a_nacked_delivery_is_not_acknowledged(group: Group) -> None:
    def park_odd(delivery: Delivery) -> None:
        if delivery.number % 2:
            delivery.nack(NackAction.PARK, "odd")

    connection = await group.run(rx.do_action(park_odd), ops.ack_each())
    connection.give(0, 1, 2)
    assert await acked(connection) == [0, 2]
    assert ("parked", 1, "odd") in connection.settlements


async def test_deliveries_of_a_lost_connection_are_not_acknowledged(group: Group) -> None:
    gates = Gates()
    connection = await group.run(rx.map(number), ops.map_async(gates, max_concurrent=4), ops.ack_each())
    connection.give(0, 1)
    await settle()
    connection.end()
    again = await group.connected(2)
    again.give(5, 6)
    await settle()
    await gates.open(0, 1, 5, 6)
    assert await acked(again) == [5, 6]
    assert group.seen.errors == []


# Ends -------------------------------------------------------------------------------------------------


async def test_a_drain_acknowledges_finished_work_before_unsubscribing(group: Group) -> None:
    gates = Gates()
    connection = await group.run(rx.map(number), ops.map_async(gates, max_concurrent=2), ops.ack_each())
    connection.give(0, 1, 2)
    await settle()
    draining = asyncio.ensure_future(group.runtime.drain())
    await settle()
    await gates.open(0, 1, 2)
    await draining
    assert connection.settlements == [0, 1, 2]
    assert connection.is_closed
    assert group.seen.completed == 1


async def test_failed_and_later_deliveries_are_not_acknowledged(group: Group) -> None:
    gates = Gates()
    connection = await group.run(rx.map(number), ops.map_async(gates, max_concurrent=3), ops.ack_each())
    connection.give(0, 1, 2, 3)
    await settle()
    await gates.open(0, 2)
    await gates.fail(1, ValueError("no"))
    await group.seen.until_ended()
    assert await acked(connection) == [0]
    assert connection.is_closed


@pytest.mark.parametrize("where", ["above", "below", "in the subscriber"])
async def test_a_delivery_whose_callback_raises_is_not_acknowledged(group: Group, where: str) -> None:
    def refuse_two(item: Any) -> Any:
        if item == 2:
            raise ValueError("no")
        return item

    refuse = rx.map(refuse_two)
    errors: list[Exception] = []
    operators = {
        "above": (refuse, ops.ack_each()),
        "below": (ops.ack_each(), refuse),
        "in the subscriber": (ops.ack_each(),),
    }[where]
    pipeline = group.deliveries.pipe(rx.map(number), *operators)
    pipeline.subscribe(refuse_two if where == "in the subscriber" else None, errors.append)
    connection = await group.connected()
    connection.give(0, 1, 2, 3)
    assert await acked(connection) == [0, 1]
    assert [str(error) for error in errors] == ["no"]
    assert connection.is_closed


@pytest.mark.parametrize("where", ["above the work", "below the work", "below"])
async def test_take_acknowledges_the_deliveries_that_it_takes(group: Group, where: str) -> None:
    gates, take = Gates(), rx.take(2)
    work = ops.map_async(gates, max_concurrent=4)
    operators = {
        "above the work": (take, work, ops.ack_each()),
        "below the work": (work, take, ops.ack_each()),
        "below": (work, ops.ack_each(), take),
    }[where]
    connection = await group.run(rx.map(number), *operators)
    connection.give(0, 1, 2, 3)
    await settle()
    await gates.open(0)
    assert not connection.is_closed
    await gates.open(1)
    await group.seen.until_ended()
    assert group.seen.items == [0, 1]
    assert await acked(connection) == [0, 1]
    assert connection.is_closed


async def test_take_without_async_work_acknowledges_too(group: Group) -> None:
    connection = await group.run(ops.ack_each(), rx.take(2))
    connection.give(0, 1, 2, 3)
    await group.seen.until_ended()
    assert await acked(connection) == [0, 1]
    assert connection.is_closed


def in_except_block(source: Observable[Any]) -> Observable[Any]:
    """Deliver each item in an `except` block."""

    def subscribe(observer: abc.ObserverBase[Any], _: abc.SchedulerBase | None = None) -> abc.DisposableBase:
        def on_next(value: Any) -> None:
            try:
                raise LookupError
            except LookupError:
                observer.on_next(value)

        return source.subscribe(on_next, observer.on_error, observer.on_completed)

    return Observable(subscribe)


async def test_take_acknowledges_what_an_except_block_delivers(group: Group) -> None:
    connection = await group.run(in_except_block, ops.ack_each(), rx.take(2))
    connection.give(0, 1, 2, 3)
    await group.seen.until_ended()
    assert await acked(connection) == [0, 1]


async def test_the_delivery_that_ends_take_while_is_not_acknowledged(group: Group) -> None:
    connection = await group.run(rx.take_while(lambda delivery: delivery.number < 2), ops.ack_each())
    connection.give(0, 1, 2, 3)
    await group.seen.until_ended()
    assert await acked(connection) == [0, 1]


async def test_dispose_acknowledges_finished_deliveries(group: Group) -> None:
    gates = Gates()
    connection = await group.run(rx.map(number), ops.map_async(gates, max_concurrent=2), ops.ack_each())
    connection.give(0, 1)
    await settle()
    await gates.open(0)
    group.subscription.dispose()
    assert await acked(connection) == [0]
    assert connection.is_closed


async def test_a_retry_acknowledges_on_its_new_connection(group: Group) -> None:
    gates = Gates()
    connection = await group.run(rx.map(number), ops.map_async(gates, max_concurrent=2), rx.retry(2), ops.ack_each())
    connection.give(0, 1)
    await settle()
    await gates.open(0)
    await gates.fail(1, ValueError("once"))
    again = await group.connected(2)
    again.give(1, 2)
    await settle()
    await gates.open(1, 2)
    assert await acked(connection) == [0]
    assert await acked(again) == [1, 2]
    assert connection.is_closed


async def test_retry_with_backoff_acknowledges_on_its_new_connection(group: Group) -> None:
    failures = [ValueError("once")]

    def fail_once(item: int) -> int:
        if failures:
            raise failures.pop()
        return item

    connection = await group.run(
        rx.map(number),
        ops.map_async(same),
        rx.map(fail_once),
        ops.retry_with_backoff(min_delay=0.001, retry_on=lambda _: True),
        ops.ack_each(),
    )
    connection.give(0, 1)
    again = await group.connected(2)
    again.give(0, 1)
    assert await acked(again) == [0, 1]
    assert connection.acked == [], (
        "a delivery that failed is not finished, even if the error does not reach the operator"
    )
    await group.runtime.drain()


# Untraceable deliveries -------------------------------------------------------------------------------


async def refused(group: Group, pipeline: Any) -> None:
    group.seen.of(pipeline)
    await group.seen.until_ended()
    (error,) = group.seen.errors
    assert isinstance(error, InvalidArgument)
    assert error.argument == "source of ack_each"


async def test_a_source_of_events_is_refused(group: Group) -> None:
    feed = Feed()
    refusal = asyncio.ensure_future(refused(group, feed.pipe(ops.ack_each())))
    await settle()
    feed.on_next(events(1)[0])
    await refusal


async def test_a_source_of_reactivex_is_refused(group: Group) -> None:
    await refused(group, reactivex.of(1, 2).pipe(ops.ack_each()))


async def test_a_delayed_delivery_is_refused(group: Group) -> None:
    group.gives = [0, 1]
    await refused(group, group.deliveries.pipe(rx.delay(0.001), ops.ack_each()))


async def test_only_one_ack_each_below_share_is_accepted(group: Group) -> None:
    shared = group.deliveries.pipe(rx.share())
    gates, other, second = Gates(), Seen(), Seen()
    other.of(shared.pipe(ops.map_async(gates)))
    connection = await group.connected()
    group.seen.of(shared.pipe(ops.ack_each()))
    second.of(shared.pipe(ops.ack_each()))
    connection.give(0)
    await settle()
    assert [error.argument for error in second.errors if isinstance(error, InvalidArgument)] == ["source of ack_each"]
    assert await acked(connection) == [], "the other branch is not done with it"
    await gates.open(*gates.waiting)
    assert await acked(connection) == [0]
    assert group.seen.errors == other.errors == []


async def test_deliveries_through_a_subject_are_acknowledged(group: Group) -> None:
    subject: Subject[Any] = Subject()
    group.seen.of(subject.pipe(ops.ack_each()))
    group.deliveries.subscribe(subject)
    connection = await group.connected()
    connection.give(0, 1)
    assert await acked(connection) == [0, 1]


async def test_merged_groups_are_acknowledged_on_their_connections(group: Group) -> None:
    group.seen.of(reactivex.merge(group.deliveries, group.consume()).pipe(rx.filter(is_even), ops.ack_each()))
    await group.connected(2)
    for numbers, connection in zip(((0, 1), (2, 3)), group.connections, strict=True):
        connection.give(*numbers)
        assert await acked(connection) == list(numbers)


async def test_a_group_consumed_inside_async_work_is_separate(group: Group) -> None:
    inner: list[int] = []

    async def work(delivery: Delivery) -> int:
        async for other in group.consume(buffer_size=5).pipe(ops.map_async(same), rx.map(lambda _: 7)):
            inner.append(other)
            break
        return delivery.number

    group.gives = [0]
    connection = await group.run(ops.map_async(work), ops.ack_each())
    await group.connected(2)
    assert await acked(connection) == [0]
    assert inner == [7]
    assert group.connections[1].acked == []


async def test_ack_each_above_share_acknowledges_once(group: Group) -> None:
    shared = Piped(group.deliveries.pipe(ops.ack_each(), rx.share()))
    first, second = Consumer(), Consumer()
    for consumer in (first, second):
        consumer.of(shared)
    connection = await group.connected()
    connection.give(0, 1)
    assert await acked(connection) == [0, 1]
    assert first.numbers == second.numbers == [0, 1]
