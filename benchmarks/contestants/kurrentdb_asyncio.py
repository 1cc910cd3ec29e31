"""Run operations with the asyncio client of kurrentdbclient, as its documentation shows them."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterable, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from kurrentdbclient import AsyncKurrentDBClient, NewEvent, StreamState  # type: ignore[import-not-found]  # in an environment of its own

from benchmarks.contestants.job import EVENT_TYPE, Figures, Job, data, latencies, run_async

WRITES_IN_FLIGHT = 128


class Client:
    """A client with a method `ping`, which is called at the start of each run."""

    def __init__(self, client: Any) -> None:
        self.client = client

    async def ping(self) -> None:
        """Make a short call, as the counterpart of a ping."""
        await self.client.get_commit_position()


@asynccontextmanager
async def connect(job: Job) -> AsyncIterator[Client]:
    """Return a client that is closed at the end of a block."""
    client = AsyncKurrentDBClient(job.uri)
    await client.connect()
    try:
        yield Client(client)
    finally:
        await client.close()


async def touch(events: AsyncIterable[Any], enough: int | None = None) -> Figures:
    """Access three fields of each event, of all events or of the first `enough`."""
    seen = 0
    async for event in events:
        event.type, event.stream_position, event.data  # noqa: B018 - the access is measured
        seen += 1
        if seen == enough:
            break
    return {"seen": seen}


async def iterate(each: Client, job: Job) -> Figures:
    """Read a stream."""
    return await touch(await each.client.read_stream(job.stream, resolve_links=True))


async def follow(each: Client, job: Job) -> Figures:
    """Subscribe to a stream from its start, until `job.events` events have arrived."""
    async with await each.client.subscribe_to_stream(job.stream, resolve_links=True) as subscription:
        return await touch(subscription, job.events)


async def append(each: Client, stream: str, number: int) -> float:
    """Append an event. Return the seconds that it took."""
    started = time.perf_counter()
    event = NewEvent(type=EVENT_TYPE, data=json.dumps(data(number)).encode())
    await each.client.append_to_stream(stream, events=event, current_version=StreamState.ANY)
    return time.perf_counter() - started


async def write_singles(each: Client, job: Job) -> Figures:
    """Append single events, one after the other."""
    return latencies([await append(each, job.stream, number) for number in range(job.events)])


async def publish(each: Client, job: Job) -> Figures:
    """Append single events from several tasks."""
    numbers = iter(range(job.events))

    async def work() -> None:
        for number in numbers:
            await append(each, job.stream, number)

    await asyncio.gather(*(work() for _ in range(WRITES_IN_FLIGHT)))
    return {"seen": job.events}


if __name__ == "__main__":
    run_async(connect, {"iter": iterate, "follow": follow, "publish": publish, "write_singles": write_singles})
