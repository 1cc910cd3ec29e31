"""A thousand connection cuts at random bytes: nothing acknowledged is lost or doubled, nothing is left behind."""

from __future__ import annotations

import asyncio
import os
import random
from pathlib import Path

import pytest
from reactivex import operators as rx

import rxpump
from rxpump.server import EmbeddedServer
from tests.proxy import Proxy

IN_HASTE = rxpump.Settings(reconnect=rxpump.Backoff(min_delay=0.001, max_delay=0.005), timeout=20.0)


def open_files() -> int:
    return len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else 0


@pytest.mark.parametrize("cuts", [1000])
async def test_publishing_and_iterating_through_cuts(memory_server: EmbeddedServer, cuts: int) -> None:
    history = [rxpump.NewEvent("Past", {"n": n}) for n in range(2000)]
    async with rxpump.connect(memory_server.uri) as direct:
        await direct.publish("history", history)
    files = open_files()
    acknowledged: list[tuple[int, int]] = []
    iterations = 0

    async with Proxy(memory_server.port, random.Random(7), mean_bytes=20_000) as proxy:
        uri = f"tcp://127.0.0.1:{proxy.port}"
        async with rxpump.connect(uri, settings=IN_HASTE) as client:

            async def publish(worker: int) -> None:
                number = 0
                while proxy.cuts < cuts:
                    event = rxpump.NewEvent("Written", {"worker": worker, "n": number})
                    result = await client.publish(f"worker-{worker}", [event])
                    acknowledged.append((worker, result.last_event_number))
                    number += 1

            async def iterate() -> None:
                nonlocal iterations
                while proxy.cuts < cuts:
                    numbers = await client.iter("history", batch_size=100).pipe(
                        rx.map(lambda event: event.json()["n"]), rx.to_list()
                    )
                    assert numbers == list(range(2000))
                    iterations += 1

            async with asyncio.TaskGroup() as work:
                for worker in range(8):
                    work.create_task(publish(worker))
                for _ in range(2):
                    work.create_task(iterate())
            proxy.calm()
            await client.ping()

    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert iterations > 0
    async with rxpump.connect(memory_server.uri) as direct:
        for worker in range(8):
            stored = [(e.number, e.json()) async for e in direct.iter(f"worker-{worker}")] if acknowledged else []
            numbers = [number for who, number in acknowledged if who == worker]
            assert numbers == list(range(len(numbers))), "each acknowledged once, in order"
            assert [body["n"] for _, body in stored] == list(range(len(stored))), "none doubled, none missing"
            assert len(stored) == len(numbers)
    assert open_files() <= files
