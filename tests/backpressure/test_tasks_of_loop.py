"""Background tasks without a client: they belong to the running event loop."""

from __future__ import annotations

import asyncio
import gc

import pytest

from rxpump.backpressure.background_tasks import BackgroundTasks, tasks_of_running_loop


async def test_a_task_that_only_waits_is_not_collected() -> None:
    async def wait_for_ever() -> None:
        await asyncio.get_running_loop().create_future()

    tasks_of_running_loop().start(wait_for_ever(), "waits")
    await asyncio.sleep(0)
    gc.collect()
    (task,) = tasks_of_running_loop().tasks
    assert not task.done()
    task.cancel()
    await asyncio.wait([task])
    assert not tasks_of_running_loop().tasks


def test_each_loop_has_its_own_tasks() -> None:
    async def find() -> BackgroundTasks:
        assert tasks_of_running_loop() is tasks_of_running_loop()
        return tasks_of_running_loop()

    assert asyncio.run(find()) is not asyncio.run(find())


def test_without_a_running_loop_there_are_none() -> None:
    with pytest.raises(RuntimeError):
        tasks_of_running_loop()
