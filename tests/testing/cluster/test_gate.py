"""A gate forwards bytes in both directions, delays them, and closes connections."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from rxpump.testing.cluster.gate import HOST, Gate
from tests.listening import listening

BIG = b"x" * (4 << 20)


class Echo:
    """A server that sends all bytes back, and closes when its client has sent everything."""

    def __init__(self) -> None:
        self.writers: list[asyncio.StreamWriter] = []
        self.has_client = asyncio.Event()
        self._left = asyncio.Event()

    async def until_left(self) -> None:
        """Wait until all clients have left."""
        while self.writers:
            self._left.clear()
            await self._left.wait()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        self.has_client.set()
        try:
            while data := await reader.read(1 << 16):
                writer.write(data)
                await writer.drain()
        finally:
            self.writers.remove(writer)
            self._left.set()


@pytest.fixture
async def echo() -> AsyncIterator[tuple[Echo, Gate]]:
    server, gate = Echo(), Gate()
    async with listening(server.serve) as endpoint:
        await gate.open(endpoint.port)
        yield server, gate
        await gate.close()
        gate.release()
        await server.until_left()


async def test_bytes_pass_in_both_directions(echo: tuple[Echo, Gate]) -> None:
    _, gate = echo
    reader, writer = await asyncio.open_connection(HOST, gate.port)
    sending = asyncio.create_task(send(writer, BIG))
    assert await reader.readexactly(len(BIG)) == BIG
    await sending
    writer.write_eof()
    assert await reader.read() == b""
    writer.close()


async def send(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(data)
    await writer.drain()


async def test_a_gate_reads_no_more_than_the_other_end_takes(echo: tuple[Echo, Gate]) -> None:
    _, gate = echo
    reader, writer = await asyncio.open_connection(HOST, gate.port, limit=1024)
    sending = asyncio.create_task(send(writer, 8 * BIG))
    while not any(end._is_full for end in gate._ends):
        await asyncio.sleep(0)
    assert not sending.done()
    received = 0
    while received < 8 * len(BIG):
        received += len(await reader.read(1 << 20))
    await sending
    writer.close()


async def test_a_reset_of_the_client_reaches_the_server(echo: tuple[Echo, Gate]) -> None:
    server, gate = echo
    _, writer = await asyncio.open_connection(HOST, gate.port)
    await server.has_client.wait()
    writer.transport.abort()
    await server.until_left()


async def test_a_hanging_gate_accepts_and_holds_back(echo: tuple[Echo, Gate]) -> None:
    server, gate = echo
    reader, writer = await asyncio.open_connection(HOST, gate.port)
    writer.write(b"1")
    assert await reader.readexactly(1) == b"1"
    gate.hang()
    assert "hanging" in repr(gate)
    later_reader, later_writer = await asyncio.open_connection(HOST, gate.port)
    writer.write(b"2")
    later_writer.write(b"3")
    answers = asyncio.gather(reader.readexactly(1), later_reader.readexactly(1))
    await round_trip(server)
    assert not answers.done()
    gate.resume()
    assert list(await answers) == [b"2", b"3"]
    for each in (writer, later_writer):
        each.close()


async def round_trip(server: Echo) -> None:
    """Wait for a round trip through another gate, as a measure of the time that forwarding takes."""
    gate = Gate()
    async with listening(server.serve) as endpoint:
        await gate.open(endpoint.port)
        reader, writer = await asyncio.open_connection(HOST, gate.port)
        writer.write(b"1")
        await reader.readexactly(1)
        writer.close()
        await gate.close()
        gate.release()


async def test_a_client_can_leave_a_hanging_gate(echo: tuple[Echo, Gate]) -> None:
    _, gate = echo
    gate.hang()
    _, writer = await asyncio.open_connection(HOST, gate.port)
    writer.close()
    await writer.wait_closed()
    gate.resume()
    reader, writer = await asyncio.open_connection(HOST, gate.port)
    writer.write(b"1")
    assert await reader.readexactly(1) == b"1"
    writer.close()


async def test_a_closed_gate_cuts_and_refuses(echo: tuple[Echo, Gate]) -> None:
    server, gate = echo
    reader, writer = await asyncio.open_connection(HOST, gate.port)
    await server.has_client.wait()
    await gate.close()
    with suppress(ConnectionError):
        assert await reader.read() == b""
    writer.close()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(HOST, gate.port)


async def test_the_end_of_the_server_reaches_the_client(echo: tuple[Echo, Gate]) -> None:
    server, gate = echo
    reader, writer = await asyncio.open_connection(HOST, gate.port)
    await server.has_client.wait()
    server.writers[0].close()
    assert await reader.read() == b""
    writer.close()


async def test_a_server_that_stopped_is_a_lost_connection() -> None:
    async with listening(Echo().serve) as endpoint:
        pass
    gate = Gate()
    await gate.open(endpoint.port)
    reader, writer = await asyncio.open_connection(HOST, gate.port)
    with suppress(ConnectionError):
        assert await reader.read() == b""
    writer.close()
    await gate.close()
    gate.release()
    assert "closed" in repr(gate)


async def test_the_port_of_a_closed_gate_stays_reserved(echo: tuple[Echo, Gate]) -> None:
    _, gate = echo
    await gate.close()
    with pytest.raises(OSError, match="in use"):
        await asyncio.start_server(Echo().serve, HOST, gate.port, reuse_address=False)
