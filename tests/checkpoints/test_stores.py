"""Every store loads the checkpoint that was saved last, also in the next process."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

import rxpump
from rxpump.checkpoints import Checkpoint, EventStoreCheckpoint, FileCheckpoint, SqliteCheckpoint
from rxpump.errors import InvalidArgument
from rxpump.model.positions import Position
from rxpump.server import EmbeddedServer

FIRST = Checkpoint("orders", 7)
SECOND = Checkpoint("orders", 9, Position(100, 90))


@pytest.mark.parametrize("kind", ["file", "sqlite", "event store"])
async def test_the_last_one_saved_is_loaded(kind: str, tmp_path: Path, memory_server: EmbeddedServer) -> None:
    async with rxpump.connect(memory_server.uri) as client:
        make: Any = {
            "file": lambda: FileCheckpoint(tmp_path / "checkpoint"),
            "sqlite": lambda: SqliteCheckpoint(tmp_path / "checkpoints.db", "projection"),
            "event store": lambda: EventStoreCheckpoint(client, "projection-checkpoint"),
        }[kind]
        assert await make().load() is None
        for checkpoint in (FIRST, SECOND):
            await make().save(checkpoint)
            assert await make().load() == checkpoint


async def test_a_file_that_is_not_complete_is_never_loaded(tmp_path: Path) -> None:
    store = FileCheckpoint(tmp_path / "checkpoint")
    await store.save(FIRST)
    (tmp_path / "checkpoint.new").write_text('{"stream": "ord')  # a save that the process did not survive
    assert await store.load() == FIRST
    await store.save(SECOND)
    assert await store.load() == SECOND


async def test_two_pipelines_share_a_database(tmp_path: Path) -> None:
    one, two = (SqliteCheckpoint(tmp_path / "checkpoints.db", name) for name in ("one", "two"))
    await one.save(FIRST)
    await two.save(SECOND)
    assert (await one.load(), await two.load()) == (FIRST, SECOND)


@contextmanager
def busy_writer(path: Path) -> Iterator[None]:
    """Write to a database all the time, as on a slow disk: transactions of 30 ms, with 0.5 ms between them."""
    started, stop = threading.Event(), threading.Event()

    def write() -> None:
        with closing(sqlite3.connect(path, isolation_level=None)) as database:
            database.execute("CREATE TABLE results (number INTEGER)")
            while not stop.is_set():
                database.execute("BEGIN EXCLUSIVE")
                database.execute("INSERT INTO results VALUES (1)")
                started.set()
                time.sleep(0.03)
                database.execute("COMMIT")
                time.sleep(0.0005)

    thread = threading.Thread(target=write)
    thread.start()
    started.wait()
    try:
        yield
    finally:
        stop.set()
        thread.join()


async def test_a_program_that_writes_all_the_time_prevents_no_save(tmp_path: Path) -> None:
    store = SqliteCheckpoint(tmp_path / "results.db", "projection")
    with busy_writer(tmp_path / "results.db"):
        for number in range(10):
            await store.save(Checkpoint("orders", number))
            assert await store.load() == Checkpoint("orders", number)


async def test_a_save_waits_for_readers(tmp_path: Path) -> None:
    store = SqliteCheckpoint(tmp_path / "checkpoints.db", "projection")
    await store.save(FIRST)
    with closing(sqlite3.connect(tmp_path / "checkpoints.db", isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM checkpoints").fetchall()
        saving = asyncio.ensure_future(store.save(SECOND))
        with closing(sqlite3.connect(tmp_path / "checkpoints.db", timeout=0)) as other:
            while True:  # until the save only waits for the reader, which keeps others from reading
                try:
                    other.execute("SELECT * FROM checkpoints").fetchall()
                except sqlite3.OperationalError:
                    break
                await asyncio.sleep(0)
        assert not saving.done()
        reader.execute("COMMIT")
        await saving
    assert await store.load() == SECOND


async def test_errors_other_than_a_busy_database_are_raised_at_once(tmp_path: Path) -> None:
    (tmp_path / "checkpoints.db").write_text("not a database" * 100)
    store = SqliteCheckpoint(tmp_path / "checkpoints.db", "projection")
    for use in (store.load, lambda: store.save(FIRST)):
        with pytest.raises(sqlite3.DatabaseError, match="not a database"):
            await use()


@pytest.mark.parametrize(
    "content", ["", "[]", '{"stream": "s"}', json.dumps({"stream": 1, "number": 1, "position": None})]
)
async def test_content_that_is_no_checkpoint_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "checkpoint"
    path.write_text(content)
    with pytest.raises(InvalidArgument, match=r"a text that Checkpoint.to_json returned"):
        await FileCheckpoint(path).load()
