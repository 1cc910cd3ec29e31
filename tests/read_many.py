"""Writes EVENTS events to URI, reads them back through a pipeline, and prints how many came out of it and by
how many bytes the process grew between the first ten thousandth and the last. With `keep`: keeps what it reads."""

from __future__ import annotations

import asyncio
import resource
import sys
from pathlib import Path

from reactivex import operators as rx

import rxpump
from rxpump import operators as ops

WARM_UP = 10_000
FLIGHT = {"flight": 1545, "carrier": "UA", "origin": "EWR", "dest": "IAH", "time": "2013-01-01T10:00:00Z"}


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


async def main(uri: str, events: int, keep: bool) -> None:
    samples: list[int] = []
    kept: list[rxpump.Event] = []

    def sample(event: rxpump.Event) -> None:
        if keep:
            kept.append(event)
        if event.number % WARM_UP == WARM_UP - 1:
            samples.append(resident())

    async with rxpump.connect(uri) as client:
        await client.publish("flights", (rxpump.NewEvent("Departed", FLIGHT | {"delay": n}) for n in range(events)))
        seen = await client.iter("flights").pipe(
            rx.do_action(sample),
            ops.of_type("Departed"),
            ops.json(),
            rx.filter(lambda flight: flight["delay"] % 2 == 0),
            rx.count(),
        )
        print(seen, max(samples) - samples[0])


asyncio.run(main(sys.argv[1], int(sys.argv[2]), "keep" in sys.argv))
