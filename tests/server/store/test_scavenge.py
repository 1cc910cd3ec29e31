"""Scavenges, on every kind of store."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from rxpump.model.positions import Position
from rxpump.server import SqliteStore, StoreError
from rxpump.server.store import scavenge as module
from rxpump.server.store.append_rule import StreamDeleted
from rxpump.server.store.changes import Appended
from rxpump.server.store.transaction import CommitRequest
from rxpump.server.store.write_transaction import Prepared
from tests.server.store.driving import (
    ANY,
    BACKWARD,
    NO_STREAM,
    Clock,
    all_page,
    data,
    delete,
    new_event,
    reserve_positions,
    stream_of,
    stream_page,
    visible,
    write,
    write_metadata,
    write_numbers,
)
from tests.server.store.test_feed import names

MAX64 = 2**63 - 1


@pytest.fixture(autouse=True, params=[2, 500])
def events_a_step(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The number of events in a step: small and large."""
    monkeypatch.setattr(module, "_EVENTS", request.param)
    monkeypatch.setattr(module, "_STREAMS", request.param)


def log_of(store: SqliteStore) -> list[str]:
    return names(all_page(store, 0, 1000))


async def test_a_scavenge_removes_only_invisible_events(store: SqliteStore) -> None:
    for name in ("counted", "truncated", "soft", "hard", "kept"):
        await write_numbers(store, name, 5)
    await write_metadata(store, "counted", {"$maxCount": 4})
    await write_metadata(store, "counted", {"$maxCount": 2})
    await write_metadata(store, "truncated", {"$tb": 3})
    await write_metadata(store, "hard", {"mine": 1})
    await delete(store, "soft")
    await delete(store, "hard", hard=True)
    before = {name: visible(store, name) for name in ("counted", "truncated", "kept", "$$counted", "$$soft")}
    ends = {name: store.read.head(name) for name in ("counted", "truncated", "soft", "hard", "$$hard", "$$counted")}
    scavenged = await store.scavenge()
    assert scavenged.size > 0
    assert {name: visible(store, name) for name in before} == before
    assert {name: store.read.head(name) for name in ends} == ends
    assert log_of(store) == [
        "3@counted", "4@counted", "3@truncated", "4@truncated", *(f"{n}@kept" for n in range(5)),
        "1@$$counted", "0@$$truncated", "0@$$soft", f"{MAX64}@hard",
    ]  # fmt: skip
    assert names(all_page(store, store.read.log().end, 1000, BACKWARD)) == log_of(store)[::-1]
    assert (await store.scavenge()).size == 0


async def test_numbers_and_positions_continue_after_a_scavenge(store: SqliteStore) -> None:
    for name in ("soft", "all"):
        await write_numbers(store, name, 3)
    await delete(store, "soft")
    await write_metadata(store, "all", {"$tb": 10})
    log = store.read.log()
    await store.scavenge()
    assert store.read.log() == log
    assert (await write(store, "soft", new_event(), expected=NO_STREAM)).first == 3
    written = await write(store, "all", new_event(), expected=2)
    assert (written.first, written.position >= log.end) == (3, True)
    assert visible(store, "soft") == [3]


async def test_scavenged_events_never_reappear(store: SqliteStore) -> None:
    await write_numbers(store, "s", 3)
    await delete(store, "s", hard=True)
    await store.scavenge()
    for name in ("s", "$$s"):
        assert await write(store, name, new_event()) == StreamDeleted()
    assert log_of(store) == [f"{MAX64}@s"]


async def test_a_stream_with_a_gap_is_readable(store: SqliteStore) -> None:
    await write_numbers(store, "s", 10)
    await write_metadata(store, "s", {"$maxCount": 3})
    await store.scavenge()
    await write_metadata(store, "s", {})
    stream = stream_of(store, "s")
    assert stream.first_kept == 0
    assert data(stream_page(store, stream, 0, 8)) == [7, 8]
    assert data(stream_page(store, stream, 0, 8, BACKWARD)) == [8, 7]


async def test_ids_of_scavenged_events_are_forgotten(store: SqliteStore) -> None:
    events = [new_event(n) for n in range(4)]
    await write(store, "s", *events)
    await write_metadata(store, "s", {"$tb": 2})
    await store.scavenge()
    assert await write(store, "s", *events[2:], expected=1) == Appended(2, 3, -1)
    assert (await write(store, "s", events[0])).first == 4


async def test_expired_events_are_removed(tmp_path: Path) -> None:
    clock = Clock()
    store = SqliteStore.open(tmp_path / "events.db", clock=clock)
    await write_metadata(store, "s", {"$maxAge": 10})
    for _ in range(4):
        await write_numbers(store, "s", 2)
        clock.now += 4
    await store.scavenge()
    assert log_of(store) == ["0@$$s", "4@s", "5@s", "6@s", "7@s"]
    await store.close()


async def test_events_of_a_transaction_are_removed_too(store: SqliteStore) -> None:
    [id], places = await reserve_positions(store), await reserve_positions(store, 3)
    prepared = list(map(Prepared, map(new_event, range(3)), places))
    await store.append(CommitRequest(id, "s", ANY, prepared))
    await write_metadata(store, "s", {"$tb": 2})
    await store.scavenge()
    assert log_of(store) == ["2@s", "0@$$s"]
    [last, _] = all_page(store, 0, 10)
    assert all_page(store, store.read.offset(Position(last.commit_position, places[0])), 1)[0] == last


async def test_writes_continue_during_a_scavenge(store: SqliteStore) -> None:
    await write_numbers(store, "s", 200)
    await write_metadata(store, "s", {"$tb": 200})
    scavenge = store.scavenge()
    assert store.is_scavenging
    with pytest.raises(StoreError, match="runs already"):
        store.scavenge()
    numbers = []
    while not scavenge.done():
        numbers.append((await write(store, "other", new_event())).first)
    assert numbers == list(range(len(numbers)))
    assert (await scavenge).size > 0
    assert not store.is_scavenging
    assert log_of(store)[1:] == [f"{n}@other" for n in numbers]


async def test_a_scavenge_shrinks_the_file(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    store = SqliteStore.open(path)
    await write(store, "s", *(new_event(data=bytes(100_000)) for _ in range(50)))
    await write_numbers(store, "kept", 3)
    await delete(store, "s")
    assert (await store.scavenge()).size > 5_000_000
    await store.close()
    assert path.stat().st_size < 500_000
    store = SqliteStore.open(path)
    assert log_of(store) == ["0@kept", "1@kept", "2@kept", "0@$$s"]
    await store.close()


async def test_closing_the_store_ends_a_scavenge(store: SqliteStore) -> None:
    await write_numbers(store, "s", 200)
    await delete(store, "s")
    scavenge = store.scavenge()
    await asyncio.sleep(0)
    await store.close()
    assert not store.is_scavenging
    with pytest.raises(StoreError, match="closed"):
        await scavenge
