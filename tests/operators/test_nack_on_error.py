"""`nack_on_error` refuses a delivery that failed, and does not affect other deliveries."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest
import reactivex
from reactivex import operators as rx

import rxpump.operators as ops
from rxpump.errors import InvalidArgument, NotJson
from rxpump.model.group_settings import NackAction
from tests.operators.deliveries import FakeAcknowledger, delivered
from tests.operators.events import event, events
from tests.operators.sources import Feed, Gates, Seen, settle

PARK, RETRY, SKIP, STOP = NackAction.PARK, NackAction.RETRY, NackAction.SKIP, NackAction.STOP


class Work:
    """A pipeline over deliveries that the test passes in."""

    def __init__(self, *operators: Any) -> None:
        self.acknowledger, self.feed, self.seen = FakeAcknowledger(), Feed(), Seen()
        self.seen.of(self.feed.pipe(delivered(self.acknowledger), *operators))

    async def give(self, *given: Any) -> None:
        for each in given:
            self.feed.on_next(each)
        await settle(60)

    async def end(self) -> None:
        self.feed.on_completed()
        await self.seen.until_ended()


def number(item: Any) -> int:
    return int(item.number)


def failing(*numbers: int, error: Callable[[int], Exception] = lambda n: ValueError(f"no {n}")) -> Any:
    async def work(item: Any) -> int:
        if item.number in numbers:
            raise error(item.number)
        return int(item.number)

    return ops.map_async(work)


async def test_a_failed_delivery_is_nacked_and_later_ones_go_on(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "rxpump.persistent")
    work = Work(ops.nack_on_error(PARK, failing(1)), ops.ack_each())
    await work.give(*events(4))
    await work.end()
    assert work.seen.items == [0, 2, 3]
    assert (PARK, 1, "ValueError: no 1") in work.acknowledger.sent
    assert [each for each in work.acknowledger.sent if isinstance(each, int)] == [0, 2, 3]
    assert (work.seen.errors, work.seen.completed) == ([], 1)
    (record,) = caplog.records
    assert record.getMessage().endswith("retry 0, parked> failed: ValueError: no 1")


async def test_a_failure_of_any_operator_affects_one_delivery() -> None:
    work = Work(ops.nack_on_error(SKIP, ops.json(), rx.map(lambda data: data["n"]), ops.map_async(asyncio.sleep)))
    await work.give(
        event(data={"n": 0}), event(data=b"\xff", number=1), event(data={}, number=2), event(data={"n": 0})
    )
    assert len(work.seen.items) == 2
    assert [(action, number) for action, number, _ in work.acknowledger.sent] == [(SKIP, 1), (SKIP, 2)]
    await work.end()


async def test_a_function_chooses_the_action_by_the_error() -> None:
    actions = {0: PARK, 1: RETRY, 2: SKIP}
    errors: list[Exception] = []

    def decide(error: Exception) -> NackAction:
        errors.append(error)
        return actions[int(str(error))]

    work = Work(ops.nack_on_error(decide, failing(0, 1, 2, error=lambda n: LookupError(str(n)))))
    await work.give(*events(4))
    assert [(action, number) for action, number, _ in work.acknowledger.sent] == [(PARK, 0), (RETRY, 1), (SKIP, 2)]
    assert [type(error) for error in errors] == [LookupError] * 3
    assert work.seen.items == [3]
    await work.end()


async def test_stop_fails_and_leaves_the_delivery_unsettled() -> None:
    work = Work(ops.nack_on_error(STOP, failing(2)), ops.ack_each())
    await work.give(*events(4))
    await work.seen.until_ended()
    assert [str(error) for error in work.seen.errors] == ["no 2"]
    assert work.seen.items == [0, 1]
    assert work.acknowledger.sent == [0, 1]


async def test_concurrent_deliveries_keep_their_order() -> None:
    gates = Gates()
    work = Work(ops.nack_on_error(PARK, rx.map(number), ops.map_async(gates), max_concurrent=3), ops.ack_each())
    await work.give(*events(4))
    assert gates.waiting == [0, 1, 2]
    await gates.open(2)
    await gates.fail(1, ValueError("no"))
    await gates.open(0)
    await settle()
    assert work.seen.items == [0, 2]
    await gates.open(3)
    await work.end()
    assert work.seen.items == [0, 2, 3]


async def test_items_before_the_failure_of_a_delivery_are_not_emitted() -> None:
    def numbers_up_to(item: Any) -> Any:
        good = reactivex.from_iterable(range(3))
        return reactivex.concat(good, reactivex.throw(ValueError("late"))) if item.number == 1 else good

    work = Work(ops.nack_on_error(PARK, rx.flat_map(numbers_up_to)))
    await work.give(*events(3))
    assert work.seen.items == [0, 1, 2, 0, 1, 2]
    await work.end()


async def test_deliveries_that_are_filtered_out_are_acknowledged() -> None:
    work = Work(ops.nack_on_error(PARK, ops.of_type("Other")), ops.ack_each())
    await work.give(*events(2))
    assert work.acknowledger.sent == [0, 1]
    assert work.seen.items == []
    await work.end()


async def test_operators_have_separate_state_for_each_delivery() -> None:
    work = Work(ops.nack_on_error(PARK, rx.scan(lambda total, _: total + 1, 0)))
    await work.give(*events(3))
    assert work.seen.items == [1, 1, 1]
    await work.end()


async def test_a_local_retry_comes_before_the_nack() -> None:
    attempts = 0

    async def fail_at_first(item: Any) -> int:
        nonlocal attempts
        attempts += 1
        if attempts < 3:
            raise ConnectionError("again")
        return int(item.number)

    again = ops.retry_with_backoff(5, min_delay=0.001, retry_on=lambda error: isinstance(error, ConnectionError))
    work = Work(ops.nack_on_error(PARK, ops.map_async(fail_at_first), again))
    await work.give(*events(1))
    while not work.seen.items:
        await asyncio.sleep(0)
    await work.end()
    assert (work.seen.items, work.acknowledger.sent) == ([0], [])


async def test_an_expired_delivery_is_not_nacked(caplog: pytest.LogCaptureFixture) -> None:
    gates = Gates()
    work = Work(ops.nack_on_error(PARK, rx.map(number), ops.map_async(gates)))
    await work.give(*events(2))
    work.acknowledger.closed = "the connection was lost"
    await gates.fail(0, ValueError("no"))
    await settle()
    assert work.acknowledger.sent == []
    assert "expired> failed and cannot be nacked, because it has expired" in caplog.text
    await gates.open(1)
    await work.end()
    assert work.seen.errors == []


async def test_dispose_cancels_the_work() -> None:
    gates = Gates()
    seen, feed = Seen(), Feed()
    pipeline = feed.pipe(delivered(), ops.nack_on_error(PARK, rx.map(number), ops.map_async(gates)))
    subscription = seen.of(pipeline)
    feed.on_next(events(1)[0])
    await settle()
    subscription.dispose()
    await settle()
    assert gates.cancelled == [0]


async def test_an_item_that_is_not_a_delivery_is_refused() -> None:
    work = Work(ops.json(), ops.nack_on_error(PARK, rx.map(number)))
    await work.give(event(data=7))
    await work.seen.until_ended()
    (error,) = work.seen.errors
    assert isinstance(error, InvalidArgument)
    assert str(error) == "item is 7; allowed is a Delivery; pass operators that may fail to nack_on_error"


async def test_an_exception_of_the_action_function_is_the_error() -> None:
    def decide(error: Exception) -> NackAction:
        raise LookupError("undecided") from error

    work = Work(ops.nack_on_error(decide, ops.json()))
    await work.give(event(data=b"\xff"))
    await work.seen.until_ended()
    (error,) = work.seen.errors
    assert isinstance(error, LookupError)
    assert isinstance(error.__cause__, NotJson)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("park", ops.json()), "action is 'park'"),
        ((PARK,), "work is ()"),
        ((PARK, ops.json(), 7), "work is "),
    ],
)
def test_invalid_arguments_are_refused(arguments: Any, named: str) -> None:
    with pytest.raises(InvalidArgument) as refusal:
        ops.nack_on_error(*arguments)
    assert str(refusal.value).startswith(named)


def test_a_max_concurrent_of_0_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="max_concurrent is 0"):
        ops.nack_on_error(PARK, ops.json(), max_concurrent=0)
