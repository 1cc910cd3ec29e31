"""Check after every test that no task, timer or unretrieved exception is left."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from typing import Any

import pytest

from rxpump.backpressure.background_tasks import tasks_of_running_loop
from tests.operators.group import Group
from tests.operators.sources import Clock, settle, timers


@pytest.fixture(scope="module", autouse=True)
def only_what_tests_make() -> None:
    """Exclude the objects of other modules from garbage collection, which runs after every test."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
async def nothing_left() -> AsyncIterator[list[dict[str, Any]]]:
    """Contexts that the event loop's exception handler has received. A test that expects some clears the list."""
    reported: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))
    before = asyncio.all_tasks()
    yield reported
    await settle()
    gc.collect()
    await settle()
    assert asyncio.all_tasks() - before - {asyncio.current_task()} == set()
    assert not tasks_of_running_loop().tasks
    assert timers() == []
    assert reported == []


@pytest.fixture
async def clock() -> Clock:
    return Clock()


@pytest.fixture
async def group() -> AsyncIterator[Group]:
    group = Group()
    yield group
    await group.runtime.stop()
