"""`rxpump check`: its output and its exit status."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from rxpump.server import SqliteStore
from tests.cli.processes import run_here
from tests.server.store.driving import damage, write_numbers


def run_check(path: Path) -> tuple[int, str, str]:
    done = run_here("check", "--db", str(path))
    return done.returncode, done.stdout.decode(), done.stderr.decode()


async def write_ten(path: Path) -> None:
    store = SqliteStore.open(path)
    await write_numbers(store, "ponies", 10)
    await store.close()


def test_the_exit_status_reports_damage(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    asyncio.run(write_ten(path))
    sound = f"10 events in 1 streams of '{path}' are intact.\n"
    assert run_check(path) == (0, sound, "")
    assert os.listdir(tmp_path) == [path.name]

    damage(path, "UPDATE events SET record = x'00' WHERE revision BETWEEN 3 AND 4")
    damage(path, "UPDATE log SET end = 0")
    status, out, err = run_check(path)
    assert (status, err) == (1, "")
    lost, damaged, counted = out.splitlines()
    assert lost.startswith("Lost: events 3 to 4 of stream 'ponies', at positions ")
    assert damaged == "Damaged: the state of the log is not what was written"
    assert counted.startswith("8 events in 1 streams")


def test_the_exit_status_reports_a_missing_file(tmp_path: Path) -> None:
    status, out, err = run_check(tmp_path / "none.db")
    assert (status, out) == (2, "")
    assert "there is no such file" in err
