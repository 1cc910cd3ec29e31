"""The lock of a store allows one server at a time, even if the file has several names."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from rxpump.server import SqliteStore, StoreInUse, StoreNotFound
from rxpump.server.store.lock import StoreLock, lock
from tests.server.store.driving import new_event, write

OPEN = "import sys; from rxpump.server import SqliteStore; SqliteStore.open(sys.argv[1])"
OPEN_AND_WAIT = f"{OPEN}; print('open', flush=True); sys.stdin.read()"
TAKE_ALONE = """
import sqlite3, sys
print(*sqlite3.connect(sys.argv[1], timeout=0).execute("PRAGMA journal_mode=DELETE").fetchone())
"""


def same_name(path: Path) -> Path:
    return path


def symbolic_link(path: Path) -> Path:
    path.with_name("link.db").symlink_to(path)
    return path.with_name("link.db")


def hard_link(path: Path) -> Path:
    path.with_name("hard.db").hardlink_to(path)
    return path.with_name("hard.db")


def hard_link_in_another_folder(path: Path) -> Path:
    path.with_name("folder").mkdir()
    path.with_name("folder").joinpath("events.db").hardlink_to(path)
    return path.with_name("folder") / "events.db"


def renamed(path: Path) -> Path:
    return path.rename(path.with_name("renamed.db"))


NAMES = pytest.mark.parametrize(
    "name",
    [same_name, symbolic_link, hard_link, hard_link_in_another_folder, renamed],
    ids=lambda each: each.__name__,
)


@NAMES
async def test_a_second_server_of_this_process_is_refused(name: Callable[..., Any], tmp_path: Path) -> None:
    store = SqliteStore.open(tmp_path / "events.db")
    await write(store, "s", new_event())
    other = name(tmp_path / "events.db")
    for _ in range(2):
        with pytest.raises(StoreInUse, match=f"{other.resolve().name}.*another server has it open"):
            SqliteStore.open(other)
    await write(store, "s", new_event())
    await store.close()
    await SqliteStore.open(other).close()


@NAMES
async def test_a_second_server_of_another_process_is_refused(name: Callable[..., Any], tmp_path: Path) -> None:
    store = SqliteStore.open(tmp_path / "events.db")
    await write(store, "s", new_event())
    await store.scavenge()  # The failed attempt opens and closes the file.
    other = await asyncio.create_subprocess_exec(
        sys.executable, "-c", OPEN, name(tmp_path / "events.db"), stderr=asyncio.subprocess.PIPE
    )
    _, error = await other.communicate()
    await store.close()
    assert b"StoreInUse" in error


@NAMES
async def test_a_lock_of_another_process_is_respected(name: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    other = await asyncio.create_subprocess_exec(
        sys.executable, "-c", OPEN_AND_WAIT, path, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert other.stdout is not None
    assert await other.stdout.readline() == b"open\n"
    path = name(path)
    with pytest.raises(StoreInUse):
        SqliteStore.open(path)
    other.kill()
    await other.communicate()
    await SqliteStore.open(path).close()


async def test_no_lock_file_stays_behind(tmp_path: Path) -> None:
    store = SqliteStore.open(tmp_path / "events.db")
    await write(store, "s", new_event())
    await store.close()
    assert os.listdir(tmp_path) == ["events.db"]


async def test_a_refused_server_does_not_release_the_locks_of_sqlite(tmp_path: Path) -> None:
    """Without them, another program could remove the latest writes."""
    store = SqliteStore.open(tmp_path / "events.db")
    await write(store, "s", new_event())
    with pytest.raises(StoreInUse):
        SqliteStore.open(hard_link(tmp_path / "events.db"))
    take = [sys.executable, "-c", TAKE_ALONE, str(tmp_path / "events.db")]

    def run() -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(take, capture_output=True)

    other = await asyncio.to_thread(run)
    assert b"database is locked" in other.stderr
    await store.close()
    assert (await asyncio.to_thread(run)).stdout == b"delete\n"


def test_one_of_many_threads_gets_the_lock(tmp_path: Path) -> None:
    path, threads = str(tmp_path / "events.db"), 8
    barrier = Barrier(threads)

    def attempt(_: int) -> StoreLock | None:
        barrier.wait()
        try:
            return lock(path)
        except StoreInUse:
            return None

    with ThreadPoolExecutor(threads) as pool:
        for _ in range(50):
            [held] = [found for found in pool.map(attempt, range(threads)) if found is not None]
            held.close()


AFTER_A_FORK = """
import os, sys
from rxpump.server import StoreInUse
from rxpump.server.store.lock import lock

held = lock(sys.argv[1])
from_child, to_parent = os.pipe()
from_parent, to_child = os.pipe()
child = os.fork()
if not child:
    try:
        lock(sys.argv[1])
    except StoreInUse:
        os.write(to_parent, b"in use")
    os.read(from_parent, 1)
    lock(sys.argv[1])
    os._exit(7)
assert os.read(from_child, 6) == b"in use"
held.close()
os.write(to_child, b"!")
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_a_forked_child_does_not_share_the_lock(tmp_path: Path) -> None:
    script = [sys.executable, "-c", AFTER_A_FORK, str(tmp_path / "events.db")]
    assert subprocess.run(script, capture_output=True, text=True, timeout=120).stdout == "7\n"


def test_a_lock_is_released_once(tmp_path: Path) -> None:
    path = str(tmp_path / "events.db")
    first = lock(path)
    assert repr(first) == f"<StoreLock {path}, held>"
    first.close()
    assert repr(first) == f"<StoreLock {path}, released>"
    with closing(lock(path)):
        first.close()
        with pytest.raises(StoreInUse):
            lock(path)


def test_a_file_that_cannot_be_created_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreNotFound, match="No such file or directory"):
        lock(str(tmp_path / "missing" / "events.db"))
    assert os.listdir(tmp_path) == []
