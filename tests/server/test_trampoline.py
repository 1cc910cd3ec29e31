from __future__ import annotations

import asyncio
import logging

import pytest

from rxpump.server.trampoline import Trampoline


def test_calls_are_made_in_order_at_the_end_of_the_work() -> None:
    trampoline, made = Trampoline(), list[str]()

    def first() -> None:
        made.append("first")
        trampoline.schedule(lambda: made.append("third"))

    def work(name: str) -> None:
        trampoline.schedule(first)
        trampoline.schedule(lambda: made.append("second"))
        made.append(name)

    trampoline.run(work, "work")
    assert made == ["work", "first", "second", "third"]
    assert repr(trampoline) == "<Trampoline, 0 calls scheduled>"


def test_last_calls_are_made_after_all_others() -> None:
    trampoline, made = Trampoline(), list[str]()

    def collect(name: str) -> None:
        made.append(name)
        trampoline.schedule_last(lambda: made.append(f"send {name}"))

    def work() -> None:
        collect("a")
        trampoline.schedule(lambda: collect("b"))

    trampoline.run(work)
    assert made == ["a", "b", "send a", "send b"]


async def test_without_work_last_calls_are_made_in_the_next_iteration() -> None:
    trampoline, made = Trampoline(), list[str]()
    trampoline.schedule_last(lambda: made.append("last"))
    trampoline.schedule(lambda: made.append("first"))
    assert made == []
    await asyncio.sleep(0)
    assert made == ["first", "last"]


def test_work_inside_other_work_is_a_part_of_it() -> None:
    trampoline, made = Trampoline(), list[str]()

    def work() -> None:
        trampoline.run(trampoline.schedule, lambda: made.append("call"))
        made.append("work")

    trampoline.run(work)
    assert made == ["work", "call"]


async def test_without_work_calls_are_made_in_the_next_iteration() -> None:
    trampoline, made = Trampoline(), list[int]()
    trampoline.schedule(lambda: made.append(1))
    trampoline.schedule(lambda: made.append(2))
    assert made == []
    await asyncio.sleep(0)
    assert made == [1, 2]


async def test_work_also_makes_calls_that_wait_for_the_next_iteration() -> None:
    trampoline, made = Trampoline(), list[str]()
    trampoline.schedule(lambda: made.append("call"))
    trampoline.run(made.append, "work")
    assert made == ["work", "call"]
    await asyncio.sleep(0)
    assert made == ["work", "call"]


def test_a_call_that_fails_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    trampoline, made = Trampoline(), list[str]()

    def fail() -> None:
        raise ZeroDivisionError

    def work() -> None:
        trampoline.schedule(fail)
        trampoline.schedule(lambda: made.append("call"))

    trampoline.run(work)
    assert made == ["call"]
    [record] = caplog.records
    assert record.levelno == logging.ERROR
    assert "fail" in record.message


def test_calls_are_made_although_the_work_fails() -> None:
    trampoline, made = Trampoline(), list[str]()

    def work() -> None:
        trampoline.schedule(lambda: made.append("call"))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        trampoline.run(work)
    assert made == ["call"]
    trampoline.run(made.append, "more work")
    assert made == ["call", "more work"]


def test_work_after_an_interrupted_call_is_done() -> None:
    trampoline, made = Trampoline(), list[str]()

    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trampoline.run(trampoline.schedule, interrupt)
    trampoline.run(trampoline.schedule, lambda: made.append("call"))
    assert made == ["call"]
