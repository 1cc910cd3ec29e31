"""Slow networks: a connection that transfers bytes stays open, and a large write does not block other requests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import reactivex

import rxpump
from rxpump.server import EmbeddedServer
from rxpump.testing.proxy import Proxy

SHORT_SILENCE = rxpump.Settings(heartbeat_interval=0.1, heartbeat_timeout=0.2)
"""Settings that end a connection after 0.3 s of silence. The writes of the tests take three times as long."""


@asynccontextmanager
async def slow_link_to(server: EmbeddedServer) -> AsyncIterator[tuple[Proxy, rxpump.Client]]:
    async with (
        Proxy(server.port, bytes_per_second=4_000_000) as proxy,
        rxpump.connect(f"tcp://127.0.0.1:{proxy.port}", settings=SHORT_SILENCE) as client,
    ):
        yield proxy, client


async def test_a_slow_write_keeps_its_connection(memory_server: EmbeddedServer) -> None:
    async with slow_link_to(memory_server) as (proxy, client):
        await client.publish_event("s", "Large", bytes(4_000_000))
        assert proxy.accepted == 1


async def test_a_publisher_does_not_block_pings(memory_server: EmbeddedServer) -> None:
    async with slow_link_to(memory_server) as (proxy, client):
        sink = client.publisher("s")
        events = [rxpump.NewEvent("Large", bytes(16_000)) for _ in range(500)]
        written_at: list[int] = []
        sink.results.subscribe(lambda result: written_at.append(result.last_event_number))
        reactivex.from_iterable(events).subscribe(sink)
        passed: list[int] = []
        while not written_at or written_at[-1] < 499:
            before = len(written_at)
            await client.ping()
            passed.append(len(written_at) - before)
        await sink.drained()
        assert proxy.accepted == 1
        # Four writes can be in flight when a ping is sent, and four more can follow before its reply arrives.
        assert max(passed) <= 8
