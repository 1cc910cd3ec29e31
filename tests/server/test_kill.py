"""After `kill -9` at any moment, the store can be opened and has each acknowledged event once, in order."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import random
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from rxpump.model.positions import StreamDirection
from rxpump.server import EmbeddedServer, SqliteStore
from rxpump.server.store.stream_window import Window
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.commands import Command
from tests.raw_client import ADMIN, RawClient
from tests.server import kill_target
from tests.server.store.driving import stream_of
from tests.server.talk import event_of

WRITERS = 4
IN_FLIGHT = 25


@dataclass
class Writer:
    """A client that writes to one stream, and records the event number of each acknowledged id."""

    stream: str
    acknowledged: dict[bytes, int] = field(default_factory=dict)
    unanswered: deque[list[Any]] = field(default_factory=deque)

    async def write(self, port: int, acknowledge: Callable[..., Any]) -> None:
        """Write until the connection is lost. Begin with the events that were not acknowledged."""
        in_flight: dict[bytes, list[Any]] = {}
        again = list(self.unanswered)
        with suppress(ConnectionError):
            async with RawClient("127.0.0.1", port) as client:
                while True:
                    while len(in_flight) < IN_FLIGHT:
                        events = again.pop(0) if again else [event_of("x" * 50) for _ in range(random.randint(1, 3))]
                        if events not in self.unanswered:
                            self.unanswered.append(events)
                        write = schema.WriteEvents(event_stream_id=self.stream, expected_version=-2, events=events)
                        in_flight[client.send(Command.WRITE_EVENTS, write)] = events
                    package = await client.receive()
                    if package is None:
                        return
                    events = in_flight.pop(package.correlation_id)
                    reply = schema.WriteEventsCompleted.FromString(package.payload)
                    assert reply.result == 0
                    assert reply.last_event_number - reply.first_event_number == len(events) - 1
                    self.unanswered.remove(events)
                    self.acknowledged |= {
                        event.event_id: number for number, event in enumerate(events, reply.first_event_number)
                    }
                    acknowledge()

    def check(self, store: SqliteStore) -> None:
        stored = ids_of(store, self.stream)
        assert len(set(stored)) == len(stored)
        for event_id, number in self.acknowledged.items():
            assert stored[number] == event_id


def ids_of(store: SqliteStore, name: str) -> list[bytes]:
    """Return the ids of the events of a stream, in order, after checking that the event numbers have no gap."""
    stream, ids = store.read.stream(name), list[bytes]()
    while stream is not None and len(ids) <= stream.last:
        window = Window(len(ids), len(ids) + 4095)
        page = store.read.stream_page(stream, window, StreamDirection.FORWARD, resolve_links=False)
        for resolved in schema.ReadStreamEventsCompleted.FromString(page.events).events:
            assert resolved.event.event_number == len(ids)
            ids.append(resolved.event.event_id)
    return ids


async def write_until_killed(processes: ForkServerContext, path: str, writers: list[Writer], after: int) -> None:
    """Run a server, and kill it after `after` acknowledged writes, while many others are in flight."""
    here, there = processes.Pipe()
    process = processes.Process(target=kill_target.serve, args=(path, there))
    await asyncio.to_thread(process.start)
    there.close()
    port = await asyncio.to_thread(here.recv)

    def acknowledge() -> None:
        nonlocal after
        after -= 1
        if after == 0:
            process.kill()

    if after == 0:
        process.kill()
    await asyncio.gather(*(writer.write(port, acknowledge) for writer in writers))
    await asyncio.to_thread(process.join)
    process.close()
    here.close()


async def rounds(count: int, path: str) -> None:
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload([kill_target.__name__])
    writers = [Writer(f"stream-{n}") for n in range(WRITERS)]
    for _ in range(count):
        await write_until_killed(processes, path, writers, after=random.randint(0, 200))
        store = SqliteStore.open(path)
        for writer in writers:
            writer.check(store)
        await store.close()
    assert sum(len(writer.acknowledged) for writer in writers) > count


async def test_a_server_that_is_killed_30_times_keeps_its_events(tmp_path: Path) -> None:
    await rounds(30, str(tmp_path / "events.db"))


@pytest.mark.long
@pytest.mark.timeout(3600)
async def test_a_server_that_is_killed_often_keeps_its_events(tmp_path: Any) -> None:
    await rounds(int(os.environ.get("ROUNDS", "2000")), str(tmp_path / "events.db"))


async def commit_until_killed(processes: ForkServerContext, path: str, after: float, sizes: dict[str, int]) -> None:
    """Commit transactions, one stream each, while a scavenge and the projections run, until the server is killed.

    It is killed `after` seconds after the first commit.
    """
    here, there = multiprocessing.Pipe()
    process = processes.Process(target=kill_target.serve, args=(path, there), kwargs={"projections": True})
    await asyncio.to_thread(process.start)
    there.close()
    port = await asyncio.to_thread(here.recv)
    keep_one = schema.NewEvent(
        event_id=uuid4().bytes_le, event_type="$metadata", data_content_type=1, data=b'{"$maxCount":1}'
    )
    killing: asyncio.TimerHandle | None = None
    with suppress(ConnectionError):
        async with RawClient("127.0.0.1", port) as client:
            while True:
                stream = f"whole-{uuid4().hex}"
                message = schema.TransactionStart(event_stream_id=stream, expected_version=-1)
                started = await client.ask_for(schema.TransactionStartCompleted, Command.TRANSACTION_START, message)
                id, size = started.transaction_id, random.randint(1, 5)
                for _ in range(size):
                    event = schema.TransactionWrite(transaction_id=id, events=[event_of("x")])
                    client.send(Command.TRANSACTION_WRITE, event)
                commit = schema.TransactionCommit(transaction_id=id)
                done = await client.ask_for(schema.TransactionCommitCompleted, Command.TRANSACTION_COMMIT, commit)
                assert (done.result, done.last_event_number) == (0, size - 1)
                sizes[stream] = size
                killing = killing or asyncio.get_running_loop().call_later(after, process.kill)
                for name, event in (("old-1", [event_of("y") for _ in range(20)]), ("$$old-1", [keep_one])):
                    write = schema.WriteEvents(event_stream_id=name, expected_version=-2, events=event)
                    client.send(Command.WRITE_EVENTS, write, user=ADMIN)
                client.send(Command.SCAVENGE_DATABASE, schema.ScavengeDatabase(), user=ADMIN)
    await asyncio.to_thread(process.join)
    process.close()
    here.close()


def linked(store: SqliteStore, category: str) -> list[bytes]:
    """Return the targets of the links of a category, after the projections have caught up."""
    stream = stream_of(store, f"$ce-{category}")
    window = Window(0, 4095)
    page = store.read.stream_page(stream, window, StreamDirection.FORWARD, resolve_links=False)
    return [resolved.event.data for resolved in schema.ReadStreamEventsCompleted.FromString(page.events).events]


async def test_a_kill_during_scavenges_loses_no_committed_event(tmp_path: Path) -> None:
    path, sizes = str(tmp_path / "events.db"), dict[str, int]()
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload([kill_target.__name__])
    for _ in range(8):
        await commit_until_killed(processes, path, random.uniform(0.02, 0.2), sizes)
        store = SqliteStore.open(path)
        for stream, size in sizes.items():
            assert len(ids_of(store, stream)) == size
        await store.close()
    assert sizes
    store = SqliteStore.open(path)
    expected = {f"{n}@{stream}".encode() for stream, size in sizes.items() for n in range(size)}
    async with EmbeddedServer(store, projections=True), asyncio.timeout(10):
        while not expected <= set(linked(store, "whole")):
            await asyncio.sleep(0.01)
        links = linked(store, "whole")
    assert len(set(links)) == len(links)
