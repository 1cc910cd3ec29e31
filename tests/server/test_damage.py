"""A damaged record causes an error that names it, and all other records can be read."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

import rxpump
from rxpump import Client, StreamDirection
from rxpump.errors import ReadFailed, ServerFailed
from rxpump.server import DamagedRecord, EmbeddedServer, SqliteStore, StoreError, check
from tests.server.store.driving import (
    BACKWARD,
    FORWARD,
    all_page,
    damage,
    new_event,
    stream_page,
    write,
    write_metadata,
    write_numbers,
)

ADMIN: dict[str, Any] = {"username": "admin", "password": "changeit"}


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    path = tmp_path / "events.db"
    store = SqliteStore.open(path)
    await write_numbers(store, "s", 10)
    await write_numbers(store, "t", 10)
    await write(store, "links", new_event(type="$>", data="5@s"), new_event(type="$>", data="5@t"))
    await store.close()
    return path


@pytest.fixture
async def client(path: Path) -> AsyncIterator[Any]:
    """A client of a server whose event 5 of `s` is damaged."""
    damage(path, "UPDATE events SET record = CAST(substr(record, 1, 40) || x'00' || substr(record, 42) AS BLOB)"
           " WHERE stream = 1 AND revision = 5")  # fmt: skip
    async with (
        EmbeddedServer(SqliteStore.open(path)) as server,
        rxpump.connect(server.uri, **ADMIN, timeout=5) as client,
    ):
        yield client


EVENT_5 = "event 5 of stream 's' is damaged in the server's store"


@pytest.mark.parametrize(
    "read",
    [
        lambda client: client.get("s"),
        lambda client: client.get("s", direction=rxpump.StreamDirection.BACKWARD),
        lambda client: client.get_event("s", 5),
        lambda client: client.get("links"),
        lambda client: client.get_event("links", 0),
    ],
)
async def test_a_read_of_a_damaged_event_fails(client: Client, read: Callable[..., Any]) -> None:
    with pytest.raises(ReadFailed, match=EVENT_5):
        await read(client)
    assert [event.number for event in await client.get("s", max_count=5)] == [0, 1, 2, 3, 4]
    assert [event.number for event in await client.get("s", from_event=6)] == [6, 7, 8, 9]
    assert len(await client.get("t")) == 10
    assert (await client.publish_event("s", "Next")).last_event_number == 10


async def test_a_read_of_all_events_ends_at_the_damage(client: Client) -> None:
    seen = []
    with pytest.raises(ReadFailed, match=r"the event at position [0-9]+ is damaged"):
        async for event in client.iter_all(batch_size=1):
            seen.append(event.number)
    assert seen == [0, 1, 2, 3, 4]


async def test_a_subscription_to_a_damaged_event_fails(client: Client) -> None:
    await client.create_subscription("g", "s", start_from=0, read_batch_size=1)
    seen = []
    with pytest.raises(ServerFailed, match=EVENT_5):
        async for delivery in client.connect_subscription("g", "s"):
            seen.append(delivery.number)
            delivery.ack()
    assert 5 not in seen
    await client.ping()


async def test_a_damaged_entry_of_a_stream_affects_that_stream_alone(path: Path) -> None:
    damage(path, "UPDATE streams SET last = 5 WHERE name = 's'")
    async with EmbeddedServer(SqliteStore.open(path)) as server, rxpump.connect(server.uri, **ADMIN) as client:
        for call in (client.get("s"), client.get_event("s", 0)):
            with pytest.raises(ReadFailed, match="the entry of stream 's' is damaged"):
                await call
        with pytest.raises(ServerFailed, match="the entry of stream 's' is damaged"):
            await client.publish_event("s", "Lost")
        with pytest.raises(ServerFailed, match="the entry of stream 's' is damaged"):
            await client.delete_stream("s")
        assert len(await client.get("t")) == 10
        assert (await client.publish_event("t", "Kept")).last_event_number == 10


async def test_flipped_bits_are_never_served(tmp_path: Path) -> None:
    """After bits of a closed file changed, each read is correct or fails, and a check finds the damage."""
    path, copy = tmp_path / "events.db", tmp_path / "copy.db"
    store = SqliteStore.open(path)
    for _ in range(3):
        for name in NAMES:
            await write_numbers(store, name, 10)
    await write(store, "links", *(new_event(type="$>", data=f"{n}@s{n}") for n in range(10)))
    await write_metadata(store, "s1", {"$maxCount": 5})
    await store.close()
    right = answers(path)
    content = path.read_bytes()
    flips = random.Random(7)
    served = 0
    for _ in range(40):
        changed = bytearray(content)
        for _ in range(3):
            changed[flips.randrange(len(changed))] ^= 1 << flips.randrange(8)
        copy.write_bytes(changed)
        with suppress(StoreError):
            found = answers(copy)
            wrong = [question for question in right if found[question] not in (right[question], DAMAGED)]
            assert not wrong
            if DAMAGED in found.values():
                served += 1
                assert not check(copy).is_sound
        remove_journals(tmp_path)
    assert served > 20


DAMAGED = "damaged"


def remove_journals(folder: Path) -> None:
    for journal in folder.glob("copy.db-*"):
        journal.unlink()


NAMES = [f"s{number}" for number in range(12)]


def answers(path: Path) -> dict[tuple[Any, ...], Any]:
    """Return the result of each read of a store, DAMAGED instead of an error."""
    store = SqliteStore.open(path)
    found = {}
    for question, ask in questions(store):
        try:
            found[question] = ask()
        except (DamagedRecord, sqlite3.DatabaseError):
            found[question] = DAMAGED
    for connection in store._connections:
        connection.close()
    return found


def questions(store: SqliteStore) -> Iterator[tuple[Any, ...]]:
    for name in (*NAMES, "links", "$$s1"):
        for direction in (FORWARD, BACKWARD):
            yield (name, direction), lambda name=name, direction=direction: pages(store, name, direction)
        yield (name, "head"), lambda name=name: store.read.head(name)
        yield (name, "access"), lambda name=name: store.read.access_lists(name)
    yield "all", lambda: encoded(all_page(store, 0, 4096))
    yield "all, resolved", lambda: encoded(all_page(store, 0, 4096, resolve_links=True))
    yield "log", store.read.log


def pages(store: SqliteStore, name: str, direction: StreamDirection) -> list[bytes] | None:
    stream = store.read.stream(name)
    window = (stream.first_kept, min(stream.last, 4096)) if stream else (0, -1)
    return stream and encoded(stream_page(store, stream, *window, direction, resolve_links=True))


def encoded(events: Any) -> list[bytes]:
    return [event.SerializeToString() for event in events]
