"""What all contestants have in common: one process runs one workload once, and prints how long it took.

    python -m benchmarks.rxpump_contestant HOST PORT WORKLOAD STREAM COUNT

Connecting and one ping come before the clock starts. Contestants run in environments of their own, so this
knows only the standard library.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from time import perf_counter, process_time
from typing import Any

BATCH = 500
EVENT_TYPE = "FlightDeparted"

Workload = Callable[[Any, str, int], Awaitable[int]]
"""Takes a client, a stream and a number of events; gives how many it has seen."""


def data(number: int) -> dict[str, Any]:
    """Make the data of one event: about 120 bytes of JSON, one in ten with a delay over an hour."""
    return {
        "carrier": "UA",
        "flight": number,
        "origin": "EWR",
        "dest": "IAH",
        "time_hour": "2013-01-01T10:00:00Z",
        "delay": 90 if number % 10 == 0 else 2,
        "distance": 1400,
    }


def is_late(flight: Mapping[str, Any]) -> bool:
    """Let through one event in ten."""
    delay: int = flight["delay"]
    return delay > 60


def compete(
    connect: Callable[[str, int], AbstractAsyncContextManager[Any]], workloads: Mapping[str, Workload]
) -> None:
    """Run the workload that the command line names, and print its seconds of time and of CPU."""
    host, port, workload, stream, count = sys.argv[1:]

    async def run() -> dict[str, float]:
        async with connect(host, int(port)) as client:
            await client.ping()
            started, cpu_started = perf_counter(), process_time()
            seen = await workloads[workload](client, stream, int(count))
            seconds, cpu = perf_counter() - started, process_time() - cpu_started
            return {"seconds": seconds, "cpu": cpu, "seen": seen}

    print(json.dumps(asyncio.run(run())))
