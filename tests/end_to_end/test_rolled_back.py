"""A server that lost events, because it was emptied or restored: subscriptions fail with StreamRolledBack."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

import rxpump
from rxpump import operators as ops
from rxpump.backoff import Backoff
from rxpump.errors import StreamRolledBack
from rxpump.model.new_events import NewEvent
from rxpump.model.positions import Position
from rxpump.model.signals import CaughtUp
from rxpump.server import EmbeddedServer, SqliteStore
from rxpump.settings import Settings

SETTINGS = Settings(retry=Backoff(0.001, 0.01), reconnect=Backoff(0.001, 0.01))

Subscribe = Callable[[rxpump.Client], Any]

OF_A_STREAM: dict[str, Subscribe] = {
    "stream": lambda client: client.stream("s"),
    "live": lambda client: client.live("s"),
}
OF_ALL: dict[str, Subscribe] = {
    "stream_all": lambda client: client.stream_all(),
    "stream_all, filtered by the server": lambda client: client.stream_all(where=ops.where(type_prefix="Counted")),
    "stream_all, filtered here": lambda client: client.stream_all(where=ops.where(type_regex=r"\w")),
    "stream_all, from the end": lambda client: client.stream_all(rxpump.END),
}
KINDS = {**OF_A_STREAM, **OF_ALL}


@pytest.fixture(autouse=True)
def no_lag(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rxpump.streams.catch_up.LAG_SECONDS", 0.0)


class Machine:
    """A server that restarts on the same port without its latest events."""

    def __init__(self, backup: Path) -> None:
        self.server = EmbeddedServer(SqliteStore.in_memory())
        self._backup = backup

    async def start(self, events: int) -> None:
        await self.server.start()
        async with self.connect() as client:
            await write(client, events)

    async def restart(self, events: int) -> None:
        port = self.server.port
        await self.server.stop()
        if events:  # The events are written before the start, because clients connect at once.
            self.server = EmbeddedServer(SqliteStore.open(self._backup))
            await self.start(events)
            await self.server.stop()
        store = SqliteStore.open(self._backup) if events else SqliteStore.in_memory()
        self.server = EmbeddedServer(store, port=port)
        await self.server.start()

    def connect(self) -> rxpump.Client:
        return rxpump.connect(f"tcp://admin:changeit@127.0.0.1:{self.server.port}", settings=SETTINGS)


@pytest.fixture
async def machine(tmp_path: Path) -> AsyncIterator[Machine]:
    machine = Machine(tmp_path / "backup.db")
    await machine.start(10)
    yield machine
    await machine.server.stop()


async def write(client: rxpump.Client, events: int) -> None:
    await client.publish("s", [NewEvent("Counted") for _ in range(events)])


class Followed:
    """A subscription to stream `s` that records the numbers of its events, and its error."""

    def __init__(self, source: Any) -> None:
        self.numbers: list[int] = []
        self.is_live = asyncio.Event()
        self.ended: asyncio.Future[Exception] = asyncio.get_running_loop().create_future()
        self._arrived = asyncio.Event()
        self.subscription = source.pipe(ops.with_signals()).subscribe(self._note, self.ended.set_result)

    def _note(self, item: Any) -> None:
        if isinstance(item, CaughtUp):
            self.is_live.set()
        elif getattr(item, "stream", None) == "s":
            self.numbers.append(item.number)
            self._arrived.set()

    async def until(self, number: int) -> None:
        while number not in self.numbers:
            self._arrived.clear()
            await self._arrived.wait()


@pytest.mark.parametrize("left", [0, 3], ids=["empty", "restored"])
@pytest.mark.parametrize("kind", KINDS)
async def test_a_subscription_fails_with_stream_rolled_back(machine: Machine, kind: str, left: int) -> None:
    async with machine.connect() as client:
        followed = Followed(KINDS[kind](client))
        await followed.is_live.wait()
        await write(client, 1)
        await followed.until(10)
        seen = list(followed.numbers)
        last = await client.get_event("s") if kind in OF_A_STREAM else (await client.get_all(max_count=100))[-1]
        await machine.restart(left)
        error = await followed.ended
        assert isinstance(error, StreamRolledBack)
        assert not error.retryable
        assert followed.numbers == seen
        if kind in OF_A_STREAM:
            assert (error.stream, error.last_seen, error.current) == ("s", last.number, left - 1)
            assert str(error).startswith(
                f"the subscription to 's' has delivered event 10, and the last event of the server is {left - 1}"
            )
        else:
            assert error.stream == "$all"
            assert isinstance(error.last_seen, Position)
            assert error.last_seen >= (last.position or error.last_seen)
            assert isinstance(error.current, Position)
            assert last.position is not None
            assert error.current <= last.position


async def test_a_resumed_subscription_fails(machine: Machine) -> None:
    async with machine.connect() as client:
        event = await client.get_event("s", 9)
        in_all = [event async for event in client.iter_all() if event.stream == "s"][-1]
        await machine.restart(3)
        of_stream, of_all = (
            Followed(client.stream("s").resume_after(event)),
            Followed(client.stream_all().resume_after(in_all)),
        )
        for followed in (of_stream, of_all):
            assert isinstance(await followed.ended, StreamRolledBack)


async def test_a_relay_fails_if_its_source_lost_events(machine: Machine) -> None:
    async with machine.connect() as client:
        async for result in client.relay("s", lambda events: events, "out"):
            if result.last_event_number == 9:
                break
        copies = [event async for event in client.iter("out")]
        await machine.restart(3)
        marked = [NewEvent(event.type, event.data, metadata=event.metadata) for event in copies]
        await client.publish("out", marked)
        with pytest.raises(StreamRolledBack):
            await client.relay("s", lambda events: events, "out")


async def test_a_missing_stream_is_waited_for(machine: Machine) -> None:
    async with machine.connect() as client:
        new, later = Followed(client.stream("new")), Followed(client.stream("s", from_event=20))
        await new.is_live.wait()
        await later.is_live.wait()
        await machine.restart(0)
        await write(client, 22)
        await later.until(21)
        assert later.numbers == [20, 21]
        assert not new.ended.done()


async def test_a_recreated_stream_is_continued(machine: Machine) -> None:
    async with machine.connect() as client:
        followed = Followed(client.stream("s"))
        await followed.until(9)
        await followed.is_live.wait()
        await client.delete_stream("s")
        client._transport._connections.reads.connection._socket.abort()  # type: ignore[attr-defined]
        await write(client, 2)
        await followed.until(11)
        assert followed.numbers == list(range(12))
        assert not followed.ended.done()


async def test_a_truncated_stream_is_continued(machine: Machine) -> None:
    async with machine.connect() as client:
        followed = Followed(client.stream("s"))
        await followed.until(9)
        await client.set_metadata("s", truncate_before=50)
        client._transport._connections.reads.connection._socket.abort()  # type: ignore[attr-defined]
        await client.set_metadata("s")
        await write(client, 1)
        await followed.until(10)
        assert not followed.ended.done()
