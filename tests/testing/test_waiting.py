"""The function `wait_for`, which waits until a condition is true."""

from __future__ import annotations

import asyncio

import pytest

from rxpump.errors import InvalidArgument
from rxpump.testing import ConditionNotMet, VirtualTimeLoop, wait_for


async def test_it_returns_the_value_of_the_condition() -> None:
    values = iter([0, 0, 7])
    assert await wait_for(lambda: next(values)) == 7


async def test_the_condition_can_be_a_coroutine_function() -> None:
    values = iter([[], ["a"]])

    async def found() -> list[str]:
        return next(values)

    assert await wait_for(found) == ["a"]


async def test_the_condition_can_consist_of_assertions() -> None:
    values = iter([1, 2, 3])

    def is_three() -> bool:
        assert next(values) == 3
        return True

    assert await wait_for(is_three)


async def test_none_is_not_true() -> None:
    values = iter([None, "found"])
    assert await wait_for(lambda: next(values)) == "found"


async def test_another_error_ends_the_wait() -> None:
    with pytest.raises(ZeroDivisionError):
        await wait_for(lambda: 1 / 0)


def test_a_condition_that_stays_false_is_named_with_its_last_value() -> None:
    async def main() -> float:
        with pytest.raises(
            ConditionNotMet, match=r"<lambda> \(.*test_waiting.py:\d+\) was not true .* 0.2 s; .* \[\]"
        ):
            await wait_for(lambda: [], timeout=0.2)
        return asyncio.get_running_loop().time()

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        assert runner.run(main()) == pytest.approx(0.2)


def test_a_failed_assertion_is_the_cause() -> None:
    def is_paid() -> None:
        raise AssertionError("not paid")

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner, pytest.raises(ConditionNotMet) as raised:
        runner.run(wait_for(is_paid))
    assert str(raised.value.__cause__) == "not paid"
    assert raised.value.condition.startswith("is_paid (")
    assert (raised.value.timeout, raised.value.last) == (5.0, None)


async def test_bad_arguments_are_refused() -> None:
    with pytest.raises(InvalidArgument, match="condition"):
        await wait_for(True)  # type: ignore[call-overload]
    with pytest.raises(InvalidArgument, match="timeout"):
        await wait_for(lambda: True, timeout=-1)
