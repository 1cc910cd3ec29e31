"""Read the file of the server with SQLite alone: select the rows of each page, and join their columns."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain

from benchmarks.contestants.job import Figures, Job, run_blocking

_PAGE = """
    SELECT stream_head, record FROM events WHERE stream = (SELECT id FROM streams WHERE name = ?)
    AND revision BETWEEN ? AND ? ORDER BY revision
"""


@contextmanager
def connect(job: Job) -> Iterator[sqlite3.Connection]:
    """Open the file of the running server for reading."""
    connection = sqlite3.connect(f"file:{job.db}?mode=ro", uri=True)
    try:
        yield connection
    finally:
        connection.close()


def iterate(connection: sqlite3.Connection, job: Job) -> Figures:
    """Read the pages of a stream one after the other."""
    for start in range(0, job.events, job.page):
        page = b"".join(chain.from_iterable(connection.execute(_PAGE, (job.stream, start, start + job.page - 1))))
        assert page
    return {"seen": job.events}


if __name__ == "__main__":
    run_blocking(connect, {"iter": iterate})
