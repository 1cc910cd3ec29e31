"""A slow consumer at the end of a pipeline pauses the reader at its start.

    python examples/slow_consumer.py

The program reads 1,000 events in pages of 50, and works on each for a millisecond. The log shows that the reader
requests the next page only when the work has caught up. Otherwise all 20 pages would be read at once.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from reactivex import operators as rx

import rxpump
from rxpump import NewEvent
from rxpump import operators as ops


def number_of(data: Any) -> int:
    """Return the number in the data of an event."""
    number: int = data["n"]
    return number


async def work(number: int) -> int:
    """Work on an event for a millisecond."""
    await asyncio.sleep(0.001)
    if number % 100 == 99:
        print(f"  {number + 1} events are processed", flush=True)  # in order with the log
    return number


async def main() -> None:
    logging.basicConfig(level=logging.INFO, format="the reader %(message)s")
    logging.getLogger("rxpump.pages").setLevel(logging.DEBUG)  # The library logs each request for a page.
    async with rxpump.connect("memory://") as client:
        await client.publish("s", [NewEvent("Counted", {"n": n}) for n in range(1_000)])
        await client.iter("s", batch_size=50).pipe(
            ops.of_type("Counted"),
            ops.json(),
            rx.map(number_of),
            ops.map_async(work, high=50),
        )


if __name__ == "__main__":
    asyncio.run(main())
