"""`where=` returns the same events as `ops.where`, whether the server or the client filters."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Any

import pytest
from reactivex import operators as rx

import rxpump
from rxpump import EventFilter
from rxpump import operators as ops
from rxpump.model.signals import CaughtUp, Examined
from rxpump.server import EmbeddedServer, SqliteStore, Strictness
from rxpump.tcp.protocol.operation import Operation
from rxpump.tcp.protocol.pending_requests import PendingRequests
from rxpump.testing.proxy import Proxy

WANTED = [
    EventFilter(type_prefix="Pony"),
    EventFilter(type_prefix="$"),
    EventFilter(type_regex="^Pony(Jumped|Slept)$"),
    EventFilter(type_regex=r"\w+Jumped"),
    EventFilter(stream_prefix="pony-"),
    EventFilter(stream_regex="-[0-9]+$"),
    EventFilter(stream_regex=r"-\d$"),
    EventFilter(type_prefix="Pony", stream_regex="[1-3]$"),
    EventFilter(type_regex="ed$", stream_prefix="stable"),
    EventFilter(type_prefix="Unicorn"),
]
SHORT_TIMEOUTS = rxpump.Settings(
    reconnect=rxpump.Backoff(min_delay=0.001, max_delay=0.01), retry=rxpump.Backoff(min_delay=0.001, max_delay=0.01)
)


@pytest.fixture
async def client(memory_server: EmbeddedServer) -> AsyncIterator[rxpump.Client]:
    """A client of an admin. There are 200 events of several types and streams, links, and a deleted stream."""
    chance = random.Random(7)
    async with rxpump.connect(memory_server.uri, username="admin", password="changeit") as client:
        for number in range(150):
            stream = chance.choice(["pony-1", "pony-2", "pony-12", "stable", "Ponies"])
            type = chance.choice(["PonyJumped", "PonySlept", "StableBurned", "Ponyé", "😀Jumped"])
            await client.publish_event(stream, type, {"n": number})
            if chance.random() < 0.3:
                await client.link_to("pony-links", await client.get_event(stream))
        await client.delete_stream("pony-12")
        yield client


def key(event: rxpump.Event) -> Any:
    return event.stream, event.number, event.position


async def keys(source: Any) -> list[Any]:
    return await source.pipe(rx.map(key), rx.to_list())  # type: ignore[no-any-return]


@pytest.mark.parametrize("where", WANTED, ids=repr)
async def test_a_filtered_read_equals_the_operator(client: rxpump.Client, where: EventFilter) -> None:
    for direction in rxpump.StreamDirection:
        for links in (False, True):
            options: Any = {"direction": direction, "resolve_links": links, "batch_size": 7}
            everything = client.iter_all(**options)
            expected = [key(event) async for event in everything if where.matches(event)]
            assert await keys(client.iter_all(where=where, **options)) == expected


async def test_a_filtered_read_needs_few_pages(client: rxpump.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server leaves out the events that do not match."""
    asked: list[str] = []
    submit = PendingRequests.submit

    def note(self: PendingRequests, operation: Operation[Any], *context: Any) -> Any:
        asked.append(type(operation).__name__)
        return submit(self, operation, *context)

    monkeypatch.setattr(PendingRequests, "submit", note)
    assert (
        await keys(client.iter_all(batch_size=2, resolve_links=False, where=EventFilter(type_prefix="Unicorn"))) == []
    )
    assert set(asked) == {"FilteredReadAllForward"}
    assert len(asked) <= 2


@pytest.mark.parametrize("prefix", ["ate", "b\u0e40"])
@pytest.mark.parametrize("by", ["type_prefix", "stream_prefix"])
async def test_a_prefix_matches_on_a_culture_sensitive_server(prefix: str, by: str) -> None:
    names = [prefix, f"{prefix}\u0301", f"{prefix}\u0e01", f"{prefix}x"]
    where = EventFilter(**{by: prefix})

    async def write(client: rxpump.Client) -> None:
        for name in names:
            await client.publish_event(name if by == "stream_prefix" else "s", name)

    async with (
        EmbeddedServer(SqliteStore.in_memory(), strictness=Strictness.REAL) as server,
        rxpump.connect(server.uri, username="admin", password="changeit") as client,
    ):
        await write(client)
        events = client.stream_all(where=where, resolve_links=False).pipe(ops.with_signals())
        recorder = Recorder()
        following = events.subscribe(recorder.note)
        await recorder.until(CaughtUp)
        await write(client)
        await recorder.until(rxpump.Event, 8)
        following.dispose()
        read = [event.type async for event in client.iter_all(where=where, resolve_links=False)]
    assert read == [item.type for item in recorder.items if isinstance(item, rxpump.Event)] == names * 2


class Recorder:
    """A subscriber that records its items and can wait for them."""

    def __init__(self) -> None:
        self.items: list[Any] = []
        self._changed = asyncio.Event()

    def note(self, item: Any) -> None:
        self.items.append(item)
        self._changed.set()

    async def until(self, kind: type[Any], count: int = 1) -> Any:
        """Wait for `count` items of a kind, and return the last item."""
        while sum(isinstance(item, kind) for item in self.items) < count:
            self._changed.clear()
            await self._changed.wait()
        return self.items[-1]


@pytest.mark.parametrize("size", [1, 7, 500])
@pytest.mark.parametrize("where", WANTED, ids=repr)
async def test_examined_is_reported_with_either_filter(client: rxpump.Client, where: EventFilter, size: int) -> None:
    """A subscription that starts at an examined position delivers the other matching events and no more."""
    recorder = Recorder()
    await client.publish("other", [rxpump.NewEvent("Other") for _ in range(20)])
    options: Any = {"where": where, "resolve_links": False, "batch_size": size}
    following = client.stream_all(**options).pipe(ops.with_signals()).subscribe(recorder.note)
    await recorder.until(CaughtUp)
    following.dispose()
    examined = [item.position for item in recorder.items if isinstance(item, Examined)]
    assert examined
    assert examined == sorted(set(examined))
    for position in examined[:: max(1, len(examined) // 5)]:
        delivered = recorder.items[: recorder.items.index(Examined(position))]
        rest = client.stream_all(position, **options).pipe(ops.until_caught_up(), rx.map(key), rx.to_list())
        everything = [key(item) for item in recorder.items if isinstance(item, rxpump.Event)]
        assert await rest == everything[sum(isinstance(item, rxpump.Event) for item in delivered) :]


@pytest.mark.parametrize("where", WANTED[:6], ids=repr)
async def test_a_filtered_subscription_survives_lost_connections(
    memory_server: EmbeddedServer, client: rxpump.Client, where: EventFilter
) -> None:
    chance = random.Random(3)
    async with (
        Proxy(memory_server.port, chance, mean_bytes=3000) as proxy,
        rxpump.connect(f"tcp://admin:changeit@127.0.0.1:{proxy.port}", settings=SHORT_TIMEOUTS) as follower,
    ):
        recorder = Recorder()
        following = follower.stream_all(where=where, batch_size=20).subscribe(recorder.note, recorder.note)
        for number in range(100):
            stream = chance.choice(["pony-1", "pony-2", "stable"])
            await client.publish_event(stream, chance.choice(["PonyJumped", "StableBurned"]), {"n": number})
        proxy.calm()
        expected = [key(event) async for event in client.iter_all() if where.matches(event)]
        await recorder.until(rxpump.Event, len(expected))
        following.dispose()
        assert proxy.accepted > 1, "it was cut, and came back"
        assert [key(event) for event in recorder.items] == expected


async def test_a_subscription_resumes_at_an_examined_position(client: rxpump.Client) -> None:
    where, recorder = ops.where(type_prefix="Unicorn"), Recorder()
    following = client.stream_all(where=where).pipe(ops.with_signals()).subscribe(recorder.note)
    await recorder.until(CaughtUp)
    await client.publish("stable", [rxpump.NewEvent("StableBurned") for _ in range(1200)])
    examined = await recorder.until(Examined)
    await client.publish_event("stable", "UnicornSeen")
    await recorder.until(rxpump.Event)
    following.dispose()
    rest = client.stream_all(examined.position, where=where)
    assert (await rest.pipe(rx.first())).type == "UnicornSeen"
    async for event in client.iter_all(from_position=examined.position, batch_size=1):
        assert event.type == "StableBurned", "of those that were passed over"
        break


async def test_the_client_filters_if_the_server_cannot(
    client: rxpump.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Version 4 replies to the three commands with BadRequest (docs/protocol/tcp.md, section 2)."""
    refused: list[str] = []
    interpret = Operation.interpret

    def old(self: Operation[Any], package: Any) -> Any:
        if type(self).__name__.startswith("Filtered"):
            refused.append(type(self).__name__)
            package = package._replace(command=0xF0, payload=b"What?")
        return interpret(self, package)

    monkeypatch.setattr(Operation, "interpret", old)
    where = EventFilter(type_prefix="Pony")
    expected = await keys(client.iter_all().pipe(ops.where(type_prefix="Pony")))
    assert await keys(client.iter_all(where=where, batch_size=7)) == expected
    assert await keys(client.stream_all(where=where, batch_size=7).pipe(rx.take(len(expected)))) == expected
    assert refused == ["FilteredReadAllForward"]


@pytest.mark.parametrize(("prefix", "name"), [("ate", "ate\u0301"), ("b\u0e40", "b\u0e40\u0e01")])
async def test_a_prefix_loses_no_event_on_a_culture_sensitive_server(prefix: str, name: str) -> None:
    async with rxpump.connect("memory://?strictness=real") as client:
        await client.publish_event("s", name)
        where = ops.where(type_prefix=prefix)
        assert [event.type async for event in client.iter_all(where=where)] == [name]
