"""The water marks bound the memory for streams of any length and consumers of any speed."""

from __future__ import annotations

import asyncio
import gc
import os
from pathlib import Path

import pytest

import rxpump
from rxpump.model.signals import CaughtUp, FellBehind
from rxpump.server import EmbeddedServer
from tests.endless import EndlessServer

pytestmark = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="resident memory is read from /proc")

MEGABYTE = 1024 * 1024


def resident() -> float:
    """Return the resident memory of this process in megabytes."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / MEGABYTE


async def test_a_slow_async_for_bounds_the_memory() -> None:
    server = EndlessServer(250_000)
    listening = await asyncio.get_running_loop().create_server(lambda: server, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    async with rxpump.connect(port=port, host="127.0.0.1") as client:
        start = most = resident()
        seen = 0
        async for _ in client.iter("endless"):
            seen += 1
            await asyncio.sleep(0)
            if seen % 10_000 == 0:
                most = max(most, resident())
                assert server.pages * 500 <= seen + 512 + 2 * 500, "a page in hand, one read ahead"
    listening.close()
    assert seen == 250_000
    assert most - start < 12


async def test_a_stalled_subscription_does_not_delay_others(memory_server: EmbeddedServer) -> None:
    """100,000 events are written while one consumer stalls. Other consumers continue, and it gets each event once."""
    settings = rxpump.Settings(live_buffer_events=1000)
    total = 100_000
    async with rxpump.connect(memory_server.uri, settings=settings) as client:
        awake = asyncio.Event()
        caught_up = asyncio.Event()
        fell_behind: list[FellBehind] = []
        numbers: list[int] = []

        async def consume() -> None:
            async for item in client.stream("busy").with_signals():
                if isinstance(item, CaughtUp):
                    caught_up.set()
                elif isinstance(item, FellBehind):
                    fell_behind.append(item)
                elif isinstance(item, rxpump.Event):
                    await awake.wait()
                    numbers.append(item.number)
                    if item.number == total - 1:
                        return

        consuming = asyncio.create_task(consume())
        await caught_up.wait()
        start = resident()
        events = [rxpump.NewEvent("Counted", b"x" * 100) for _ in range(500)]
        pings: list[float] = []
        for batch in range(total // 500):
            fresh = [rxpump.NewEvent(event.type, event.data) for event in events]
            await client.publish("busy", fresh)
            if batch % 10 == 0:
                pings.append(await client.ping())
        assert numbers == []
        assert resident() - start < 50 + total * 400 / MEGABYTE, "the store's own growth, and 50 MB"
        assert len(pings) == total // 5000, "the shared connection went on answering"
        assert memory_server.client_count == 1, "and it is still the same connection"
        awake.set()
        await consuming
    assert numbers == list(range(total))
    assert fell_behind, "the stalled subscription left live mode"
