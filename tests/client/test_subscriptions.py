"""Subscriptions to the embedded server, through lost connections and a restart."""

from __future__ import annotations

import asyncio
import random
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from reactivex import operators as rx

import rxpump
from rxpump import operators as ops
from rxpump.model.signals import CaughtUp
from rxpump.server import EmbeddedServer, SqliteStore
from rxpump.testing.proxy import Proxy

SHORT_TIMEOUTS = rxpump.Settings(
    reconnect=rxpump.Backoff(min_delay=0.001, max_delay=0.01), retry=rxpump.Backoff(min_delay=0.001, max_delay=0.01)
)


def counted(numbers: range) -> list[rxpump.NewEvent]:
    return [rxpump.NewEvent("Counted", {"n": n}) for n in numbers]


def number_of(event: Any) -> int:
    return int(event.json()["n"])


async def first(count: int, source: Any) -> list[int]:
    """Return the numbers of the first `count` events."""
    return await source.pipe(rx.take(count), rx.map(number_of), rx.to_list())  # type: ignore[no-any-return]


async def test_each_subscription_starts_at_its_argument(memory_server: EmbeddedServer) -> None:
    async with rxpump.connect(memory_server.uri, username="admin", password="changeit") as client:
        await client.publish("s", counted(range(10)))
        assert await first(10, client.stream("s")) == list(range(10))
        assert await first(3, client.stream("s", from_event=7)) == [7, 8, 9]
        assert await first(10, client.stream_all()) == list(range(10))
        assert await first(4, client.subscribe_to("s", start_from=6)) == [6, 7, 8, 9]
        fourth = (await client.get_all(max_count=4))[3].position
        assert fourth is not None
        assert await first(6, client.stream_all(from_position=fourth)) == [4, 5, 6, 7, 8, 9]

        from_now_on = [
            client.stream("s", rxpump.END),
            client.stream_all(rxpump.END),
            client.live("s"),
            client.subscribe_to("s"),
        ]
        live = 0
        all_live = asyncio.Event()
        news: list[list[Any]] = [[] for _ in from_now_on]

        def note(item: Any, into: list[Any]) -> None:
            nonlocal live
            if isinstance(item, CaughtUp):
                live += 1
                all_live.set() if live == len(from_now_on) else None
            else:
                into.append(item.number)

        running = [
            source.with_signals().subscribe(partial(note, into=into))
            for source, into in zip(from_now_on, news, strict=True)
        ]
        await all_live.wait()
        await client.publish("s", counted(range(10, 13)))
        while any(len(each) < 3 for each in news):
            await asyncio.sleep(0)
        assert news == [[10, 11, 12]] * 4
        for each in running:
            each.dispose()


async def test_until_caught_up_completes(memory_server: EmbeddedServer) -> None:
    async with rxpump.connect(memory_server.uri) as client:
        await client.publish("s", counted(range(10)))
        past = client.stream("s").pipe(ops.until_caught_up(), rx.map(lambda event: event.number), rx.to_list())
        assert await past == list(range(10))
        assert await client.stream("nothing").pipe(ops.until_caught_up(), rx.to_list()) == []


async def test_a_read_resumes_after_any_event(memory_server: EmbeddedServer) -> None:
    async with rxpump.connect(memory_server.uri, username="admin", password="changeit") as client:
        await client.publish("s", counted(range(10)))
        backward = rxpump.StreamDirection.BACKWARD
        third = await client.get_event("s", 3)
        in_all = (await client.get_all())[3]

        async def numbers(source: Any) -> list[int]:
            return [event.number async for event in source]

        assert await numbers(client.iter("s").resume_after(third)) == [4, 5, 6, 7, 8, 9]
        assert await numbers(client.iter("s", direction=backward).resume_after(third)) == [2, 1, 0]
        assert await numbers(client.iter("s", direction=backward).resume_after(await client.get_event("s", 0))) == []
        assert await numbers(client.iter_all().resume_after(in_all)) == [4, 5, 6, 7, 8, 9]
        assert await numbers(client.iter_all(direction=backward).resume_after(in_all)) == [2, 1, 0]
        assert await first(2, client.stream("s").resume_after(third)) == [4, 5]
        assert await first(2, client.stream_all().resume_after(in_all)) == [4, 5]


@pytest.mark.parametrize("whole", [False, True])
async def test_exactly_once_through_lost_connections(whole: bool, memory_server: EmbeddedServer) -> None:
    total = 2_000
    admin: dict[str, Any] = {"username": "admin", "password": "changeit"}
    async with (
        Proxy(memory_server.port, random.Random(3), mean_bytes=8_000) as proxy,
        rxpump.connect(memory_server.uri) as writer,
        rxpump.connect(f"tcp://127.0.0.1:{proxy.port}", settings=SHORT_TIMEOUTS, **admin) as client,
    ):
        source = client.stream_all(batch_size=50) if whole else client.stream("s", batch_size=50)
        following = asyncio.create_task(first(total, source))
        for start in range(0, total, 20):
            await writer.publish("s", counted(range(start, start + 20)))
        assert await following == list(range(total))
        assert proxy.cuts > 5


async def test_exactly_once_through_a_restart_of_the_server(tmp_path: Path) -> None:
    path = str(tmp_path / "events.db")
    server = EmbeddedServer(SqliteStore.open(path))
    await server.start()
    port = server.port
    client = await rxpump.connect(server.uri, settings=SHORT_TIMEOUTS).connect()
    await client.publish("s", counted(range(100)))
    following = asyncio.create_task(first(300, client.stream("s")))
    for start in (100, 200):
        await server.stop()
        server = EmbeddedServer(SqliteStore.open(path), port=port)
        await server.start()
        await client.publish("s", counted(range(start, start + 100)))
    assert await following == list(range(300))
    await client.close()
    await server.stop()
