"""What docs/operators.md says of reactivex's own operators: these keep items without bound, here as everywhere."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import reactivex
from reactivex import operators as rx
from reactivex.scheduler.eventloop import AsyncIOScheduler

from rxpump import operators as ops
from rxpump.runtime import Runtime
from tests.fakes import Pages, numbers
from tests.operators.sources import Gates, settle

PAGES = 100
NEVER = 1e6


def scheduler() -> AsyncIOScheduler:
    return AsyncIOScheduler(asyncio.get_running_loop())


GREEDY: dict[str, Any] = {
    "zip": lambda: rx.zip(reactivex.never()),
    "delay": lambda: rx.delay(NEVER, scheduler=scheduler()),
    "concat_map": lambda: rx.concat_map(lambda _: reactivex.never()),
    "merge(max_concurrent=)": lambda: reactivex.compose(
        rx.map(lambda _: reactivex.never()), rx.merge(max_concurrent=1)
    ),
    "buffer_with_time": lambda: rx.buffer_with_time(NEVER, scheduler=scheduler()),
    "to_list": lambda: rx.to_list(),
}


async def pages_read(operator: Any) -> int:
    pages = Pages(numbers(PAGES, 10))
    running = pages.source(Runtime("test")).pipe(operator).subscribe()
    await settle(400)
    running.dispose()
    await settle()
    return pages.asked


@pytest.mark.parametrize("name", GREEDY)
async def test_it_reads_everything_though_nothing_comes_out(name: str) -> None:
    assert await pages_read(GREEDY[name]()) == PAGES


@pytest.mark.parametrize(
    "bounded",
    [
        lambda: ops.map_async(Gates(), high=20),
        lambda: ops.flat_map_async(Gates(), 4, high=20),
        lambda: ops.partition_by(lambda item: item % 2, Gates(), 2, high=20),
    ],
)
async def test_what_to_use_instead_holds(bounded: Any) -> None:
    assert await pages_read(bounded()) <= 3
