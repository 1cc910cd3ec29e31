"""Closing a client ends each of its pipelines with ClientClosed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

import rxpump
from rxpump import operators as ops
from rxpump.checkpoints import Checkpoint
from rxpump.errors import ClientClosed
from rxpump.server import EmbeddedServer

SOURCES: dict[str, Callable[[rxpump.Client], Any]] = {
    "stream": lambda client: client.stream("s"),
    "iter": lambda client: client.iter("s", batch_size=20),
    "deliveries": lambda client: client.connect_subscription("g", "s"),
}

PIPES: dict[str, Callable[[Any], list[Any]]] = {
    "one by one": lambda work: [ops.map_async(work)],
    "side by side": lambda work: [ops.map_async(work, max_concurrent=3)],
    "two stages": lambda work: [ops.map_async(work, max_concurrent=2), ops.map_async(work)],
    "a batch": lambda work: [ops.map_async(work), ops.batch(3)],
    "a checkpoint": lambda work: [ops.map_async(work), ops.commit_checkpoint(Nowhere(), every=1)],
    "flat": lambda work: [ops.flat_map_async(work, max_concurrent=2)],
}

TURNS = [0, 1, 3, 10, 40]
"""Iterations of the event loop between the first result and the close. They vary the state of the pipeline."""


class Nowhere:
    async def load(self) -> Checkpoint | None:
        return None

    async def save(self, checkpoint: Checkpoint) -> None:
        await asyncio.sleep(0)


@pytest.mark.parametrize("turns", TURNS)
@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("pipe", PIPES)
async def test_a_pipeline_fails_with_client_closed(
    memory_server: EmbeddedServer, pipe: str, source: str, turns: int
) -> None:
    client = await rxpump.connect(memory_server.uri, username="admin", password="changeit").connect()
    await client.publish("s", [rxpump.NewEvent("T") for _ in range(200)])
    await client.create_subscription("g", "s", start_from=0)
    ends: dict[str, list[Any]] = {"sleeping": [], "calling": []}
    reached = asyncio.Event()

    async def sleep(event: Any) -> Any:
        await asyncio.sleep(0.0001)
        return event

    async def call(event: Any) -> Any:
        await client.publish_event("out", "T")
        return event

    for name, work in (("sleeping", sleep), ("calling", call)):
        SOURCES[source](client).pipe(*PIPES[pipe](work)).subscribe(
            lambda _: reached.set(), ends[name].append, lambda name=name: ends[name].append("completed")
        )
    await reached.wait()
    for _ in range(turns):
        await asyncio.sleep(0)
    await client.close()
    assert {name: [type(end) for end in each] for name, each in ends.items()} == {
        "sleeping": [ClientClosed],
        "calling": [ClientClosed],
    }


async def test_closing_reports_no_unhandled_error(memory_server: EmbeddedServer) -> None:
    reported: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: reported.append(context))
    client = await rxpump.connect(memory_server.uri).connect()
    await client.publish_event("s", "T")
    reached = asyncio.Event()
    client.stream("s").pipe(ops.map_async(_stay(reached))).subscribe()
    await reached.wait()
    await client.close()
    assert reported == []


def _stay(reached: asyncio.Event) -> Callable[[Any], Any]:
    async def stay(event: Any) -> None:
        reached.set()
        await asyncio.Event().wait()

    return stay
