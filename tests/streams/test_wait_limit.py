"""A limit for the duration of many waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import pytest

from rxpump.streams.wait_limit import WaitLimit
from rxpump.testing import VirtualTimeLoop

T = TypeVar("T")


def in_virtual_time(work: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(work)


def now() -> float:
    return asyncio.get_running_loop().time()


def test_a_wait_returns_the_result_of_its_coroutine() -> None:
    async def work() -> str:
        async with WaitLimit(10) as limit:
            return await limit.wait(asyncio.sleep(9, "done"))

    assert in_virtual_time(work()) == "done"


def test_a_wait_that_is_too_long_is_cancelled() -> None:
    ended: list[str] = []

    async def endless() -> None:
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            ended.append("cancelled")

    async def work() -> tuple[float, int]:
        async with WaitLimit(10) as limit:
            with pytest.raises(TimeoutError):
                await limit.wait(endless())
        task = asyncio.current_task()
        assert task is not None
        return now(), task.cancelling()

    assert in_virtual_time(work()) == (10, 0)
    assert ended == ["cancelled"]


def test_each_wait_has_the_whole_time() -> None:
    async def work() -> float:
        async with WaitLimit(10) as limit:
            for _ in range(3):
                await limit.wait(asyncio.sleep(9))
            await asyncio.sleep(100)  # between two waits
            await limit.wait(asyncio.sleep(9))
            with pytest.raises(TimeoutError):
                await limit.wait(asyncio.sleep(11))
        return now()

    assert in_virtual_time(work()) == 3 * 9 + 100 + 9 + 10


def test_a_wait_after_one_that_was_too_long_is_limited() -> None:
    async def work() -> float:
        async with WaitLimit(10) as limit:
            for _ in range(2):
                with pytest.raises(TimeoutError):
                    await limit.wait(asyncio.sleep(11))
        return now()

    assert in_virtual_time(work()) == 20


def test_many_short_waits_share_one_timer(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[asyncio.TimerHandle] = []

    async def at_once() -> None:
        pass

    async def work() -> None:
        loop = asyncio.get_running_loop()
        call_at = loop.call_at

        def recording(when: float, function: Callable[[], object]) -> asyncio.TimerHandle:
            started.append(call_at(when, function))
            return started[-1]

        monkeypatch.setattr(loop, "call_at", recording)
        async with WaitLimit(10) as limit:
            for _ in range(100):
                await limit.wait(at_once())
            assert [timer.cancelled() for timer in started] == [False]

    in_virtual_time(work())
    assert [timer.cancelled() for timer in started] == [True]


def test_a_task_that_is_cancelled_by_others_does_not_time_out() -> None:
    async def work() -> float:
        async def waiting() -> None:
            async with WaitLimit(10) as limit:
                await limit.wait(asyncio.sleep(100))

        task = asyncio.ensure_future(waiting())
        await asyncio.sleep(5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return now()

    assert in_virtual_time(work()) == 5


def test_a_task_that_is_cancelled_at_the_limit_too_does_not_time_out() -> None:
    async def work() -> None:
        async def waiting() -> None:
            async with WaitLimit(10) as limit:
                await limit.wait(asyncio.sleep(100))

        task = asyncio.ensure_future(waiting())
        await asyncio.sleep(0)  # The timer of the limit is started before the next one, and so fires before it.
        asyncio.get_running_loop().call_at(10, task.cancel)
        with pytest.raises(asyncio.CancelledError):
            await task

    in_virtual_time(work())


def test_an_error_of_the_coroutine_is_raised() -> None:
    async def fail() -> None:
        raise ValueError("wrong")

    async def work() -> None:
        async with WaitLimit(10) as limit:
            await limit.wait(fail())

    with pytest.raises(ValueError, match="wrong"):
        in_virtual_time(work())


def test_the_repr_tells_whether_there_is_a_wait() -> None:
    async def work() -> list[str]:
        async with WaitLimit(10) as limit:
            shown = [repr(limit)]

            async def look() -> None:
                shown.append(repr(limit))

            await asyncio.sleep(2)
            await limit.wait(look())
            return shown

    assert in_virtual_time(work()) == ["<WaitLimit of 10 s, no wait>", "<WaitLimit of 10 s, a wait since 2.000>"]
