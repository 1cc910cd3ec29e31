"""Shared code of the contestants: a process runs one job once, and prints its measurements.

    python -m benchmarks.contestants.rxpump_client '{"operation": "iter", "port": 1113, ...}'

The measurement begins after the connection, a ping and a short run of the same operation (the warm-up). Contestants
have different environments, so this module imports only the standard library.
"""

from __future__ import annotations

import asyncio
import cProfile
import gc
import json
import os
import pstats
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

BATCH = 500
EVENT_TYPE = "FlightDeparted"
LIVE_PAUSE = 0.005
"""Seconds from one event to the next when latencies of a live subscription are measured."""


@dataclass(frozen=True)
class Job:
    """One run of one contestant: its operation and its size.

    Attributes:
        operation: Name of the operation.
        stream: Name of the stream; the prefix of their names if there are several.
        events: Number of events.
        page: Events of a page.
        in_flight: Requests in flight at the same time.
        streams: Number of streams.
        seconds: Seconds for which a slow consumer is slow. 0: always.
        first: Number of the first event of a page.
        db: Path of the server's file.
        uri: Connection string of a server that is used over gRPC. Empty: the server is used over TCP.
        warm_up: Events of the warm-up. 0: no warm-up.
        warm_up_stream: Stream of the warm-up.
        profile: Whether to print a profile to stderr.
    """

    operation: str
    host: str
    port: int
    stream: str
    events: int
    login: str | None = None
    password: str | None = None
    page: int = BATCH
    in_flight: int = 1
    streams: int = 1
    seconds: float = 0.0
    first: int = 0
    db: str | None = None
    uri: str = ""
    warm_up: int = 0
    warm_up_stream: str = ""
    profile: bool = False

    @property
    def warm_up_job(self) -> Job:
        """The job of the warm-up."""
        few = min(self.streams, 10)
        return replace(self, events=self.warm_up, stream=self.warm_up_stream, streams=few, first=0)


Figures = dict[str, float]
"""Measured values. `seen` is the number of events that were read or written."""

Operation = Callable[[Any, Job], Figures]
AsyncOperation = Callable[[Any, Job], Awaitable[Figures]]


def data(number: int) -> dict[str, Any]:
    """Return the data of an event: about 120 bytes as JSON. Every tenth has a delay of more than an hour."""
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
    """Return whether the delay is more than an hour, which is true for every tenth event."""
    delay: int = flight["delay"]
    return delay > 60


def latencies(seconds: Sequence[float]) -> Figures:
    """Return the median and the 99th percentile of durations in seconds."""
    ordered = sorted(seconds)
    last = len(ordered) - 1
    return {"seen": len(ordered), "p50": ordered[round(last * 0.5)], "p99": ordered[round(last * 0.99)]}


def resident() -> float:
    """Return the resident memory of this process in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1024**2


def read_job() -> Job:
    """Read the job from the command line."""
    return Job(**json.loads(sys.argv[1]))


class Clock:
    """Measures the seconds and the CPU seconds of this process from the start to the end of a block."""

    def __enter__(self) -> Clock:
        gc.collect()
        self.cpu, self.seconds = process_time(), perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds, self.cpu = perf_counter() - self.seconds, process_time() - self.cpu

    def print(self, figures: Figures) -> None:
        """Print the measured times and other figures as JSON."""
        print(json.dumps({"seconds": self.seconds, "cpu": self.cpu, **figures}))


@contextmanager
def profiled(job: Job) -> Iterator[None]:
    """Print a profile of the block to stderr if the job asks for it. A profiled block takes longer."""
    if not job.profile:
        yield
        return
    with cProfile.Profile() as profile:
        yield
    pstats.Stats(profile, stream=sys.stderr).strip_dirs().sort_stats("tottime").print_stats(25)


def run_async(
    connect: Callable[[Job], AbstractAsyncContextManager[Any]],
    operations: Mapping[str, AsyncOperation],
    loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None,
) -> None:
    """Run the job with an asyncio client.

    Args:
        connect: Returns a client that is closed at the end of a block.
        operations: The operations, by name.
        loop_factory: Makes the event loop. None: the default one.
    """
    job = read_job()
    operation = operations[job.operation]

    async def run() -> None:
        async with connect(job) as client:
            await client.ping()
            if job.warm_up:
                await operation(client, job.warm_up_job)
            with Clock() as clock, profiled(job):
                figures = await operation(client, job)
            clock.print(figures)

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(run())


def run_blocking(connect: Callable[[Job], AbstractContextManager[Any]], operations: Mapping[str, Operation]) -> None:
    """Run the job with a client that blocks.

    Args:
        connect: Returns a client that is closed at the end of a block.
        operations: The operations, by name.
    """
    job = read_job()
    operation = operations[job.operation]
    with connect(job) as connection:
        if job.warm_up:
            operation(connection, job.warm_up_job)
        with Clock() as clock:
            figures = operation(connection, job)
        clock.print(figures)
