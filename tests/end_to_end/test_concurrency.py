"""Hundreds of concurrent requests of all kinds on one connection."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from reactivex import operators as rx

import rxpump
from rxpump.errors import EventNotFound, StreamNotFound, WrongExpectedVersion
from rxpump.server import EmbeddedServer


async def test_500_concurrent_requests_get_their_own_replies(memory_server: EmbeddedServer) -> None:
    async with rxpump.connect(memory_server.uri, username="admin", password="changeit") as client:
        events = [rxpump.NewEvent("Counted", {"n": n}) for n in range(1000)]
        await client.publish("numbers", events)

        async def write(n: int) -> None:
            result = await client.publish_event(f"own-{n}", "Written", {"n": n}, expected_version=-1)
            assert (result.stream, result.last_event_number) == (f"own-{n}", 0)

        async def read_one(n: int) -> None:
            event = await client.get_event("numbers", n)
            assert (event.number, event.json()) == (n, {"n": n})

        async def read_page(n: int) -> None:
            page = await client.get("numbers", from_event=n, max_count=7)
            assert [event.json()["n"] for event in page] == list(range(n, n + 7))

        async def read_back(n: int) -> None:
            last = await client.get_all(direction=rxpump.StreamDirection.BACKWARD, max_count=1)
            assert len(last) == 1

        async def iterate(n: int) -> None:
            total = await client.iter("numbers", from_event=1000 - n, batch_size=50).pipe(rx.count())
            assert total == n

        async def refuse(n: int) -> None:
            with pytest.raises(WrongExpectedVersion) as raised:
                await client.publish_event("numbers", "Late", expected_version=n)
            assert (raised.value.expected, raised.value.current) == (n, 999)

        async def miss(n: int) -> None:
            with pytest.raises(EventNotFound):
                await client.get_event("numbers", 1000 + n)
            with pytest.raises(StreamNotFound, match=f"missing-{n}"):
                await client.get(f"missing-{n}")

        async def ping(n: int) -> None:
            assert await client.ping() > 0

        kinds: list[Any] = [write, read_one, read_page, read_back, iterate, refuse, miss, ping]
        await asyncio.gather(*(kinds[n % len(kinds)](n) for n in range(500)))
    while memory_server.client_count:
        await asyncio.sleep(0)
