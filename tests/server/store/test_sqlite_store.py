"""A store in a file: opening it, finding it again, keeping others out."""

from __future__ import annotations

import os
import sqlite3

import pytest

from rxpump.server import NotAStore, SqliteStore, StoreNotFound, StoreTooNew
from tests.server.store.driving import FORWARD, all_page, data, new_event, stream_page, write, write_numbers


async def test_everything_is_there_when_it_is_opened_again(tmp_path):
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
    assert data(stream_page(store, store.read.stream("s"), 0, 4)) == [0, 1, 2, 3, 4]
    assert (await write(store, "s", event)).position == -1
    later = await write(store, "s", new_event())
    assert later.first == 5
    assert later.position == log.end
    await store.close()


def test_a_file_that_is_no_database(tmp_path):
    path = tmp_path / "picture.png"
    path.write_bytes(b"\x89PNG" + bytes(5000))
    with pytest.raises(NotAStore, match=r"picture\.png"):
        SqliteStore.open(path)
    assert os.listdir(tmp_path) == ["picture.png"]


def test_a_database_of_something_else(tmp_path):
    path = tmp_path / "books.db"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE books (title TEXT)")
    other.close()
    before = path.read_bytes()
    with pytest.raises(NotAStore, match="something else"):
        SqliteStore.open(path)
    assert path.read_bytes() == before


async def test_a_store_of_a_later_version(tmp_path):
    path = tmp_path / "events.db"
    await SqliteStore.open(path).close()
    with sqlite3.connect(path) as later:
        later.execute("PRAGMA user_version = 99")
    later.close()
    with pytest.raises(StoreTooNew, match="99"):
        SqliteStore.open(path)


@pytest.mark.parametrize("path", ["missing/events.db", "."])
def test_a_place_where_no_file_can_be(tmp_path, path):
    with pytest.raises(StoreNotFound):
        SqliteStore.open(tmp_path / path)


async def test_an_empty_file_becomes_a_store(tmp_path):
    path = tmp_path / "events.db"
    path.touch()
    store = SqliteStore.open(path)
    await write_numbers(store, "s", 1)
    await store.close()


async def test_a_read_keeps_no_view_of_the_past(tmp_path):
    """A page that ends before its window does must not hold back the log's clean-up, nor miss what comes."""
    store = SqliteStore.open(tmp_path / "events.db")
    await write_numbers(store, "s", 10)
    assert store.read.all_page(0, 2, FORWARD, resolve_links=False).size == 2
    await write_numbers(store, "s", 1)
    assert store.read.stream("s").last == 10
    [busy, *_] = store.commits._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    assert busy == 0
    await store.close()


def test_its_repr_tells_where_it_is(tmp_path):
    store = SqliteStore.open(tmp_path / "events.db")
    assert "events.db" in repr(store)
    for connection in store._connections:
        connection.close()
