"""Demand at work: a slow consumer at the end of a pipe, and the pages that the server is asked for.

    python examples/slow_consumer.py

There are 1,000 events to read, in pages of 50. The work at the end takes its time over each; watch the reader
wait for it. Without demand all 20 pages would have been read before the tenth event was done.
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
    """Tell the number."""
    number: int = data["n"]
    return number


async def work(number: int) -> int:
    """Take a millisecond over it."""
    await asyncio.sleep(0.001)
    if number % 100 == 99:
        print(f"  {number + 1} events are done", flush=True)  # in the order of the log, also into a pipe
    return number


async def main() -> None:
    logging.basicConfig(level=logging.INFO, format="the reader %(message)s")
    logging.getLogger("rxpump.pages").setLevel(logging.DEBUG)  # says when a page is asked for
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
