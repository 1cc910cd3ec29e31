"""Subscriptions deliver each event once and in order, whatever servers of each version do with their calls."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from random import Random

import pytest

import rxpump
from rxpump.operators import where
from rxpump.streams.catch_up import CatchUp
from tests.grpc.clients import QUICK
from tests.grpc.harness import serving
from tests.grpc.reads.simulated_log import SimulatedLog, Stored

Key = tuple[str, int]
Choice = Callable[[Stored], bool]

STREAMS = ("a", "b", "orders-1", "orders-2", "café")
ORDERS = where(stream_prefix="orders")
LATE = where(stream_prefix="late")


def grow(log: SimulatedLog, chance: Random, count: int) -> None:
    for _ in range(count):
        if chance.random() < 0.2 and (targets := log.of("a")):
            log.append("links", chance.choice(targets))
        else:
            log.append(chance.choice(STREAMS))


def followed(client: rxpump.Client) -> dict[str, tuple[CatchUp, Choice]]:
    """Return subscriptions, each with a function that chooses its events."""
    return {
        "a stream": (client.stream("a"), lambda event: event.stream == "a"),
        "a stream with another name": (client.stream("café"), lambda event: event.stream == "café"),
        "links": (client.stream("links"), lambda event: event.stream == "links"),
        "links as they are": (client.stream("links", resolve_links=False), lambda event: event.stream == "links"),
        "a stream that comes to be": (client.stream("late"), lambda event: event.stream == "late"),
        "all": (client.stream_all(), lambda event: True),
        "a filter": (
            client.stream_all(where=ORDERS, resolve_links=False),
            lambda event: event.stream.startswith("orders"),
        ),
        "a filter without matches": (
            client.stream_all(where=LATE, resolve_links=False, batch_size=1),
            lambda event: event.stream == "late",
        ),
    }


@pytest.mark.parametrize("version", ["22.10.5", "23.10.6", "24.10.4", "26.1.0"])
@pytest.mark.parametrize("seed", range(2))
async def test_each_event_is_delivered_once(version: str, seed: int) -> None:
    chance = Random(seed)
    log = SimulatedLog(version, chance, chance.choice([0.01, 0.03]))
    grow(log, chance, 150)
    received: dict[str, list[Key]] = {}

    def note(name: str) -> Callable[[rxpump.Event], None]:
        numbers = received.setdefault(name, [])
        return lambda event: numbers.append((event.received.stream, event.received.number))

    async with serving(log.handlers) as server:
        uri = f"kurrentdb://127.0.0.1:{server.port}?tls=false"
        async with rxpump.connect(uri, reconnect=QUICK, retry=QUICK) as client:
            subscriptions = followed(client)
            ended = asyncio.get_running_loop().create_future()
            for name, (source, _) in subscriptions.items():
                source.subscribe(note(name), ended.set_exception)
            for _ in range(60):
                grow(log, chance, chance.randrange(5))
                await asyncio.sleep(0.001)
            log.drop_rate = 0
            for stream in (*STREAMS, "late"):
                log.append(stream)
            log.append("links", log.of("a")[0])
            wanted = {
                name: [(event.stream, event.number) for event in log.events if choose(event)]
                for name, (_, choose) in subscriptions.items()
            }
            async with asyncio.timeout(20):
                while any(len(received[name]) < len(wanted[name]) for name in wanted) and not ended.done():
                    await asyncio.sleep(0.001)
    assert received == wanted
    assert log.drops > 0
    assert not ended.done()
