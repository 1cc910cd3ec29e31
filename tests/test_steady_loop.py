"""The clock of event loops in tests, which does not count pauses, and the ports of their servers."""

from __future__ import annotations

import asyncio
import socket
import time

import pytest

from tests import ports
from tests.ports import unused_port
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


async def test_no_other_program_takes_the_port_of_a_stopped_server() -> None:
    async def port_of_server() -> int:
        async with await asyncio.start_server(lambda *_: None, "127.0.0.1", 0) as server:
            port: int = server.sockets[0].getsockname()[1]
            return port

    chosen = [await port_of_server(), await port_of_server(), unused_port()]
    assert len(set(chosen)) == 3
    with socket.create_server(("127.0.0.1", 0)) as other:
        assert other.getsockname()[1] not in ports.RANGE


async def test_a_port_that_is_in_use_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", unused_port())) as other:
        taken, free = other.getsockname()[1], unused_port()
        monkeypatch.setattr("tests.ports.ports", iter([taken, free]))
        monkeypatch.setattr("tests.steady_loop.ports", iter([taken, free]))
        assert unused_port() == free
        async with await asyncio.start_server(lambda *_: None, "127.0.0.1", 0) as server:
            assert server.sockets[0].getsockname()[1] == free


def test_each_worker_has_its_own_ports() -> None:
    parts = [ports.part(worker) for worker in range(12)]
    assert [port for part in parts for port in part] == list(ports.RANGE)
    assert ports.part(12) == ports.part(0)
