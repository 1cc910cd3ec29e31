"""A pipeline that is cancelled repeatedly, and each time resumes at its checkpoint, processes every event."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

import rxpump
from rxpump import operators as ops
from rxpump.backpressure.background_tasks import tasks_of_running_loop
from rxpump.checkpoints import EventStoreCheckpoint, FileCheckpoint, SqliteCheckpoint
from rxpump.model.new_events import NewEvent
from rxpump.server import EmbeddedServer

EVENTS = 200


@pytest.mark.parametrize("kind", ["file", "sqlite", "event store"])
async def test_every_event_is_done_whenever_it_is_cut_off(
    kind: str, tmp_path: Path, memory_server: EmbeddedServer
) -> None:
    done: list[int] = []

    async def work(event: rxpump.Event) -> rxpump.Event:
        for _ in range(event.number * 7 % 5):
            await asyncio.sleep(0)
        done.append(event.number)
        return event

    async with rxpump.connect(memory_server.uri) as client:
        await client.publish("in", [NewEvent("Counted", {"n": n}) for n in range(EVENTS)])
        stores: dict[str, Any] = {
            "file": lambda: FileCheckpoint(tmp_path / "checkpoint"),
            "sqlite": lambda: SqliteCheckpoint(tmp_path / "checkpoints.db", "test"),
            "event store": lambda: EventStoreCheckpoint(client, "checkpoint"),
        }
        runs = start = 0
        while start < EVENTS:
            store = stores[kind]()  # each run sees only the saved checkpoint
            await run_for_a_while(client, store, start, work, enough=11 + runs * 13 % 23)
            runs += 1
            last = await store.load()
            start = 0 if last is None else last.number + 1
            assert set(range(start)) <= set(done), "every event before the checkpoint is completed"
    assert set(done) == set(range(EVENTS))
    assert runs > 2


async def run_for_a_while(client: rxpump.Client, store: Any, start: int, work: Any, enough: int) -> None:
    """Start at `start`, and stop after `enough` results, although other results are pending."""
    seen: list[Any] = []
    ended = asyncio.Event()
    pipeline = client.iter("in", from_event=start, batch_size=20).pipe(
        ops.flat_map_async(work, 5), ops.commit_checkpoint(store, every=10)
    )
    running = pipeline.subscribe(seen.append, on_completed=ended.set)
    while len(seen) < enough and not ended.is_set():
        await asyncio.sleep(0)
    running.dispose()
    while tasks_of_running_loop().tasks:  # Let the last save finish.
        await asyncio.sleep(0)
