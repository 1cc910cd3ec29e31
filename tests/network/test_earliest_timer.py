"""A timer for the earliest of several deadlines."""

from __future__ import annotations

import asyncio
import math

import pytest

from rxpump.network.earliest_timer import EarliestTimer


async def until_called(calls: list[float], count: int) -> None:
    while len(calls) < count:
        await asyncio.sleep(0)


async def test_the_callback_runs_at_the_earliest_time() -> None:
    calls: list[float] = []
    loop = asyncio.get_running_loop()
    timer = EarliestTimer(lambda: calls.append(loop.time()))
    start = loop.time()
    timer.set(start + 3600)
    timer.set(start + 0.001)
    timer.set(start + 60)
    assert repr(timer) == f"<EarliestTimer at {start + 0.001:.3f}>"
    await until_called(calls, 1)
    assert calls[0] >= start
    assert repr(timer) == "<EarliestTimer, not set>"


async def test_a_time_in_the_past_runs_the_callback_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Like uvloop, the event loop of this test returns a handle without `when` for a time that has passed."""
    loop = asyncio.get_running_loop()
    monkeypatch.setattr(loop, "call_at", lambda when, function: loop.call_soon(function))
    calls: list[float] = []
    timer = EarliestTimer(lambda: calls.append(0))
    timer.set(-1.0)
    timer.set(-2.0)
    await until_called(calls, 1)
    timer.set(asyncio.get_running_loop().time())
    await until_called(calls, 2)


async def test_infinity_sets_no_timer() -> None:
    timer = EarliestTimer(lambda: None)
    timer.set(math.inf)
    assert repr(timer) == "<EarliestTimer, not set>"


async def test_a_cancelled_timer_does_not_run_its_callback() -> None:
    calls: list[float] = []
    timer, other = EarliestTimer(lambda: calls.append(1)), EarliestTimer(lambda: calls.append(2))
    timer.set(0.0)
    timer.cancel()
    other.set(0.0)
    await until_called(calls, 1)
    assert calls == [2]
