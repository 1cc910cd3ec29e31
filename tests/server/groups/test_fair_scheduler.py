from __future__ import annotations

import asyncio

import pytest

from rxpump.server.groups import fair_scheduler as module
from rxpump.server.groups.fair_scheduler import FairScheduler


class Worker:
    """A worker with `steps` steps, one in each call of `work`. A step of a slow worker takes the whole time slice."""

    def __init__(
        self, name: str, scheduler: FairScheduler, log: list[str], steps: int = 1, *, is_slow: bool = False
    ) -> None:
        self.name, self.scheduler, self.log, self.steps, self.is_slow = name, scheduler, log, steps, is_slow

    def work(self, until: float) -> None:
        self.log.append(self.name)
        self.steps -= 1
        if self.steps:
            self.scheduler.schedule(self)
        if self.is_slow:
            loop = asyncio.get_running_loop()
            while loop.time() < until:
                pass


async def test_a_waiting_worker_is_scheduled_once() -> None:
    scheduler, log = FairScheduler(), list[str]()
    worker = Worker("a", scheduler, log)
    scheduler.schedule(worker)
    scheduler.schedule(worker)
    assert (log, repr(scheduler)) == ([], "<FairScheduler with 1 waiting>")
    await asyncio.sleep(0)
    assert (log, repr(scheduler)) == (["a"], "<FairScheduler with 0 waiting>")


async def test_an_unfinished_worker_goes_to_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SLICE", 60)
    scheduler, log = FairScheduler(), list[str]()
    scheduler.schedule(Worker("a", scheduler, log, 3))
    scheduler.schedule(Worker("b", scheduler, log, 2))
    await asyncio.sleep(0)
    assert log == ["a", "b", "a", "b", "a"]


async def test_other_tasks_wait_for_one_slice() -> None:
    scheduler, log = FairScheduler(), list[str]()
    for name in "abc":
        scheduler.schedule(Worker(name, scheduler, log, 2, is_slow=True))
    for expected in ("a", "ab", "abc", "abca", "abcab", "abcabc"):
        await asyncio.sleep(0)
        assert "".join(log) == expected
    await asyncio.sleep(0)
    assert "".join(log) == "abcabc"
