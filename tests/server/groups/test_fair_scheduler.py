from __future__ import annotations

import asyncio

import pytest

from rxpump.server.groups import fair_scheduler as module
from rxpump.server.groups.fair_scheduler import FairScheduler


class Worker:
    """Has `steps` to do, one in each of its turns; a turn takes all of its slice if it `is_slow`."""

    def __init__(
        self, name: str, turns: FairScheduler, log: list[str], steps: int = 1, *, is_slow: bool = False
    ) -> None:
        self.name, self.turns, self.log, self.steps, self.is_slow = name, turns, log, steps, is_slow

    def work(self, until: float) -> None:
        self.log.append(self.name)
        self.steps -= 1
        if self.steps:
            self.turns.ask(self)
        if self.is_slow:
            loop = asyncio.get_running_loop()
            while loop.time() < until:
                pass


async def test_asking_twice_is_asking_once() -> None:
    turns, log = FairScheduler(), list[str]()
    worker = Worker("a", turns, log)
    turns.ask(worker)
    turns.ask(worker)
    assert (log, repr(turns)) == ([], "<Turns of 1 that wait>")
    await asyncio.sleep(0)
    assert (log, repr(turns)) == (["a"], "<Turns of 0 that wait>")


async def test_who_is_not_done_goes_to_the_end_of_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SLICE", 60)
    turns, log = FairScheduler(), list[str]()
    turns.ask(Worker("a", turns, log, 3))
    turns.ask(Worker("b", turns, log, 2))
    await asyncio.sleep(0)
    assert log == ["a", "b", "a", "b", "a"]


async def test_however_many_work_others_wait_for_one_slice() -> None:
    turns, log = FairScheduler(), list[str]()
    for name in "abc":
        turns.ask(Worker(name, turns, log, 2, is_slow=True))
    for expected in ("a", "ab", "abc", "abca", "abcab", "abcabc"):
        await asyncio.sleep(0)
        assert "".join(log) == expected
    await asyncio.sleep(0)
    assert "".join(log) == "abcabc"
