"""Run operations with photon-pump, as its documentation shows them. Its only iteration is `async for`."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import photonpump

from benchmarks.contestants.job import (
    BATCH,
    EVENT_TYPE,
    LIVE_PAUSE,
    Figures,
    Job,
    data,
    is_late,
    latencies,
    run_async,
)

WRITES_IN_FLIGHT = 128


def connect(job: Job) -> Any:
    """Return a client."""
    return photonpump.connect(host=job.host, port=job.port, username=job.login, password=job.password)


async def iterate(client: Any, job: Job) -> Figures:
    """Read a stream with `async for`, and access three fields of each event."""
    seen = 0
    async for event in client.iter(job.stream, batch_size=job.page):
        event.type, event.event_number, event.data  # noqa: B018 - the access is measured
        seen += 1
    return {"seen": seen}


async def iterate_json(client: Any, job: Job) -> Figures:
    """Decode each event of a stream, and count those that pass a filter."""
    seen = 0
    async for event in client.iter(job.stream, batch_size=job.page):
        if is_late(event.json()):
            seen += 1
    return {"seen": seen}


async def iterate_all(client: Any, job: Job) -> Figures:
    """Read `$all`, and access three fields of each event."""
    seen = 0
    async for event in client.iter_all(batch_size=job.page):
        event.type, event.event_number, event.data  # noqa: B018 - the access is measured
        seen += 1
        if seen == job.events:
            break
    return {"seen": seen}


async def write_batches(client: Any, job: Job) -> Figures:
    """Publish batches one after the other."""
    for start in range(0, job.events, BATCH):
        numbers = range(start, min(start + BATCH, job.events))
        written = await client.publish(
            job.stream, [photonpump.NewEvent(EVENT_TYPE, data=data(number)) for number in numbers]
        )
    return {"seen": written.last_event_number + 1}


async def publish(client: Any, job: Job) -> Figures:
    """Publish single events, with the number in flight that is fastest."""
    numbers = iter(range(job.events))

    async def work() -> None:
        for number in numbers:
            await client.publish_event(job.stream, EVENT_TYPE, body=data(number))

    await asyncio.gather(*(work() for _ in range(WRITES_IN_FLIGHT)))
    return {"seen": job.events}


async def write_singles(client: Any, job: Job) -> Figures:
    """Publish single events, one after the other."""
    durations = []
    for number in range(job.events):
        started = time.perf_counter()
        await client.publish_event(job.stream, EVENT_TYPE, body=data(number))
        durations.append(time.perf_counter() - started)
    return latencies(durations)


async def catch_up(client: Any, job: Job) -> Figures:
    """Subscribe from the start of a stream until an event arrives that was appended after the start.

    photon-pump loses events that are appended between its last page and its subscription, so events are appended
    until one arrives.
    """
    head = await client.get(job.stream, direction=photonpump.StreamDirection.Backward, from_event=-1, max_count=1)
    last = head.events[0].event_number

    async def write() -> None:
        while True:
            await client.publish_event(job.stream, EVENT_TYPE, body=data(0))
            await asyncio.sleep(0.02)

    subscription = await client.subscribe_to(job.stream, start_from=0, batch_size=job.page)
    seen = 0
    async for event in subscription.events:
        seen += 1
        if event.event_number == last:
            writing = asyncio.ensure_future(write())
        if event.event_number > last:
            break
    writing.cancel()
    return {"seen": seen - 1}


async def live_latency(client: Any, job: Job) -> Figures:
    """Publish 200 events a second. Measure the time from each publish to its delivery by a subscription."""
    subscription = await client.subscribe_to(job.stream)
    events = subscription.events.__aiter__()
    durations = []
    due = time.perf_counter()
    for number in range(job.events):
        due += LIVE_PAUSE
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        started = time.perf_counter()
        writing = asyncio.ensure_future(client.publish_event(job.stream, EVENT_TYPE, body=data(number)))
        await events.__anext__()
        durations.append(time.perf_counter() - started)
        await writing
    return latencies(durations)


OPERATIONS = {
    "iter": iterate,
    "iter_json": iterate_json,
    "iter_all": iterate_all,
    "async_for": iterate,
    "write_batches": write_batches,
    "publish": publish,
    "write_singles": write_singles,
    "catch_up": catch_up,
    "live_latency": live_latency,
}

if __name__ == "__main__":
    run_async(connect, OPERATIONS)
