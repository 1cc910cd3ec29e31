"""A lower bound for an asyncio client: a protocol with a future for each request, and nothing else.

It has no timeouts, reconnecting or checks. It encodes and parses the same messages as the contestant floor.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from benchmarks.contestants.floor import write_of
from benchmarks.contestants.job import Figures, Job, latencies, run_async
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.commands import Command

_HEADER_BYTES = 18


class BareProtocol(asyncio.Protocol):
    """One connection, and the futures of the requests in flight by their correlation ids."""

    def __init__(self) -> None:
        self._in_flight: dict[bytes, asyncio.Future[bytes]] = {}
        self._received = b""
        self._ids = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport; called by asyncio."""
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport

    def request(self, command: int, payload: bytes) -> asyncio.Future[bytes]:
        """Send a request. Return the future of the payload of its reply."""
        self._ids += 1
        id = self._ids.to_bytes(16, "little")
        reply = self._in_flight[id] = asyncio.get_running_loop().create_future()
        self._send(command, id, payload)
        return reply

    def data_received(self, data: bytes) -> None:
        """Set the results of the futures; called by asyncio."""
        data = self._received + data
        start, end = 0, len(data)
        while end - start >= 4:
            length = int.from_bytes(data[start : start + 4], "little")
            if end - start - 4 < length:
                break
            frame = data[start + 4 : start + 4 + length]
            start += 4 + length
            if frame[0] == Command.HEARTBEAT_REQUEST:
                self._send(Command.HEARTBEAT_RESPONSE, frame[2:_HEADER_BYTES], b"")
            else:
                self._in_flight.pop(frame[2:_HEADER_BYTES]).set_result(frame[_HEADER_BYTES:])
        self._received = data[start:]

    def _send(self, command: int, id: bytes, payload: bytes) -> None:
        length = _HEADER_BYTES + len(payload)
        self._transport.write(b"%b%c\x00%b%b" % (length.to_bytes(4, "little"), command, id, payload))

    async def ping(self) -> None:
        """Send Ping."""
        await self.request(Command.PING, b"")


@asynccontextmanager
async def connect(job: Job) -> AsyncIterator[BareProtocol]:
    """Connect and identify. Requests are anonymous."""
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_connection(BareProtocol, job.host, job.port)
    try:
        hello = schema.IdentifyClient(version=1, connection_name="bare asyncio")
        await protocol.request(Command.IDENTIFY_CLIENT, hello.SerializeToString())
        yield protocol
    finally:
        transport.close()


async def write_singles(server: BareProtocol, job: Job) -> Figures:
    """Append single events, `job.in_flight` at a time."""
    numbers = iter(range(job.events))
    durations = []

    async def work() -> None:
        for number in numbers:
            started = time.perf_counter()
            payload = write_of(job.stream, range(number, number + 1)).SerializeToString()
            reply = schema.WriteEventsCompleted.FromString(await server.request(Command.WRITE_EVENTS, payload))
            if reply.result != 0:
                raise RuntimeError(f"not written: {reply}")
            durations.append(time.perf_counter() - started)

    await asyncio.gather(*(work() for _ in range(job.in_flight)))
    return latencies(durations)


if __name__ == "__main__":
    run_async(connect, {"write_singles": write_singles})
