"""Appends through a proxy that closes each connection after some bytes. Each event is written once, in order."""

from __future__ import annotations

import asyncio
import random

import pytest
import reactivex as rx

import rxpump
from rxpump.backoff import Backoff
from rxpump.model.new_events import NewEvent
from rxpump.model.positions import ExpectedVersion
from rxpump.server import EmbeddedServer, SqliteStore
from rxpump.testing.proxy import Proxy

COUNT = 300
QUICK = Backoff(min_delay=0.001, max_delay=0.01)


def uri(port: int) -> str:
    return f"kurrentdb://127.0.0.1:{port}?tls=false"


async def numbers(server: EmbeddedServer, stream: str) -> list[int]:
    assert server.grpc_port is not None
    async with rxpump.connect(uri(server.grpc_port)) as client:
        return [event.json() async for event in client.iter(stream)]


@pytest.mark.parametrize("seed", range(3))
async def test_a_publisher_writes_each_event_once(seed: int) -> None:
    async with EmbeddedServer(SqliteStore.in_memory(), grpc_port=0, insecure=True) as server:
        assert server.grpc_port is not None
        async with (
            Proxy(server.grpc_port, random.Random(seed), mean_bytes=8_000) as proxy,
            rxpump.connect(uri(proxy.port), reconnect=QUICK, retry=QUICK) as client,
        ):
            publisher = client.publisher(
                "s", expected_version=ExpectedVersion.NO_STREAM, max_batch=3, max_in_flight=8
            )
            rx.of(*(NewEvent("Counted", n) for n in range(COUNT))).subscribe(publisher)
            await publisher.drained()
            assert proxy.cuts > 1
        assert await numbers(server, "s") == list(range(COUNT))


@pytest.mark.parametrize("seed", range(3))
async def test_single_appends_are_written_once(seed: int) -> None:
    async with EmbeddedServer(SqliteStore.in_memory(), grpc_port=0, insecure=True) as server:
        assert server.grpc_port is not None
        async with (
            Proxy(server.grpc_port, random.Random(seed), mean_bytes=8_000) as proxy,
            rxpump.connect(uri(proxy.port), reconnect=QUICK, retry=QUICK) as client,
        ):
            await asyncio.gather(*(client.publish_event("s", "Counted", n) for n in range(COUNT)))
            assert proxy.cuts > 1
        assert sorted(await numbers(server, "s")) == list(range(COUNT))
