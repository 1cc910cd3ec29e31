"""Writers, subscriptions and consumers work together through a proxy that changes the form of all answers."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from contextlib import AsyncExitStack

import pytest

import rxpump
from rxpump import operators as ops
from rxpump.model.filters import EventFilter
from rxpump.model.new_events import NewEvent
from rxpump.server import EmbeddedServer, SqliteStore
from tests.grpc.reshaping_proxy import ReshapingProxy, reshaping

STREAMS = ("order-a", "order-b", "order-c")
EVENTS = 40
WHOLE = {stream: list(range(EVENTS)) for stream in STREAMS}

SEEDS = [*range(2), *(pytest.param(seed, marks=pytest.mark.long) for seed in range(2, 20))]


async def write(client: rxpump.Client) -> None:
    """Append events to each stream, one after the other."""

    async def append(stream: str) -> None:
        for number in range(EVENTS):
            written = await client.publish(stream, [NewEvent("Placed", {"n": number})], expected_version=number - 1)
            assert written.last_event_number == number

    await asyncio.gather(*map(append, STREAMS))


async def follow(client: rxpump.Client, where: EventFilter | None) -> dict[str, list[int]]:
    """Follow `$all` until all events have arrived. Return their numbers."""
    found: dict[str, list[int]] = defaultdict(list)
    async for event in client.stream_all(where=where):
        if event.stream in STREAMS:
            found[event.stream].append(event.number)
            if sum(map(len, found.values())) == len(STREAMS) * EVENTS:
                break
    return found


async def consume(client: rxpump.Client, stream: str) -> set[int]:
    """Acknowledge the events of a stream as a consumer of a group until all have arrived. Return their numbers."""
    found: set[int] = set()
    deliveries = client.connect_subscription("g", stream).pipe(ops.ack_each())
    async for event in deliveries:
        found.add(event.number)
        if len(found) == EVENTS:
            break
    return found


@pytest.mark.parametrize("sends_goaway", [False, True])
@pytest.mark.parametrize("seed", SEEDS)
async def test_every_event_arrives_once_and_in_order(seed: int, sends_goaway: bool) -> None:
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(EmbeddedServer(SqliteStore.in_memory(), grpc_port=0, insecure=True))
        assert server.grpc_port is not None
        proxy: ReshapingProxy = await stack.enter_async_context(
            reshaping(server.grpc_port, seed, sends_goaway=sends_goaway)
        )
        client = await stack.enter_async_context(rxpump.connect(f"kurrentdb://127.0.0.1:{proxy.port}?tls=false"))
        await client.create_subscription("g", STREAMS[0], start_from=0)
        _, all_events, filtered, consumed = await asyncio.gather(
            write(client),
            follow(client, None),
            follow(client, EventFilter(stream_prefix="order-")),
            consume(client, STREAMS[0]),
        )
        assert all_events == filtered == WHOLE
        assert consumed == set(range(EVENTS))
        assert not sends_goaway or proxy.connections > 1
