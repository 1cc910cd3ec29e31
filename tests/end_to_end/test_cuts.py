"""Lost connections: no acknowledged event is lost or written twice, and no task or file stays open."""

from __future__ import annotations

import asyncio
import os
import random
from pathlib import Path

import pytest
from reactivex import operators as rx

import rxpump
from rxpump.errors import ConnectionLostRepeatedly
from rxpump.server import EmbeddedServer
from rxpump.testing.proxy import Proxy

SHORT_TIMEOUTS = rxpump.Settings(reconnect=rxpump.Backoff(min_delay=0.001, max_delay=0.005), timeout=20.0)


def open_files() -> int:
    return len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else 0


@pytest.mark.parametrize("cuts", [300, pytest.param(1000, marks=pytest.mark.long)])
async def test_writes_and_reads_survive_lost_connections(memory_server: EmbeddedServer, cuts: int) -> None:
    history = [rxpump.NewEvent("Past", {"n": n}) for n in range(2000)]
    async with rxpump.connect(memory_server.uri) as direct:
        await direct.publish("history", history)
    files = open_files()
    acknowledged: list[tuple[int, int]] = []
    iterations = 0

    async with Proxy(memory_server.port, random.Random(7), mean_bytes=8_000) as proxy:
        uri = f"tcp://127.0.0.1:{proxy.port}"
        async with rxpump.connect(uri, settings=SHORT_TIMEOUTS) as client:

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


async def test_small_writes_and_pages_survive_short_connections(memory_server: EmbeddedServer) -> None:
    """Each connection ends after 400 kB: too few for a page of 500 events of 2 kB, but enough for a page of 125."""
    async with rxpump.connect(memory_server.uri) as direct:
        for start in range(0, 1000, 250):
            events = [rxpump.NewEvent("Past", {"n": n, "filler": "x" * 2000}) for n in range(start, start + 250)]
            await direct.publish("history", events)

    async with (
        Proxy(memory_server.port, random.Random(7), cut_after=400_000) as proxy,
        rxpump.connect(f"tcp://127.0.0.1:{proxy.port}", settings=SHORT_TIMEOUTS) as client,
    ):
        is_read = asyncio.Event()
        written: list[int] = []

        async def publish(worker: int) -> None:
            while not is_read.is_set() or written.count(worker) < 20:
                await client.publish_event(f"worker-{worker}", "Written")
                written.append(worker)

        async def read() -> None:
            numbers = await client.iter("history").pipe(rx.map(lambda event: event.json()["n"]), rx.to_list())
            assert numbers == list(range(1000))
            is_read.set()

        async with asyncio.TaskGroup() as work:
            for worker in range(8):
                work.create_task(publish(worker))
            work.create_task(read())

    # Four connections are lost before each of two halvings of the page size, and one for each page that does not fit
    # into a connection.
    assert proxy.cuts < 100
    assert min(written.count(worker) for worker in range(8)) >= 20
    async with rxpump.connect(memory_server.uri) as direct:
        for worker in range(8):
            assert await direct.iter(f"worker-{worker}").pipe(rx.count()) == written.count(worker)


async def test_a_write_that_always_loses_its_connection_fails(memory_server: EmbeddedServer) -> None:
    async with (
        Proxy(memory_server.port, random.Random(7), cut_after=400_000) as proxy,
        rxpump.connect(f"tcp://127.0.0.1:{proxy.port}", settings=SHORT_TIMEOUTS) as client,
    ):
        small: list[int] = []

        async def ping() -> None:
            while True:
                await client.ping()
                small.append(proxy.cuts)

        pinging = asyncio.create_task(ping())
        with pytest.raises(ConnectionLostRepeatedly) as caught:
            await client.publish_event("s", "Large", bytes(1_000_000))
        pinging.cancel()
        assert caught.value.connections == 4
        assert caught.value.operation == "WriteEvents to 's'"
        assert proxy.cuts <= 6
        assert {1, 2, 3} <= set(small), "pings are answered on every connection"
        await client.publish_event("s", "Small")
