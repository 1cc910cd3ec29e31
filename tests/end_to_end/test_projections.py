"""The system projections of the embedded server, during writes, after restarts, and after `kill -9`."""

from __future__ import annotations

import asyncio
import multiprocessing
import random
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

import rxpump
from rxpump.errors import AccessDenied, RxPumpError, StreamNotFound
from rxpump.server import EmbeddedServer, SqliteStore
from tests.server import kill_target

QUICK = rxpump.Backoff(min_delay=0.001, max_delay=0.004)


def as_admin(port: int, **options: Any) -> rxpump.Client:
    return rxpump.connect(host="127.0.0.1", port=port, username="admin", password="changeit", **options)


async def first(count: int, events: Any) -> list[rxpump.Event]:
    got: list[rxpump.Event] = []
    async for event in events:
        got.append(event)
        if len(got) == count:
            break
    return got


async def test_a_category_can_be_subscribed_to() -> None:
    async with EmbeddedServer(SqliteStore.in_memory(), projections=True) as server, as_admin(server.port) as client:
        await client.publish_event("pony-derpy", "PonyJumped", data={"m": 1})
        following = asyncio.create_task(first(4, client.stream("$ce-pony")))
        await client.publish_event("pony-luna", "PonySlept")
        await client.publish_event("elsewhere", "PonyJumped", data={"m": 2})
        await client.publish_event("pony-derpy", "PonyJumped", data={"m": 3})
        await client.publish_event("pony-luna", "PonyJumped", data={"m": 4})
        got = [(event.stream, event.number, event.type) for event in await following]
        assert got == [
            ("pony-derpy", 0, "PonyJumped"),
            ("pony-luna", 0, "PonySlept"),
            ("pony-derpy", 1, "PonyJumped"),
            ("pony-luna", 1, "PonyJumped"),
        ]
        jumps = await first(4, client.stream("$et-PonyJumped"))
        assert [jump.json()["m"] for jump in jumps] == [1, 2, 3, 4]
        begun = await first(3, client.stream("$streams"))
        assert [event.stream for event in begun] == ["pony-derpy", "pony-luna", "elsewhere"]
        references = await first(2, client.stream("$category-pony"))
        assert [event.data for event in references] == [b"pony-derpy", b"pony-luna"]


async def test_access_to_a_category_can_be_granted() -> None:
    async with (
        EmbeddedServer(SqliteStore.in_memory(), projections=True) as server,
        rxpump.connect(server.uri) as client,
    ):
        with pytest.raises(AccessDenied):
            await client.get("$ce-pony")
        async with as_admin(server.port) as admin:
            await admin.publish_event("$$$ce-pony", "$metadata", data={"$acl": {"$r": "$all"}})
        await client.publish_event("pony-derpy", "PonyJumped")
        [jump] = await first(1, client.stream("$ce-pony"))
        assert jump.stream == "pony-derpy"


async def test_projections_are_off_by_default(memory_server: EmbeddedServer) -> None:
    async with as_admin(memory_server.port) as client:
        await client.publish_event("pony-derpy", "PonyJumped")
        assert [event.stream for event in await client.get_all()] == ["pony-derpy"]


@pytest.mark.parametrize("scheme", ["memory://", "sqlite:///{}/events.db"])
async def test_a_connection_string_can_enable_projections(scheme: str, tmp_path: Path) -> None:
    uri = scheme.format(tmp_path)
    async with rxpump.connect(f"{uri}?projections=true") as client:
        await client.publish_event("pony-derpy", "PonyJumped")
        [jump] = await first(1, client.stream("$ce-pony"))
        assert jump.stream == "pony-derpy"
    async with rxpump.connect(f"{uri}?projections=false") as client:
        await client.publish_event("goat-gruff", "GoatJumped")
        with pytest.raises(StreamNotFound):
            await client.get("$ce-goat")


async def test_projections_catch_up_and_resume_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    written = 0

    async def write(client: rxpump.Client, count: int) -> None:
        nonlocal written
        streams = [f"pony-{number % 7}" for number in range(count)]
        await asyncio.gather(*(client.publish(stream, [rxpump.NewEvent("T")] * 10) for stream in streams))
        written += 10 * count

    async with EmbeddedServer(SqliteStore.open(path)) as server, as_admin(server.port) as client:
        await write(client, 150)
    for _ in range(2):
        async with (
            EmbeddedServer(SqliteStore.open(path), projections=True) as server,
            as_admin(server.port) as client,
        ):
            await write(client, 50)
            await first(written, client.stream("$ce-pony"))
    await check(path, written)


async def originals(client: rxpump.Client) -> list[rxpump.Event]:
    """Return the events of the `pony-` streams in the order of the log, without links."""
    return [event async for event in client.iter_all() if event.link is None and event.stream.startswith("pony-")]


async def check(path: Path, written: int) -> None:
    """Let the projections catch up, and check that they link each event of the log once, in order."""
    async with EmbeddedServer(SqliteStore.open(path), projections=True) as server, as_admin(server.port) as client:
        by_category = await first(written, client.stream("$ce-pony"))
        by_type = await first(written, client.stream("$et-T"))
    async with EmbeddedServer(SqliteStore.open(path)) as server, as_admin(server.port) as client:
        events = [(event.stream, event.number) for event in await originals(client)]
        assert len(events) == written
        for linked in (by_category, by_type):
            assert [(event.stream, event.number) for event in linked] == events
        for stream in ("$ce-pony", "$et-T"):
            assert (await client.get_event(stream)).received.number == written - 1


async def test_a_killed_server_links_each_event_once(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload([kill_target.__name__])
    for _ in range(3):
        here, there = processes.Pipe()
        process = processes.Process(target=kill_target.serve, args=(str(path), there), kwargs={"projections": True})
        await asyncio.to_thread(process.start)
        there.close()
        port = await asyncio.to_thread(here.recv)
        kill_after = random.randint(1, 60)
        with suppress(RxPumpError):
            async with as_admin(port, reconnect=rxpump.Backoff(attempts=0)) as client:
                for number in range(100):
                    await client.publish(f"pony-{number % 3}", [rxpump.NewEvent("T") for _ in range(20)])
                    if number == kill_after:
                        process.kill()
        await asyncio.to_thread(process.join)
        process.close()
        here.close()
    async with EmbeddedServer(SqliteStore.open(path)) as server, as_admin(server.port) as client:
        written = len(await originals(client))
    await check(path, written)
