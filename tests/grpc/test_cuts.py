"""Reads and subscriptions over lost gRPC connections lose and repeat no event, and leave no task or file open."""

from __future__ import annotations

import asyncio
import os
import random
from pathlib import Path

from reactivex import operators as rx

import rxpump
from rxpump import operators as ops
from rxpump.server import EmbeddedServer, SqliteStore
from rxpump.testing.proxy import Proxy

SHORT_TIMEOUTS = rxpump.Settings(
    reconnect=rxpump.Backoff(min_delay=0.001, max_delay=0.005),
    retry=rxpump.Backoff(min_delay=0.001, max_delay=0.005),
    timeout=20.0,
)
CUTS = 100
HISTORY = 2000


def open_files() -> int:
    return len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else 0


async def test_reads_and_subscriptions_survive_lost_connections() -> None:
    async with EmbeddedServer(SqliteStore.in_memory(), grpc_port=0, insecure=True) as server:
        async with rxpump.connect(server.uri) as direct:
            await direct.publish("history", [rxpump.NewEvent("Past", {"n": n}) for n in range(HISTORY)])
        files = open_files()
        followed: dict[str, list[int]] = {"stream": [], "all": []}
        iterations = written = 0

        async with Proxy(server.grpc_port or 0, random.Random(7), mean_bytes=20_000) as proxy:
            uri = f"kurrentdb://127.0.0.1:{proxy.port}?tls=false"
            async with rxpump.connect(uri, settings=SHORT_TIMEOUTS) as client:

                async def write() -> None:
                    nonlocal written
                    while proxy.cuts < CUTS:
                        result = await client.publish_event("live", "Written", {"n": written})
                        assert result.last_event_number == written
                        written += 1

                async def iterate(*, backward: bool) -> None:
                    nonlocal iterations
                    direction = rxpump.StreamDirection.BACKWARD if backward else rxpump.StreamDirection.FORWARD
                    expected = sorted(range(HISTORY), reverse=backward)
                    while proxy.cuts < CUTS:
                        numbers = await client.iter("history", direction=direction, batch_size=100).pipe(
                            rx.map(lambda event: event.json()["n"]), rx.to_list()
                        )
                        assert numbers == expected
                        iterations += 1

                where = ops.where(stream_prefix="live")
                with (
                    client.stream("live").subscribe(lambda event: followed["stream"].append(event.json()["n"])),
                    client.stream_all(where=where).subscribe(lambda event: followed["all"].append(event.json()["n"])),
                ):
                    async with asyncio.TaskGroup() as work:
                        work.create_task(write())
                        work.create_task(iterate(backward=False))
                        work.create_task(iterate(backward=True))
                    proxy.calm()
                    await client.publish_event("live", "Written", {"n": written})
                    while min(map(len, followed.values())) <= written:
                        await asyncio.sleep(0.01)

        assert followed == {"stream": list(range(written + 1)), "all": list(range(written + 1))}
        assert iterations > 0
        assert open_files() <= files
