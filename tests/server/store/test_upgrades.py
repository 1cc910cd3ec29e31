"""Upgrades of stores from earlier versions."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from rxpump.server import DamagedRecord, DamagedStore, SqliteStore, StoreTooNew, check
from rxpump.server.store.database import APPLICATION_ID, VERSION
from rxpump.server.store.record import make_row
from tests.server.store.driving import (
    Clock,
    all_page,
    new_event,
    stream_of,
    stream_page,
    visible,
    write,
    write_metadata,
)

VERSION_1 = """
CREATE TABLE streams (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE events (
    position INTEGER PRIMARY KEY, stream INTEGER NOT NULL, revision INTEGER NOT NULL, event_id BLOB NOT NULL,
    stream_head BLOB NOT NULL, record BLOB NOT NULL, all_head BLOB NOT NULL, all_tail BLOB NOT NULL,
    link_stream TEXT, link_revision INTEGER
);
CREATE UNIQUE INDEX events_by_stream ON events (stream, revision);
CREATE INDEX events_by_id ON events (event_id);
CREATE INDEX links_by_stream ON events (stream, revision) WHERE link_stream IS NOT NULL;
CREATE INDEX links_by_position ON events (position) WHERE link_stream IS NOT NULL;
CREATE TABLE log (last_commit INTEGER NOT NULL, end INTEGER NOT NULL, largest INTEGER NOT NULL);
INSERT INTO log VALUES (-1, 64, 0);
"""


VERSION_2 = (Path(__file__).parents[2] / "data" / "store_version_2.sql").read_text()


@pytest.fixture
def version_2(tmp_path: Path) -> Path:
    """Return the path of a store in the format of version 2, with links, a transaction, deletes and a scavenge."""
    return make_database(tmp_path / "events.db", VERSION_2, version=2)


def make_database(path: Path, statements: str, version: int) -> Path:
    """Create the database of a store in the format of `version`, and return its path."""
    database = sqlite3.connect(path)
    database.executescript(statements)
    database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    database.execute(f"PRAGMA user_version = {version}")
    database.close()
    return path


async def test_a_store_of_version_2_is_read_as_before(version_2: Path) -> None:
    store = SqliteStore.open(version_2, clock=Clock())
    shown = {name: visible(store, name) for name in ("numbers", "counted", "empty", "transacted", "$$counted")}
    assert shown == {
        "numbers": [0, 1, 2, 3, 4], "counted": [4, 5], "empty": [], "transacted": [0, 1], "$$counted": [1]
    }  # fmt: skip
    assert [stream_of(store, name).last for name in ("counted", "empty", "soft")] == [5, 2, 1]
    assert stream_of(store, "hard").is_tombstoned
    links = stream_page(store, stream_of(store, "links"), 0, 2, resolve_links=True)
    assert [link.event.event_number for link in links if link.HasField("event")] == [0, 4]
    assert len(all_page(store, 0, 100)) == len(all_page(store, 0, 100, resolve_links=True)) == 18
    assert (await write(store, "counted", new_event(), expected=5)).first == 6
    assert (await write(store, "empty", new_event(), expected=2)).first == 3
    await store.close()
    assert check(version_2).is_sound


async def test_damage_is_detected_after_the_upgrade(version_2: Path) -> None:
    database = sqlite3.connect(version_2)
    database.execute("UPDATE events SET record = x'0a' WHERE stream = 1 AND revision = 2")
    database.commit()
    database.close()
    store = SqliteStore.open(version_2)
    with pytest.raises(DamagedRecord) as caught:
        visible(store, "numbers")
    assert (caught.value.stream, caught.value.number) == ("numbers", 2)
    assert visible(store, "transacted") == [0, 1]
    await store.close()


async def test_scavenged_events_of_version_2_are_not_missing(version_2: Path) -> None:
    """Events that a scavenge removed are not reported; events that damage removed are."""
    database = sqlite3.connect(version_2)
    database.execute("DELETE FROM events WHERE stream = 1 AND revision = 4")
    database.commit()
    database.close()
    store = SqliteStore.open(version_2)
    assert visible(store, "counted") == [4, 5]
    with pytest.raises(DamagedRecord, match="event 4 of stream 'numbers'"):
        visible(store, "numbers")
    await store.close()


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """Return the path of a store from version 1."""
    path = tmp_path / "events.db"
    database = sqlite3.connect(path)
    database.executescript(VERSION_1)
    database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    database.execute("PRAGMA user_version = 1")
    written = [
        ("s", new_event(0)),
        ("s", new_event(1)),
        ("$$s", new_event(data=b'{"$maxCount":1,"mine":2}', json=True)),
        ("$$later", new_event(data=b'{"$maxAge":10}', json=True)),
        ("$$binary", new_event(data=b'{"$maxCount":1}')),
        ("$settings", new_event(data=b'{"$userStreamAcl":{"$r":"a"}}')),
        ("s", new_event(2)),
    ]
    position, keys, revisions = 64, dict[str, int](), dict[str, int]()
    for stream, event in written:
        key = keys.setdefault(stream, len(keys) + 1)
        revision = revisions[stream] = revisions.get(stream, -1) + 1
        row = make_row(
            event, stream=key, name=stream, revision=revision, position=position, now_ns=Clock().now * 10**9
        )
        database.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row[:10])
        database.execute("UPDATE log SET last_commit = ?, end = ?", (position, row.position_after))
        position = row.position_after
    database.executemany("INSERT INTO streams VALUES (?, ?)", [(key, name) for name, key in keys.items()])
    database.commit()
    database.close()
    return path


async def test_an_upgrade_keeps_events_and_metadata(old: Path) -> None:
    clock = Clock()
    store = SqliteStore.open(old, clock=clock)
    assert len(all_page(store, 0, 20)) == 7
    assert (visible(store, "s"), stream_of(store, "s").last) == ([2], 2)
    assert store.read.stream("later") is None
    assert store.read.access_lists("later")[1] == b'{"$userStreamAcl":{"$r":"a"}}'
    assert (await write(store, "s", new_event())).first == 3
    await write(store, "later", new_event())
    await write(store, "binary", new_event(), new_event())
    assert (visible(store, "later"), visible(store, "binary")) == ([0], [0, 1])
    await write_metadata(store, "s", {"$maxAge": 10})
    assert visible(store, "s") == [0, 1, 2, 3]
    clock.now += 11
    assert (visible(store, "s"), visible(store, "later")) == ([], [])
    await store.scavenge()
    assert [event.event.event_stream_id for event in all_page(store, 0, 20)][-1] == "$$s"
    await store.close()


async def test_an_upgrade_reaches_the_current_version(old: Path) -> None:
    for _ in range(2):
        await SqliteStore.open(old).close()
    database = sqlite3.connect(old)
    assert database.execute("PRAGMA user_version").fetchone() == (VERSION,)
    there = _schema(database)
    database.close()
    fresh = old.with_name("fresh.db")
    await SqliteStore.open(fresh).close()
    database = sqlite3.connect(fresh)
    assert _schema(database) == there
    database.execute(f"PRAGMA user_version = {VERSION + 1}")
    database.close()
    with pytest.raises(StoreTooNew):
        SqliteStore.open(fresh)


async def test_a_failed_upgrade_changes_nothing(old: Path) -> None:
    database = sqlite3.connect(old)
    database.execute("UPDATE events SET record = x'ff' WHERE revision = 2")
    database.commit()
    with pytest.raises(DamagedStore):
        SqliteStore.open(old)
    assert database.execute("PRAGMA user_version").fetchone() == (1,)
    assert len(database.execute("PRAGMA table_info(events)").fetchall()) == 10
    database.close()


def _schema(database: sqlite3.Connection) -> tuple[list[Any], dict[str, Any]]:
    """Return the tables with their columns, and the indexes."""
    names = database.execute("SELECT type, name FROM sqlite_master ORDER BY name").fetchall()
    columns = {
        name: [row[1:4] for row in database.execute(f"PRAGMA table_info({name})")]
        for kind, name in names
        if kind == "table"
    }
    return names, columns
