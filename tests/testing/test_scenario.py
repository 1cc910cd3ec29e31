"""Checks of pipelines by `given(...).when(...).then(...)`, and by marble diagrams."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import reactivex
from reactivex import operators as rx

from rxpump import NewEvent
from rxpump import operators as ops
from rxpump.checkpoints import FileCheckpoint
from rxpump.errors import InvalidArgument, NotJson
from rxpump.testing import Marbles, MockTransport, Recorded, given, mock_client, plain
from rxpump.testing.scenario import received

ORDERS: list[Any] = [("Placed", {"price": 5}), ("Paid", {"price": 5}), ("Placed", {"price": 7})]


def price(order: Any) -> int:
    return int(order["price"])


async def after(seconds: float, item: Any) -> Any:
    await asyncio.sleep(seconds)
    return item


# Given, when, then -------------------------------------------------------------------------------------


def test_events_pass_through_operators_of_both_packages() -> None:
    given(ORDERS).when(ops.of_type("Placed"), ops.json(), rx.map(price)).then([5, 7])


def test_a_pipeline_can_be_one_function() -> None:
    def prices(orders: reactivex.Observable[Any]) -> reactivex.Observable[Any]:
        return orders.pipe(ops.json(), rx.map(price))

    given(ORDERS).when(prices, rx.sum()).then([17])


def test_events_are_compared_as_plain_values() -> None:
    with_metadata = NewEvent("Placed", {"price": 5}, metadata={"by": "ada"})
    given([with_metadata]).when().then([("Placed", {"price": 5}, {"by": "ada"})])
    given(ORDERS).when(ops.batch(2)).then([ORDERS[:2], ORDERS[2:]])
    given([("Placed", {"price": 5}, {"by": "ada"})]).when(ops.json(), ops.to_event("Copied")).then(
        [NewEvent("Copied", {"price": 5})]
    )


def test_the_events_seem_to_have_been_read() -> None:
    first, number, again = received([("Placed", {"price": 5}), 3, ("Placed", b"\x01", {"by": "ada"})], "orders")
    assert (first.stream, first.number, again.number) == ("orders", 0, 1)
    assert first.json() == {"price": 5}
    assert number == 3
    assert plain(again) == ("Placed", b"\x01", {"by": "ada"})
    given(ORDERS, stream="orders").when(ops.in_stream("orders"), rx.count()).then([3])


def test_values_that_are_equal_are_the_same() -> None:
    given([{"a": 1, "b": 2.0}]).when().then([{"b": 2, "a": 1.0}])
    Marbles().given("x|", x=1.0).when().then("x|", x=1)


def test_one_event_twice_has_one_id() -> None:
    event = NewEvent("Placed")
    given([event, event, NewEvent("Placed")]).when(ops.distinct_by_id(10), rx.count()).then([2])


@pytest.mark.parametrize(
    "operator",
    [
        ops.map_async(lambda item: after(60, item)),
        ops.map_async(lambda item: asyncio.to_thread(lambda: item)),
        ops.rate_limit(1, per=60),
        rx.delay(60),
    ],
    ids=["map_async", "thread", "rate_limit", "delay"],
)
def test_an_operator_that_takes_its_time_delivers_all(operator: Any) -> None:
    begun = time.monotonic()
    given(ORDERS).when(operator).then(ORDERS)
    assert time.monotonic() - begun < 30


def test_a_pipeline_can_save_checkpoints(tmp_path: Path) -> None:
    checkpoint = FileCheckpoint(tmp_path / "checkpoint")
    slow = ops.map_async(lambda item: after(60, item))
    given(ORDERS).when(ops.of_type("Placed"), slow, ops.commit_checkpoint(checkpoint, every=2)).items()
    saved = asyncio.run(checkpoint.load())
    assert saved is not None
    assert (saved.stream, saved.number) == ("given", 2)


def test_a_pipeline_can_write_to_a_mock_transport() -> None:
    transport = MockTransport()
    client = mock_client(transport)
    given(ORDERS).when(ops.of_type("Paid"), ops.publish_to(client, "payments"), rx.count()).then([1])
    assert Recorded(transport.read_events) == {"payments": [("Paid", {"price": 5})]}


def test_other_items_are_shown() -> None:
    with pytest.raises(AssertionError) as raised:
        given(ORDERS).when(ops.of_type("Placed")).then([("Placed", {"price": 5}), ("Placed", {"price": 8})])
    assert str(raised.value).splitlines() == [
        "the pipeline delivered other items than expected (- missing, + unexpected)",
        "  ('Placed', {'price': 5})",
        "- ('Placed', {'price': 8})",
        "+ ('Placed', {'price': 7})",
    ]


def test_the_error_of_the_pipeline_is_raised() -> None:
    broken = given([("Placed", b"{")]).when(ops.json())
    with pytest.raises(NotJson):
        broken.then([])
    assert isinstance(broken.then_raises(NotJson), NotJson)
    with pytest.raises(AssertionError, match=r"failed with NotJson.* expected KeyError"):
        broken.then_raises(KeyError)
    with pytest.raises(AssertionError, match=r"completed, expected KeyError; it delivered \[1\]"):
        given([1]).when().then_raises(KeyError)


def test_a_pipeline_that_never_completes_fails() -> None:
    for never in (lambda _: reactivex.never(), lambda _: reactivex.interval(600)):
        with pytest.raises(AssertionError, match="within an hour of virtual time"):
            given([]).when(never).then([])


def test_an_error_that_nothing_handles_is_raised() -> None:
    def begin(item: Any) -> None:
        asyncio.get_running_loop().call_soon(lambda: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        given([1]).when(rx.do_action(begin)).then([1])


async def test_in_an_event_loop_it_refuses_to_run() -> None:
    with pytest.raises(RuntimeError, match="write this test without `async`"):
        given([1]).when().then([1])


@pytest.mark.parametrize(
    "call",
    [
        lambda: given("abc"),
        lambda: given(5),  # type: ignore[arg-type]
        lambda: given([], stream=""),
        lambda: given([]).when(5),  # type: ignore[arg-type]
        lambda: Marbles().given("a").when(5),  # type: ignore[arg-type]
        lambda: Marbles(0),
        lambda: Marbles().given("a|b"),
        lambda: Marbles().given("a,b"),
        lambda: Marbles().given(5),  # type: ignore[arg-type]
    ],
)
def test_bad_arguments_are_refused(call: Callable[[], object]) -> None:
    with pytest.raises(InvalidArgument):
        call()


# Marbles -----------------------------------------------------------------------------------------------


def test_marbles_compare_emitted_events(marbles: Marbles) -> None:
    source = marbles.given("-a--b-----|", a=("Placed", {"price": 5}), b=("Paid", {"price": 5}))
    source.when(ops.of_type("Placed")).then("-a--------|")
    source.when(ops.json(), rx.map(price)).then("-c--c-----|", c=5)


@pytest.mark.parametrize(
    ("source", "operator", "result", "values"),
    [
        ("a-b-c----|", ops.batch(2, max_time=3), "--x----y-|", {"x": ["a", "b"], "y": ["c"]}),
        ("(a,b,c)--|", ops.rate_limit(1, per=2), "a-b-c----|", {}),
        ("a-b-|", ops.map_async(lambda item: after(3, item), 2), "---a-(b,|)", {}),
        ("a-b-|", ops.map_async(lambda item: after(3, item), 1), "---a--(b,|)", {}),
        ("a-b-c-|", ops.exhaust_map_async(lambda item: after(3, item)), "---a---(c,|)", {}),
        ("a-b----|", rx.delay(3), "---a-b----|", {}),
        ("ab-c", rx.debounce(2), "--x--c", {"x": "ab"}),
        ("a-----", rx.timeout(3), "a--#", {}),
        ("1-2-3-|", rx.scan(lambda total, number: total + number), "1-3-6-|", {}),
    ],
)
def test_marbles_compare_delays_of_operators(
    marbles: Marbles, source: str, operator: Any, result: str, values: dict[str, Any]
) -> None:
    marbles.given(source).when(operator).then(result, **values)


def test_a_paused_source_delivers_late() -> None:
    seen: list[float] = []

    def note(item: Any) -> None:
        seen.append(asyncio.get_running_loop().time())

    slow = ops.map_async(lambda item: after(5, item), 1, high=1)
    Marbles().given("(a,b,c)|").when(rx.do_action(note), slow).then("-----a----b----(c,|)")
    assert seen == [0, 5, 10]


def test_a_character_can_be_another_time() -> None:
    Marbles(0.1).given("a---b|").when(rx.throttle_first(0.3)).then("a---b|")


def test_errors_are_compared_if_the_test_names_one(marbles: Marbles) -> None:
    failing = marbles.given("a-#", error=ValueError("x")).when()
    failing.then("a-#")
    failing.then("a-#", error=ValueError("x"))
    for other in (ValueError("y"), KeyError("x")):
        with pytest.raises(AssertionError, match="2 s: failed with"):
            failing.then("a-#", error=other)


def test_another_time_is_shown(marbles: Marbles) -> None:
    with pytest.raises(AssertionError) as raised:
        marbles.given("a-b|").when(rx.delay(1)).then("a-b|")
    assert str(raised.value).splitlines()[1:] == [
        "- 0 s: 'a'",
        "+ 1 s: 'a'",
        "- 2 s: 'b'",
        "+ 3 s: 'b'",
        "- 3 s: completed",
        "+ 4 s: completed",
    ]


def test_a_completion_that_is_not_drawn_fails(marbles: Marbles) -> None:
    marbles.given("a-b").when().then("a-b")
    with pytest.raises(AssertionError, match=r"\+ 3 s: completed"):
        marbles.given("a-b|").when().then("a-b")
