"""rxpump, each verb as its users write it."""

from __future__ import annotations

from reactivex import operators as rx

import rxpump
from benchmarks.contestant import BATCH, EVENT_TYPE, compete, data, is_late
from rxpump import Observable
from rxpump import operators as ops


async def publish(client: rxpump.Client, stream: str, count: int) -> int:
    """Publish from an iterator, in batches."""
    events = (rxpump.NewEvent(EVENT_TYPE, data(number)) for number in range(count))
    written = await client.publish(stream, events, batch_size=BATCH)
    return 0 if written is None else written.last_event_number + 1


async def iterate(client: rxpump.Client, stream: str, count: int) -> int:
    """Count the events as they arrive."""
    return await client.iter(stream, batch_size=BATCH).pipe(rx.count())


async def iterate_async_for(client: rxpump.Client, stream: str, count: int) -> int:
    """Count the events in a loop."""
    seen = 0
    async for _ in client.iter(stream, batch_size=BATCH):
        seen += 1
    return seen


async def iterate_json(client: rxpump.Client, stream: str, count: int) -> int:
    """Decode the events of a type, and count those that pass a filter."""
    flights = client.iter(stream, batch_size=BATCH).pipe(ops.of_type(EVENT_TYPE), ops.json())
    late: Observable[int] = flights.pipe(rx.filter(is_late), rx.count())
    return await late


def connect(host: str, port: int) -> rxpump.Client:
    """Make a client."""
    return rxpump.connect(host=host, port=port)


if __name__ == "__main__":
    compete(
        connect,
        {
            "publish": publish,
            "iter": iterate,
            "iter, async for": iterate_async_for,
            "iter + json": iterate_json,
        },
    )
