"""A store in a file: opening, reopening and refusing it."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rxpump.server import (
    DamagedStore,
    NotAStore,
    SqliteStore,
    StoreNotFound,
    StoreReadOnly,
    StoreTooNew,
    StoreUnreadable,
)
from tests.server.store.driving import (
    FORWARD,
    all_page,
    data,
    new_event,
    stream_of,
    stream_page,
    write,
    write_numbers,
)

_NOBODY = 65534


async def test_a_reopened_store_has_its_events(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    store = SqliteStore.open(path)
    event = new_event(0)
    await write(store, "s", event, *map(new_event, range(1, 5)))
    await write(store, "s")
    log, positions = store.read.log(), [event.commit_position for event in all_page(store, 0, 9)]
    await store.close()

    store = SqliteStore.open(path)
    assert store.read.log() == log
    assert [event.commit_position for event in all_page(store, 0, 9)] == positions
    assert data(stream_page(store, stream_of(store, "s"), 0, 4)) == [0, 1, 2, 3, 4]
    assert (await write(store, "s", event)).position == -1
    later = await write(store, "s", new_event())
    assert later.first == 5
    assert later.position == log.end
    await store.close()


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    path.write_bytes(b"\x89PNG" + bytes(5000))
    with pytest.raises(NotAStore, match=r"picture\.png"):
        SqliteStore.open(path)
    assert os.listdir(tmp_path) == ["picture.png"]


def test_the_database_of_another_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "books.db"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE books (title TEXT)")
    other.close()
    before = path.read_bytes()
    with pytest.raises(NotAStore, match="another program"):
        SqliteStore.open(path)
    assert path.read_bytes() == before


async def test_a_store_of_a_later_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    await SqliteStore.open(path).close()
    with sqlite3.connect(path) as later:
        later.execute("PRAGMA user_version = 99")
    later.close()
    with pytest.raises(StoreTooNew, match="99"):
        SqliteStore.open(path)


@pytest.mark.parametrize(
    ("path", "error", "reason"),
    [
        ("missing/events.db", StoreNotFound, "there is no directory '.*missing'"),
        (".", StoreUnreadable, "it is a directory"),
        ("secret.db", StoreUnreadable, "you have no permission to read it"),
        ("read-only.db", StoreReadOnly, "it is read-only"),
        ("sealed/new.db", StoreReadOnly, "its directory '.*sealed' is read-only"),
        ("damaged.db", DamagedStore, "malformed"),
        ("text.db", NotAStore, "not a database"),
    ],
)
def test_a_file_that_cannot_be_opened_is_named_with_the_reason(
    ordinary_user: Path, path: str, error: type[Any], reason: str
) -> None:
    folder = ordinary_user
    asyncio.run(SqliteStore.open(folder / "damaged.db").close())
    for name, mode in (("secret.db", 0o000), ("read-only.db", 0o444)):
        shutil.copy(folder / "damaged.db", folder / name)
        os.chmod(folder / name, mode)
    with open(folder / "damaged.db", "r+b") as damaged:
        damaged.seek(100)  # SQLite stores the list of tables at this offset.
        damaged.write(b"\xff" * 20)
    (folder / "text.db").write_text("no database at all " * 100)
    (folder / "sealed").mkdir(mode=0o555)
    with pytest.raises(error, match=reason) as caught:
        SqliteStore.open(folder / path)
    assert caught.value.path == os.path.realpath(folder / path)
    assert type(caught.value) is error


@pytest.fixture
def ordinary_user() -> Iterator[Path]:
    """Run as a user to whom file permissions apply, because they do not apply to root."""
    with tempfile.TemporaryDirectory() as folder:
        user = os.geteuid()
        if user == 0:
            os.chmod(folder, 0o777)
            os.seteuid(_NOBODY)
        yield Path(folder)
        os.seteuid(user)


async def test_an_empty_file_becomes_a_store(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    path.touch()
    store = SqliteStore.open(path)
    await write_numbers(store, "s", 1)
    await store.close()


async def test_a_read_keeps_no_old_snapshot(tmp_path: Path) -> None:
    """A page that ends before its window must not delay checkpoints of SQLite or hide later events."""
    store = SqliteStore.open(tmp_path / "events.db")
    await write_numbers(store, "s", 10)
    assert store.read.all_page(0, 2, FORWARD, resolve_links=False).size == 2
    await write_numbers(store, "s", 1)
    assert stream_of(store, "s").last == 10
    [busy, *_] = store.commits._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    assert busy == 0
    await store.close()


def test_the_repr_shows_the_path(tmp_path: Path) -> None:
    store = SqliteStore.open(tmp_path / "events.db")
    assert "events.db" in repr(store)
    for connection in store._connections:
        connection.close()
