"""Reading holds memory flat, client and server together, however long the stream."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

EVENTS = 200_000
ALLOWED_GROWTH = 10_000_000  # bytes; the stream itself is several times that
SQLITE_CACHE = 32 * 1024 * 1024  # pages of the file that SQLite keeps; it fills once
PROGRAM = Path(__file__).with_name("read_many.py")

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/statm").exists(), reason="there is no /proc to tell a process's memory"
)


def read_many(uri: str, *arguments: str) -> tuple[int, int]:
    """Give how many events came out of the pipeline, and by how many bytes the process grew."""
    command = [sys.executable, str(PROGRAM), uri, str(EVENTS), *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    seen, growth = map(int, done.stdout.split())
    return seen, growth


def test_reading_holds_memory_flat() -> None:
    seen, growth = read_many("memory://")
    assert seen == EVENTS / 2
    assert growth < ALLOWED_GROWTH


@pytest.mark.long
def test_reading_from_a_file_does_too(tmp_path: Path) -> None:
    seen, growth = read_many(f"sqlite:///{tmp_path}/events.db")
    assert seen == EVENTS / 2
    assert growth < ALLOWED_GROWTH + SQLITE_CACHE


@pytest.mark.long
def test_what_is_kept_would_be_seen() -> None:
    _, growth = read_many("memory://", "keep")
    assert growth > ALLOWED_GROWTH
