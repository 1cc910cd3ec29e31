"""Run operations with rxpump, as its documentation shows them. It uses uvloop and orjson if they are installed."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import reactivex
from reactivex import operators as rx

import rxpump
from benchmarks.contestants.job import (
    BATCH,
    EVENT_TYPE,
    LIVE_PAUSE,
    Figures,
    Job,
    data,
    is_late,
    latencies,
    resident,
    run_async,
)
from rxpump import operators as ops
from rxpump.backpressure.background_tasks import BackgroundTasks
from rxpump.cli.loop import loop_factory
from rxpump.streams.source import IterableSource

EVENTS_OF_A_WRITE = 50
WRITES_IN_FLIGHT = 16
MEASURE_EVERY = 0.25
"""Seconds between two measurements of the memory."""


def connect(job: Job) -> rxpump.Client:
    """Return a client."""
    if job.uri:
        return rxpump.connect(job.uri)
    return rxpump.connect(host=job.host, port=job.port, username=job.login, password=job.password)


# Reading -----------------------------------------------------------------------------------------------


async def count(source: reactivex.Observable[Any]) -> int:
    """Count the items of a source."""
    done: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    seen = 0

    def on_next(_: Any) -> None:
        nonlocal seen
        seen += 1

    source.subscribe(on_next, done.set_exception, lambda: done.set_result(seen))
    return await done


async def touch(source: reactivex.Observable[rxpump.Event], enough: int | None = None) -> int:
    """Access type, number and data of each event of a source, to its end or until there are `enough`.

    Returns:
        The number of events.
    """
    done: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    seen = 0

    def on_next(event: rxpump.Event) -> None:
        nonlocal seen
        event.type, event.number, event.data  # noqa: B018 - the access is measured
        seen += 1
        if seen == enough:
            done.set_result(seen)

    subscription = source.subscribe(on_next, done.set_exception, lambda: done.set_result(seen))
    try:
        return await done
    finally:
        subscription.dispose()


async def iterate(client: rxpump.Client, job: Job) -> Figures:
    """Read a stream with a subscription, and access three fields of each event."""
    return {"seen": await touch(client.iter(job.stream, batch_size=job.page))}


async def iterate_json(client: rxpump.Client, job: Job) -> Figures:
    """Decode each event of a stream, and count those that pass a filter."""
    flights = client.iter(job.stream, batch_size=job.page).pipe(ops.json(), rx.filter(is_late))
    return {"seen": await count(flights)}


async def iterate_all(client: rxpump.Client, job: Job) -> Figures:
    """Read `$all` with a subscription, and access three fields of each event."""
    return {"seen": await touch(client.iter_all(batch_size=job.page), job.events)}


async def async_for(client: rxpump.Client, job: Job) -> Figures:
    """Read a stream with `async for`, and access three fields of each event."""
    seen = 0
    async for event in client.iter(job.stream, batch_size=job.page):
        event.type, event.number, event.data  # noqa: B018 - the access is measured
        seen += 1
    return {"seen": seen}


async def slow_consumer(client: rxpump.Client, job: Job) -> Figures:
    """Sleep 1 ms after each event for `job.seconds`, then read to the end. Return the growth of the memory in MB."""
    idle = most = resident()
    started = measured = time.perf_counter()
    slow_until = started + job.seconds if job.seconds else float("inf")
    seen = slowly = 0
    async for _ in client.iter(job.stream, batch_size=job.page):
        seen += 1
        now = time.perf_counter()
        if now < slow_until:
            slowly += 1
            await asyncio.sleep(0.001)
        if now > measured + MEASURE_EVERY:
            measured = now
            most = max(most, resident())
    return {"seen": seen, "slowly": slowly, "idle": idle, "growth": max(most, resident()) - idle}


# Writing -----------------------------------------------------------------------------------------------


def new_events(numbers: range) -> Iterator[rxpump.NewEvent]:
    """Return an iterator that makes each event when it is requested."""
    return (rxpump.NewEvent(EVENT_TYPE, data(number)) for number in numbers)


async def write_batches(client: rxpump.Client, job: Job) -> Figures:
    """Publish batches one after the other."""
    for start in range(0, job.events, BATCH):
        written = await client.publish(job.stream, list(new_events(range(start, min(start + BATCH, job.events)))))
    return {"seen": written.last_event_number + 1}


async def publish(client: rxpump.Client, job: Job) -> Figures:
    """Pipe single events into a publisher."""
    publisher = client.publisher(job.stream)
    IterableSource(BackgroundTasks("benchmark"), new_events(range(job.events))).subscribe(publisher)
    written = await publisher.drained()
    return {"seen": 0 if written is None else written.last_event_number + 1}


async def publish_each(client: rxpump.Client, job: Job) -> Figures:
    """Pipe events into a publisher that appends each one in its own request."""
    publisher = client.publisher(job.stream, max_batch=1, max_in_flight=job.in_flight)
    IterableSource(BackgroundTasks("benchmark"), new_events(range(job.events))).subscribe(publisher)
    written = await publisher.drained()
    return {"seen": 0 if written is None else written.last_event_number + 1}


async def publish_side_by_side(client: rxpump.Client, job: Job) -> Figures:
    """Publish single events from several coroutines, each of which awaits its appends."""
    events = new_events(range(job.events))
    written = 0

    async def work() -> None:
        nonlocal written
        for event in events:
            await client.publish(job.stream, [event])
            written += 1

    await asyncio.gather(*(work() for _ in range(job.in_flight)))
    return {"seen": written}


async def publish_events(client: rxpump.Client, job: Job) -> Figures:
    """Publish single events from several coroutines, each of which awaits its events."""
    numbers = iter(range(job.events))
    written = 0

    async def work() -> None:
        nonlocal written
        for number in numbers:
            await client.publish_event(job.stream, EVENT_TYPE, data(number))
            written += 1

    await asyncio.gather(*(work() for _ in range(job.in_flight)))
    return {"seen": written}


async def write_singles(client: rxpump.Client, job: Job) -> Figures:
    """Publish single events, one after the other."""
    durations = []
    for number in range(job.events):
        started = time.perf_counter()
        await client.publish_event(job.stream, EVENT_TYPE, data(number))
        durations.append(time.perf_counter() - started)
    return latencies(durations)


# Live --------------------------------------------------------------------------------------------------


async def catch_up(client: rxpump.Client, job: Job) -> Figures:
    """Subscribe from the start of a stream until an event arrives that was appended after the start."""
    history = (await client.get_event(job.stream)).number + 1
    loop = asyncio.get_running_loop()
    is_read: asyncio.Future[None] = loop.create_future()
    is_live: asyncio.Future[None] = loop.create_future()
    seen = 0

    def on_next(event: rxpump.Event) -> None:
        nonlocal seen
        event.type, event.number, event.data  # noqa: B018 - the access is measured
        seen += 1
        if seen >= history:
            (is_read if seen == history else is_live).set_result(None)

    subscription = client.stream(job.stream, batch_size=job.page).subscribe(on_next)
    await is_read
    await client.publish_event(job.stream, EVENT_TYPE, data(0))
    await is_live
    subscription.dispose()
    return {"seen": history}


async def follow(client: rxpump.Client, job: Job) -> Figures:
    """Subscribe to a stream from its start, until `job.events` events have arrived; access three fields of each."""
    return {"seen": await touch(client.stream(job.stream, batch_size=job.page), job.events)}


async def live_latency(client: rxpump.Client, job: Job) -> Figures:
    """Publish 200 events a second. Measure the time from each publish to its delivery by a subscription."""
    loop = asyncio.get_running_loop()
    arrived: asyncio.Future[None] = loop.create_future()
    is_live = asyncio.Event()

    def on_next(item: Any) -> None:
        if isinstance(item, rxpump.Event):
            item.type, item.number, item.data  # noqa: B018 - the access is measured
            arrived.set_result(None)
        else:
            is_live.set()

    subscription = client.live(job.stream).with_signals().subscribe(on_next)
    await is_live.wait()
    durations = []
    due = time.perf_counter()
    for number in range(job.events):
        due += LIVE_PAUSE
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        arrived = loop.create_future()
        started = time.perf_counter()
        writing = asyncio.ensure_future(client.publish_event(job.stream, EVENT_TYPE, data(number)))
        await arrived
        durations.append(time.perf_counter() - started)
        await writing
    subscription.dispose()
    return latencies(durations)


async def many_subscriptions(client: rxpump.Client, job: Job) -> Figures:
    """Subscribe to many streams. Append batches to one stream after the other, and wait for all deliveries."""
    done = asyncio.Event()
    live = asyncio.Semaphore(0)
    seen: defaultdict[str, int] = defaultdict(int)
    total = 0
    writes = job.events // EVENTS_OF_A_WRITE

    def on_next(item: Any) -> None:
        nonlocal total
        if not isinstance(item, rxpump.Event):
            live.release()
            return
        total += 1
        seen[item.stream] += 1
        if total == writes * EVENTS_OF_A_WRITE:
            done.set()

    streams = [f"{job.stream}-{number}" for number in range(job.streams)]
    subscriptions = [client.live(stream).with_signals().subscribe(on_next) for stream in streams]
    for _ in streams:
        await live.acquire()
    room = asyncio.Semaphore(WRITES_IN_FLIGHT)

    async def write(stream: str) -> None:
        await client.publish(stream, list(new_events(range(EVENTS_OF_A_WRITE))))
        room.release()

    started, cpu_started = time.perf_counter(), time.process_time()
    async with asyncio.TaskGroup() as writing:
        for number in range(writes):
            await room.acquire()
            writing.create_task(write(streams[number % len(streams)]))
    await done.wait()
    ended = {"seconds": time.perf_counter() - started, "cpu": time.process_time() - cpu_started}
    assert len(seen) == min(len(streams), writes)
    for subscription in subscriptions:
        subscription.dispose()
    return {"seen": total, **ended}


OPERATIONS = {
    "iter": iterate,
    "iter_json": iterate_json,
    "iter_all": iterate_all,
    "async_for": async_for,
    "slow_consumer": slow_consumer,
    "write_batches": write_batches,
    "publish": publish,
    "publish_each": publish_each,
    "publish_side_by_side": publish_side_by_side,
    "publish_events": publish_events,
    "write_singles": write_singles,
    "catch_up": catch_up,
    "follow": follow,
    "live_latency": live_latency,
    "many_subscriptions": many_subscriptions,
}

if __name__ == "__main__":
    run_async(connect, OPERATIONS, loop_factory)
