"""Coroutines that run in the event loop of another thread."""

from __future__ import annotations

import asyncio
import itertools
import threading
from typing import Any

import pytest

from rxpump.blocking.loop_thread import LoopThread
from rxpump.blocking.thread_iterator import ThreadIterator
from rxpump.errors import ClientClosed, RxPumpError


async def nothing() -> None:
    pass


def cancelled_task(loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> asyncio.Task[Any]:
    """Return a task that is cancelled before its first step. Later tasks are not cancelled."""
    loop.set_task_factory(None)
    task = asyncio.Task(coroutine, loop=loop, **options)
    task.cancel()
    return task


def test_a_call_that_never_started_closes_its_iterator() -> None:
    thread = LoopThread("test", at_end=nothing)
    values: ThreadIterator[int] = ThreadIterator(thread.loop)
    thread.loop.call_soon_threadsafe(thread.loop.set_task_factory, cancelled_task)
    with pytest.raises(ClientClosed):
        thread.call(nothing, lambda: values.put_all(itertools.count()), at_end=values.close)
    thread.stop()


def test_threads_after_the_thread_of_a_loop_are_others() -> None:
    """The system can give a new thread the ident of one that has ended."""
    thread = LoopThread("test", at_end=nothing)
    thread.stop()
    refused: list[BaseException] = []

    def check() -> None:
        try:
            thread.check()
        except RxPumpError as error:
            refused.append(error)

    for _ in range(20):
        later = threading.Thread(target=check)
        later.start()
        later.join()
    assert [type(error) for error in refused] == [ClientClosed] * 20
