"""Read like the contestant floor, but without parsing, to measure the time of the server and the socket."""

from __future__ import annotations

import time

from benchmarks.contestants.bare_socket import BareSocket
from benchmarks.contestants.floor import page_payloads, write_singles
from benchmarks.contestants.job import Figures, Job, latencies, run_blocking
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.commands import Command


def iterate(server: BareSocket, job: Job) -> Figures:
    """Read the pages of a stream, and discard them."""
    for _ in page_payloads(server, job):
        pass
    return {"seen": job.events}


def one_page(server: BareSocket, job: Job) -> Figures:
    """Read the same page repeatedly. The time of each read shows the work of the server."""
    asked = schema.ReadStreamEvents(
        event_stream_id=job.stream,
        from_event_number=job.first,
        max_count=job.page,
        resolve_link_tos=True,
        require_leader=False,
    )
    durations = []
    for _ in range(0, job.events, job.page):
        started = time.perf_counter()
        server.send(Command.READ_STREAM_EVENTS_FORWARD, asked)
        server.receive()
        durations.append(time.perf_counter() - started)
    return latencies(durations) | {"seen": job.events}


if __name__ == "__main__":
    run_blocking(BareSocket, {"iter": iterate, "one_page": one_page, "write_singles": write_singles})
