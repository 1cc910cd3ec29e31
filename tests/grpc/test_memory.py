"""The window of a call bounds the memory for streams of any length and consumers of any speed."""

from __future__ import annotations

import asyncio
import gc
import os
from pathlib import Path

import pytest

import rxpump
from rxpump.grpc.messages import streams
from rxpump.grpc.protocol.message_reader import frame_message
from tests.grpc.clients import handlers
from tests.grpc.harness import MUCH, ServerCall, serving
from tests.grpc.reads.read_server import event

pytestmark = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="resident memory is read from /proc")

MEGABYTE = 1024 * 1024
EVENTS = 180_000
CHUNK = 500


def resident() -> float:
    """Return the resident memory of this process in megabytes."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / MEGABYTE


async def test_a_slow_async_for_bounds_the_memory() -> None:
    sent = 0

    async def endless(call: ServerCall) -> None:
        nonlocal sent
        assert not streams.ReadRequest.FromString(await anext(call)).options.HasField("subscription")
        call.start()
        messages = [event(number, data=bytes(150)).SerializeToString() for number in range(1, CHUNK + 1)]
        chunk = b"".join(map(frame_message, messages))
        connection = call.endpoint.connection
        while sent < EVENTS:
            connection.send_data(call.stream_id, chunk)
            sent += CHUNK
            call.endpoint.flush()
            while connection.pending_bytes(call.stream_id) > MUCH:
                await call.endpoint.progress.wait()
        call.finish()

    async with (
        serving(handlers(Read=endless)) as server,
        rxpump.connect(f"kurrentdb://127.0.0.1:{server.port}?tls=false") as client,
    ):
        start = most = resident()
        seen = 0
        async for _ in client.iter("endless"):
            seen += 1
            await asyncio.sleep(0)
            if seen % 20_000 == 0:
                most = max(most, resident())
                assert sent <= seen + 2 * CHUNK + 3 * MEGABYTE // 300, "a window, the socket, and pending bytes"
    assert seen == EVENTS
    assert most - start < 12
