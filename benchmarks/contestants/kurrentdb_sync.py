"""Run operations with the client of kurrentdbclient that blocks, as its documentation shows them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from kurrentdbclient import KurrentDBClient, NewEvent, StreamState  # type: ignore[import-not-found]  # in an environment of its own

from benchmarks.contestants.job import EVENT_TYPE, Figures, Job, data, latencies, run_blocking

THREADS = 16
"""Threads that append at the same time; more are not faster."""


@contextmanager
def connect(job: Job) -> Iterator[Any]:
    """Return a client that is closed at the end of a block."""
    client = KurrentDBClient(job.uri)
    try:
        yield client
    finally:
        client.close()


def new_event(number: int) -> Any:
    """Return an event with data as JSON."""
    return NewEvent(type=EVENT_TYPE, data=json.dumps(data(number)).encode())


def touch(events: Iterable[Any], enough: int | None = None) -> Figures:
    """Access three fields of each event, of all events or of the first `enough`."""
    seen = 0
    for event in events:
        event.type, event.stream_position, event.data  # noqa: B018 - the access is measured
        seen += 1
        if seen == enough:
            break
    return {"seen": seen}


def iterate(client: Any, job: Job) -> Figures:
    """Read a stream."""
    return touch(client.read_stream(job.stream, resolve_links=True))


def follow(client: Any, job: Job) -> Figures:
    """Subscribe to a stream from its start, until `job.events` events have arrived."""
    with client.subscribe_to_stream(job.stream, resolve_links=True) as subscription:
        return touch(subscription, job.events)


def append(client: Any, stream: str, number: int) -> float:
    """Append an event. Return the seconds that it took."""
    started = time.perf_counter()
    client.append_to_stream(stream, events=new_event(number), current_version=StreamState.ANY)
    return time.perf_counter() - started


def write_singles(client: Any, job: Job) -> Figures:
    """Append single events, one after the other."""
    return latencies([append(client, job.stream, number) for number in range(job.events)])


def publish(client: Any, job: Job) -> Figures:
    """Append single events from several threads."""
    with ThreadPoolExecutor(THREADS) as threads:
        written = list(threads.map(lambda number: append(client, job.stream, number), range(job.events)))
    return {"seen": len(written)}


if __name__ == "__main__":
    run_blocking(connect, {"iter": iterate, "follow": follow, "publish": publish, "write_singles": write_singles})
