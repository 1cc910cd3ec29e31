"""The clock of event loops in tests, which does not count pauses."""

from __future__ import annotations

import asyncio
import socket
import time

import pytest

from tests.steady_loop import LONGEST_STEP, SteadyClock, SteadyLoop

PAUSE = 0.5


class Machine:
    """A clock that stands still until the test advances it."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> float:
        return self.seconds


def test_a_pause_counts_as_one_step() -> None:
    machine = Machine()
    clock = SteadyClock(machine.now)
    machine.seconds += LONGEST_STEP / 2
    assert clock.now() == LONGEST_STEP / 2
    machine.seconds += PAUSE
    assert clock.now() == pytest.approx(1.5 * LONGEST_STEP)


def test_a_wait_counts_up_to_its_timeout() -> None:
    machine = Machine()
    clock = SteadyClock(machine.now)
    machine.seconds += 0.02 + PAUSE
    clock.advance(0.02)
    assert clock.now() == 0.02


def test_the_clock_is_never_put_back() -> None:
    machine = Machine()
    clock = SteadyClock(machine.now)
    machine.seconds -= 1
    assert clock.now() == 0


async def test_every_event_loop_has_a_steady_clock() -> None:
    async def loop_of_thread() -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()

    assert isinstance(asyncio.get_running_loop(), SteadyLoop)
    assert isinstance(await asyncio.to_thread(lambda: asyncio.run(loop_of_thread())), SteadyLoop)


def test_a_pause_while_bytes_arrive_expires_no_timeout() -> None:
    machine = Machine()

    async def work() -> None:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ours.setblocking(False)
            async with asyncio.timeout(50 * LONGEST_STEP):
                for _ in range(3):
                    theirs.send(b"x")
                    machine.seconds += PAUSE
                    assert await asyncio.get_running_loop().sock_recv(ours, 1) == b"x"
                    machine.seconds += PAUSE
                    await asyncio.sleep(0)

    with asyncio.Runner(loop_factory=lambda: SteadyLoop(SteadyClock(machine.now))) as runner:
        runner.run(work())


async def test_a_timer_expires_after_its_time() -> None:
    began, loop_began = time.monotonic(), asyncio.get_running_loop().time()
    await asyncio.sleep(0.02)
    assert time.monotonic() - began >= 0.02
    assert asyncio.get_running_loop().time() - loop_began >= 0.02
