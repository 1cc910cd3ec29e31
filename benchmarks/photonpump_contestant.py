"""photon-pump, each verb as its users write it. It has one way to iterate, `async for`."""

from __future__ import annotations

from typing import Any

import photonpump

from benchmarks.contestant import BATCH, EVENT_TYPE, compete, data, is_late


async def publish(client: Any, stream: str, count: int) -> int:
    """Publish lists, one after the other."""
    for start in range(0, count, BATCH):
        numbers = range(start, min(start + BATCH, count))
        written = await client.publish(stream, [photonpump.NewEvent(EVENT_TYPE, data=data(n)) for n in numbers])
    last: int = written.last_event_number
    return last + 1


async def iterate(client: Any, stream: str, count: int) -> int:
    """Count the events in a loop."""
    seen = 0
    async for _ in client.iter(stream, batch_size=BATCH):
        seen += 1
    return seen


async def iterate_json(client: Any, stream: str, count: int) -> int:
    """Decode the events of a type, and count those that pass a filter."""
    seen = 0
    async for event in client.iter(stream, batch_size=BATCH):
        if event.type == EVENT_TYPE and is_late(event.json()):
            seen += 1
    return seen


if __name__ == "__main__":
    compete(
        photonpump.connect,
        {"publish": publish, "iter": iterate, "iter, async for": iterate, "iter + json": iterate_json},
    )
