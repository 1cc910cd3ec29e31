"""An event loop with virtual time, which advances only when no callback is ready."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from typing import Any

import pytest

from rxpump.errors import OperationTimedOut
from rxpump.testing import MockTransport, NothingScheduled, VirtualTimeLoop, mock_client
from rxpump.testing.virtual_time import LoopScheduler


def run(main: Coroutine[Any, Any, Any]) -> Any:
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(main)


def now() -> float:
    return asyncio.get_running_loop().time()


def test_a_day_passes_at_once_and_in_order() -> None:
    async def main() -> list[tuple[float, str]]:
        woken: list[tuple[float, str]] = []

        async def sleep(seconds: float, name: str) -> None:
            await asyncio.sleep(seconds)
            woken.append((now(), name))

        await asyncio.gather(sleep(86_400, "day"), sleep(1, "second"), sleep(3600, "hour"), sleep(0, "now"))
        return woken

    assert run(main()) == [(0, "now"), (1, "second"), (3600, "hour"), (86_400, "day")]


def test_time_stands_still_while_something_is_ready() -> None:
    async def main() -> float:
        for _ in range(100):
            await asyncio.sleep(0)
        return now()

    assert run(main()) == 0


def test_time_stands_still_while_a_thread_works() -> None:
    async def main() -> list[float]:
        times = []
        timer = asyncio.create_task(asyncio.sleep(3600))
        await asyncio.to_thread(time.sleep, 0.01)
        times.append(now())
        await timer
        return [*times, now()]

    assert run(main()) == [0, 3600]


def test_a_wait_for_ever_is_an_error() -> None:
    with pytest.raises(NothingScheduled, match="waits forever"):
        run(asyncio.Event().wait())


def test_a_timeout_passes_at_once() -> None:
    async def main() -> float:
        transport = MockTransport()
        async with mock_client(transport) as client:
            transport.lose_connection()
            with pytest.raises(OperationTimedOut):
                await client.publish_event("orders", "Placed", timeout=30)
            transport.restore_connection()
        return now()

    assert run(main()) == 30


def test_the_scheduler_has_the_time_of_the_loop() -> None:
    async def main() -> list[float]:
        scheduler = LoopScheduler(asyncio.get_running_loop())
        await asyncio.sleep(90)
        called = asyncio.Event()
        scheduler.schedule_relative(30, lambda *_: called.set())
        await called.wait()
        return [now(), scheduler.to_seconds(scheduler.now)]

    assert run(main()) == [120, 120]
