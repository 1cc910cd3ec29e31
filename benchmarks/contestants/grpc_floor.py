"""A lower bound for the time of any client over gRPC, measured with a blocking socket.

It accesses three fields of each event. It uses the HTTP/2 state machine of rxpump, and parses each message with the C
core of protobuf. It has no event loop, timeouts, reconnecting or checks.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from typing import Any

from benchmarks.contestants.grpc_socket import GrpcSocket
from benchmarks.contestants.job import BATCH, EVENT_TYPE, Figures, Job, data, latencies, run_blocking
from rxpump.grpc.calls import read
from rxpump.grpc.messages import shared, streams
from rxpump.model.positions import START, StreamDirection

BATCHES_IN_FLIGHT = 4


def touch(messages: list[bytes]) -> int:
    """Access type, number and data of the event in each message. Return the number of events."""
    seen = 0
    for message in messages:
        response = streams.ReadResponse.FromString(message)
        if response.HasField("event"):
            event = response.event.event
            event.metadata["type"], event.stream_revision, event.data
            seen += 1
    return seen


def iterate(server: GrpcSocket, job: Job) -> Figures:
    """Read a stream by one call."""
    server.call(streams.READ)
    server.send(read.read_stream(job.stream, START, StreamDirection.FORWARD, resolve_links=True))
    server.end()
    seen = 0
    while messages := server.receive():
        seen += touch(messages)
    return {"seen": seen}


def follow(server: GrpcSocket, job: Job) -> Figures:
    """Subscribe to a stream from its start, until `job.events` events have arrived."""
    server.call(streams.READ)
    server.send(read.follow_stream(job.stream, -1, resolve_links=True))
    server.end()
    seen = 0
    while seen < job.events:
        seen += touch(server.receive())
    server.cancel()
    return {"seen": seen}


def batch_of(stream: bytes, numbers: range, id: int) -> bytes:
    """Return the message that appends these events."""
    request = streams.BatchAppendRequest(
        correlation_id=shared.Uuid(structured={"least_significant_bits": id}),
        options={"stream_identifier": {"stream_name": stream}, "any": {}},
        is_final=True,
    )
    for number in numbers:
        high, low = int.from_bytes(os.urandom(8)) >> 1, int.from_bytes(os.urandom(8)) >> 1
        event: Any = request.proposed_messages.add(data=json.dumps(data(number), separators=(",", ":")).encode())
        event.id.structured.most_significant_bits, event.id.structured.least_significant_bits = high, low
        event.metadata["type"], event.metadata["content-type"] = EVENT_TYPE, "application/json"
    encoded: bytes = request.SerializeToString()
    return encoded


def pipeline(server: GrpcSocket, job: Job, batch: int, in_flight: int) -> list[float]:
    """Append all events in batches by one BatchAppend call. Return the seconds that each batch took."""
    server.call(streams.BATCH_APPEND)
    stream, sent, durations = job.stream.encode(), dict[int, float](), list[float]()

    def settle() -> None:
        for message in server.receive():
            response = streams.BatchAppendResponse.FromString(message)
            if not response.HasField("success"):
                raise RuntimeError(f"the server has not written the events: {response}")
            durations.append(
                time.perf_counter() - sent.pop(response.correlation_id.structured.least_significant_bits)
            )

    for id, numbers in enumerate(_ranges(job.events, batch), 1):
        if len(sent) >= in_flight:
            settle()
        message = batch_of(stream, numbers, id)
        sent[id] = time.perf_counter()
        server.send(message)
    while sent:
        settle()
    server.end()
    while server.receive():
        pass
    return durations


def _ranges(events: int, batch: int) -> Iterator[range]:
    return (range(start, min(start + batch, events)) for start in range(0, events, batch))


def publish(server: GrpcSocket, job: Job) -> Figures:
    """Append batches, several in flight."""
    pipeline(server, job, BATCH, BATCHES_IN_FLIGHT)
    return {"seen": job.events}


def write_singles(server: GrpcSocket, job: Job) -> Figures:
    """Append single events, `job.in_flight` at a time."""
    return latencies(pipeline(server, job, 1, job.in_flight))


if __name__ == "__main__":
    run_blocking(GrpcSocket, {"iter": iterate, "follow": follow, "publish": publish, "write_singles": write_singles})
