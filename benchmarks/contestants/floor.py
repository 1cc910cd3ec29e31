"""A lower bound for the time of any client, measured with a blocking socket and two pages in flight.

It accesses three fields of each event. It parses with the C core of protobuf, as rxpump does. It has no event loop,
timeouts, reconnecting or checks, and it knows in advance where each page starts. To write, it encodes the events,
sends them, and waits for the reply.
"""

from __future__ import annotations

import json
import os
import time
from collections import deque
from collections.abc import Iterator
from typing import Any

from benchmarks.contestants.bare_socket import BareSocket
from benchmarks.contestants.job import (
    BATCH,
    EVENT_TYPE,
    LIVE_PAUSE,
    Figures,
    Job,
    data,
    is_late,
    latencies,
    run_blocking,
)
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.commands import Command

try:
    import orjson
except ImportError:
    loads = json.loads

    def dumps(value: Any) -> bytes:
        """Encode a value as compact JSON, as orjson does."""
        return json.dumps(value, separators=(",", ":")).encode()
else:
    loads, dumps = orjson.loads, orjson.dumps

PAGES_IN_FLIGHT = 2
BATCHES_IN_FLIGHT = 4

# Reading -----------------------------------------------------------------------------------------------


def page_payloads(server: BareSocket, job: Job) -> Iterator[bytes]:
    """Yield the pages of a stream of `job.events` events. The next page is always in flight."""
    starts = iter(range(0, job.events, job.page))

    def ask() -> None:
        for start in starts:
            asked = schema.ReadStreamEvents(
                event_stream_id=job.stream,
                from_event_number=start,
                max_count=job.page,
                resolve_link_tos=True,
                require_leader=False,
            )
            server.send(Command.READ_STREAM_EVENTS_FORWARD, asked)
            return

    for _ in range(PAGES_IN_FLIGHT):
        ask()
    for _ in range(0, job.events, job.page):
        _, _, payload = server.receive()
        ask()
        yield payload


def iterate(server: BareSocket, job: Job) -> Figures:
    """Read a stream, and access three fields of each event."""
    seen = 0
    for payload in page_payloads(server, job):
        seen += touch(schema.ReadStreamEventsCompleted.FromString(payload).events)
    return {"seen": seen}


def touch(events: Any) -> int:
    """Access type, number and data of each event. Return the number of events."""
    seen = 0
    for resolved in events:
        event = resolved.event
        event.event_type, event.event_number, event.data  # noqa: B018 - the access is measured
        seen += 1
    return seen


def iterate_json(server: BareSocket, job: Job) -> Figures:
    """Decode each event of a stream, and count those that pass a filter."""
    seen = 0
    for payload in page_payloads(server, job):
        for resolved in schema.ReadStreamEventsCompleted.FromString(payload).events:
            if is_late(loads(resolved.event.data)):
                seen += 1
    return {"seen": seen}


def iterate_all(server: BareSocket, job: Job) -> Figures:
    """Read `$all` with one page in flight, because each page contains the position of the next one."""
    seen = 0

    def ask(commit: int, prepare: int) -> None:
        asked = schema.ReadAllEvents(
            commit_position=commit,
            prepare_position=prepare,
            max_count=job.page,
            resolve_link_tos=True,
            require_leader=False,
        )
        server.send(Command.READ_ALL_EVENTS_FORWARD, asked)

    ask(0, 0)
    while seen < job.events:
        page = schema.ReadAllEventsCompleted.FromString(server.receive()[2])
        ask(page.next_commit_position, page.next_prepare_position)
        seen += touch(page.events)
    server.receive()
    return {"seen": min(seen, job.events)}


# Writing -----------------------------------------------------------------------------------------------


def write_of(stream: str, numbers: range) -> Any:
    """Return the message that appends these events."""
    message = schema.WriteEvents(event_stream_id=stream, expected_version=-2, require_leader=False)
    for number in numbers:
        message.events.add(
            event_id=os.urandom(16),
            event_type=EVENT_TYPE,
            data_content_type=1,
            metadata_content_type=0,
            data=dumps(data(number)),
        )
    return message


def pipeline(server: BareSocket, job: Job, batch: int, under_way: int) -> list[float]:
    """Append all events in batches, several in flight. Return the seconds that each batch took."""
    sent: deque[float] = deque()
    durations: list[float] = []

    def settle() -> None:
        reply = schema.WriteEventsCompleted.FromString(server.receive()[2])
        if reply.result != 0:
            raise RuntimeError(f"not written: {reply}")
        durations.append(time.perf_counter() - sent.popleft())

    for start in range(0, job.events, batch):
        if len(sent) >= under_way:
            settle()
        message = write_of(job.stream, range(start, min(start + batch, job.events)))
        sent.append(time.perf_counter())
        server.send(Command.WRITE_EVENTS, message)
    while sent:
        settle()
    return durations


def write_batches(server: BareSocket, job: Job) -> Figures:
    """Append batches one after the other."""
    pipeline(server, job, BATCH, 1)
    return {"seen": job.events}


def publish(server: BareSocket, job: Job) -> Figures:
    """Append batches, several in flight."""
    pipeline(server, job, BATCH, BATCHES_IN_FLIGHT)
    return {"seen": job.events}


def write_singles(server: BareSocket, job: Job) -> Figures:
    """Append single events, `job.in_flight` at a time."""
    return latencies(pipeline(server, job, 1, job.in_flight))


# Live --------------------------------------------------------------------------------------------------


def live_latency(server: BareSocket, job: Job) -> Figures:
    """Append 200 events a second. Measure the time from each append to its delivery by a subscription."""
    server.send(Command.SUBSCRIBE_TO_STREAM, schema.SubscribeToStream(event_stream_id=job.stream))
    server.receive()
    durations = []
    due = time.perf_counter()
    for number in range(job.events):
        due += LIVE_PAUSE
        time.sleep(max(0.0, due - time.perf_counter()))
        started = time.perf_counter()
        server.send(Command.WRITE_EVENTS, write_of(job.stream, range(number, number + 1)))
        touch([appeared(server)])
        durations.append(time.perf_counter() - started)
    return latencies(durations)


def appeared(server: BareSocket) -> Any:
    """Wait for the next event of the subscription, and skip the replies to appends."""
    command = 0
    while command != Command.STREAM_EVENT_APPEARED:
        command, _, payload = server.receive()
    return schema.StreamEventAppeared.FromString(payload).event


OPERATIONS = {
    "iter": iterate,
    "iter_json": iterate_json,
    "iter_all": iterate_all,
    "async_for": iterate,
    "write_batches": write_batches,
    "publish": publish,
    "write_singles": write_singles,
    "live_latency": live_latency,
}

if __name__ == "__main__":
    run_blocking(BareSocket, OPERATIONS)
