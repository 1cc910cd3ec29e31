"""The floor without parsing: what the server and the socket give, whoever reads it."""

from __future__ import annotations

import time

from benchmarks.contestants.bare_socket import BareSocket
from benchmarks.contestants.floor import page_payloads, write_singles
from benchmarks.contestants.job import Figures, Job, compete_blocking, latencies
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.commands import Command


def iterate(server: BareSocket, job: Job) -> Figures:
    """Take the pages, and drop them."""
    for _ in page_payloads(server, job):
        pass
    return {"seen": job.events}


def one_page(server: BareSocket, job: Job) -> Figures:
    """Read the page at one revision again and again; how long each took tells what the server does for it."""
    asked = schema.ReadStreamEvents(
        event_stream_id=job.stream,
        from_event_number=job.first,
        max_count=job.page,
        resolve_link_tos=True,
        require_leader=False,
    )
    took = []
    for _ in range(0, job.events, job.page):
        started = time.perf_counter()
        server.send(Command.READ_STREAM_EVENTS_FORWARD, asked)
        server.receive()
        took.append(time.perf_counter() - started)
    return latencies(took) | {"seen": job.events}


if __name__ == "__main__":
    compete_blocking(BareSocket, {"iter": iterate, "one_page": one_page, "write_singles": write_singles})
