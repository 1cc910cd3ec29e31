"""What all contestants have in common: one process does one job once, and prints what it measured.

    python -m benchmarks.contestants.rxpump_client '{"verb": "iter", "port": 1113, ...}'

Connecting, a ping and a small run of the same verb (the warm-up) come before the clock starts. Contestants run in
environments of their own, so this knows only the standard library.
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
"""Seconds from one live event to the next where latency is measured: 200 in a second."""


@dataclass(frozen=True)
class Job:
    """One turn of one contestant.

    stream:     what is read or written; where several are, the beginning of their names.
    events:     how many events it is about.
    page:       events in a page.
    in_flight:  requests under way at once.
    streams:    how many streams.
    seconds:    for how long a slow consumer is slow; 0: always.
    first:      the revision that a page is read at.
    db:         the server's file.
    warm_up:    events of the run before the clock starts, of or to the stream `warm_up_stream`; 0: none.
    profile:    tell on stderr where the time went.
    """

    verb: str
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
    warm_up: int = 0
    warm_up_stream: str = ""
    profile: bool = False

    @property
    def warming(self) -> Job:
        """The same in small."""
        few = min(self.streams, 10)
        return replace(self, events=self.warm_up, stream=self.warm_up_stream, streams=few, first=0)


Figures = dict[str, float]
"""`seen`: how many events were seen or written; and what else a verb measures itself."""

Verb = Callable[[Any, Job], Figures]
AsyncVerb = Callable[[Any, Job], Awaitable[Figures]]


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


def latencies(seconds: Sequence[float]) -> Figures:
    """Sum up how long each of many things took."""
    ordered = sorted(seconds)
    last = len(ordered) - 1
    return {"seen": len(ordered), "p50": ordered[round(last * 0.5)], "p99": ordered[round(last * 0.99)]}


def resident() -> float:
    """Megabytes of this process in memory now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1024**2


def the_job() -> Job:
    """Read it from the command line."""
    return Job(**json.loads(sys.argv[1]))


class Clock:
    """Measures what runs inside it: seconds of time, and of this process's CPU."""

    def __enter__(self) -> Clock:
        gc.collect()
        self.cpu, self.seconds = process_time(), perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds, self.cpu = perf_counter() - self.seconds, process_time() - self.cpu

    def tell(self, figures: Figures) -> None:
        """Print the result."""
        print(json.dumps({"seconds": self.seconds, "cpu": self.cpu, **figures}))


@contextmanager
def profiled(job: Job) -> Iterator[None]:
    """Look where the time goes, if the job wants that; it takes longer then."""
    if not job.profile:
        yield
        return
    with cProfile.Profile() as profile:
        yield
    pstats.Stats(profile, stream=sys.stderr).strip_dirs().sort_stats("tottime").print_stats(25)


def compete(
    connect: Callable[[Job], AbstractAsyncContextManager[Any]],
    verbs: Mapping[str, AsyncVerb],
    loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None,
) -> None:
    """Do the job with an asyncio client."""
    job = the_job()
    verb = verbs[job.verb]

    async def run() -> None:
        async with connect(job) as client:
            await client.ping()
            if job.warm_up:
                await verb(client, job.warming)
            with Clock() as clock, profiled(job):
                figures = await verb(client, job)
            clock.tell(figures)

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(run())


def compete_blocking(connect: Callable[[Job], AbstractContextManager[Any]], verbs: Mapping[str, Verb]) -> None:
    """Do the job with something that blocks."""
    job = the_job()
    verb = verbs[job.verb]
    with connect(job) as connection:
        if job.warm_up:
            verb(connection, job.warming)
        with Clock() as clock:
            figures = verb(connection, job)
        clock.tell(figures)
