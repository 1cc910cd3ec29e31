"""Operators of reactivex that keep items without bound, as listed in docs/operators.md."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest
import reactivex
from reactivex import operators as rx
from reactivex.scheduler.eventloop import AsyncIOScheduler

from rxpump import operators as ops
from rxpump.backpressure.background_tasks import BackgroundTasks
from tests.fakes import Pages, numbers
from tests.operators.sources import Gates, settle

PAGES = 100
NEVER = 1e6


def scheduler() -> AsyncIOScheduler:
    return AsyncIOScheduler(asyncio.get_running_loop())


GREEDY: dict[str, Any] = {
    "flat_map": lambda: rx.flat_map(lambda _: reactivex.never()),
    "concat_map": lambda: rx.concat_map(lambda _: reactivex.never()),
    "merge(max_concurrent=)": lambda: reactivex.compose(
        rx.map(lambda _: reactivex.never()), rx.merge(max_concurrent=1)
    ),
    "delay": lambda: rx.delay(NEVER, scheduler=scheduler()),
    "buffer": lambda: rx.buffer(reactivex.never()),
    "buffer_with_time": lambda: rx.buffer_with_time(NEVER, scheduler=scheduler()),
    "window": lambda: reactivex.compose(rx.window(reactivex.never()), rx.flat_map(rx.to_list())),
    "zip": lambda: rx.zip(reactivex.never()),
    "join": lambda: rx.join(reactivex.never(), lambda _: reactivex.never(), lambda _: reactivex.never()),
    "replay": lambda: reactivex.compose(rx.replay(), rx.ref_count(), rx.ignore_elements()),
    "to_list": lambda: rx.to_list(),
}


def test_the_docs_list_exactly_these_operators() -> None:
    table = (Path(__file__).parents[2] / "docs" / "operators.md").read_text().split("without bound")[1]
    first_cells = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    assert {name for cell in first_cells for name in re.findall("`([^`]+)`", cell)} == GREEDY.keys()


async def pages_read(operator: Any) -> int:
    pages = Pages(numbers(PAGES, 10))
    running = pages.source(BackgroundTasks("test")).pipe(operator).subscribe()
    await settle(400)
    running.dispose()
    await settle()
    return pages.asked


@pytest.mark.parametrize("name", GREEDY)
async def test_the_operator_reads_all_pages_and_emits_nothing(name: str) -> None:
    assert await pages_read(GREEDY[name]()) == PAGES


@pytest.mark.parametrize(
    "bounded",
    [
        lambda: ops.map_async(Gates(), high=20),
        lambda: ops.flat_map_async(Gates(), 4, high=20),
        lambda: ops.partition_by(lambda item: item % 2, Gates(), 2, high=20),
    ],
)
async def test_the_alternatives_pause_the_source(bounded: Any) -> None:
    assert await pages_read(bounded()) <= 3
