"""photon-pump, each verb as its users write it. It has one way to iterate, `async for`."""

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
    compete,
    data,
    is_late,
    latencies,
)

WRITES_UNDER_WAY = 128


def connect(job: Job) -> Any:
    """Make a client."""
    return photonpump.connect(host=job.host, port=job.port, username=job.login, password=job.password)


async def iterate(client: Any, job: Job) -> Figures:
    """Count the events in a loop."""
    seen = 0
    async for _ in client.iter(job.stream, batch_size=job.page):
        seen += 1
    return {"seen": seen}


async def iterate_json(client: Any, job: Job) -> Figures:
    """Decode each event, and count those that pass a filter."""
    seen = 0
    async for event in client.iter(job.stream, batch_size=job.page):
        if is_late(event.json()):
            seen += 1
    return {"seen": seen}


async def iterate_all(client: Any, job: Job) -> Figures:
    """Count the events of the whole database."""
    seen = 0
    async for _ in client.iter_all(batch_size=job.page):
        seen += 1
        if seen == job.events:
            break
    return {"seen": seen}


async def write_batches(client: Any, job: Job) -> Figures:
    """Publish lists, each awaited."""
    for start in range(0, job.events, BATCH):
        numbers = range(start, min(start + BATCH, job.events))
        written = await client.publish(
            job.stream, [photonpump.NewEvent(EVENT_TYPE, data=data(number)) for number in numbers]
        )
    return {"seen": written.last_event_number + 1}


async def publish(client: Any, job: Job) -> Figures:
    """Publish single events, as many at once as it is quickest with."""
    numbers = iter(range(job.events))

    async def work() -> None:
        for number in numbers:
            await client.publish_event(job.stream, EVENT_TYPE, body=data(number))

    await asyncio.gather(*(work() for _ in range(WRITES_UNDER_WAY)))
    return {"seen": job.events}


async def write_singles(client: Any, job: Job) -> Figures:
    """Publish single events, one after the other."""
    took = []
    for number in range(job.events):
        started = time.perf_counter()
        await client.publish_event(job.stream, EVENT_TYPE, body=data(number))
        took.append(time.perf_counter() - started)
    return latencies(took)


async def catch_up(client: Any, job: Job) -> Figures:
    """Follow a stream from its beginning until an event has come that was written meanwhile.

    What is written between its last page and its subscription is lost, so it is written again until one comes.
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
    """Publish 200 events a second; how long from each publish until it was delivered."""
    subscription = await client.subscribe_to(job.stream)
    events = subscription.events.__aiter__()
    took = []
    due = time.perf_counter()
    for number in range(job.events):
        due += LIVE_PAUSE
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        started = time.perf_counter()
        writing = asyncio.ensure_future(client.publish_event(job.stream, EVENT_TYPE, body=data(number)))
        await events.__anext__()
        took.append(time.perf_counter() - started)
        await writing
    return latencies(took)


VERBS = {
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
    compete(connect, VERBS)
