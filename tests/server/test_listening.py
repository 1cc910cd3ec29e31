"""A stopping server closes all accepted connections, even those of the same iteration of the event loop."""

from __future__ import annotations

import asyncio
import gc
import socket
from contextlib import closing, suppress

import pytest

from rxpump.server import EmbeddedServer, SqliteStore


def connect(port: int | None) -> socket.socket:
    """Return a connection that the server has not accepted yet."""
    assert port is not None
    connection = socket.create_connection(("127.0.0.1", port))
    connection.settimeout(120)
    return connection


@pytest.mark.parametrize("face", ["port", "http_port", "grpc_port"])
@pytest.mark.parametrize("turns", range(5))
async def test_a_connection_accepted_in_the_last_iteration_is_closed(face: str, turns: int) -> None:
    server = EmbeddedServer(SqliteStore.in_memory(), http_port=0, grpc_port=0)
    await server.start()
    with closing(connect(getattr(server, face))) as client:
        for _ in range(turns):
            await asyncio.sleep(0)
        await server.stop()
        await asyncio.sleep(0)
        gc.collect()  # A socket that is left open causes a ResourceWarning, which fails the test.
        with suppress(ConnectionError):
            assert await asyncio.to_thread(client.recv, 1) == b""


async def test_a_silent_connection_to_two_protocols_is_closed() -> None:
    server = EmbeddedServer(SqliteStore.in_memory(), grpc_port=0)
    await server.start()
    assert server.grpc_port is not None
    reader, writer = await asyncio.open_connection("127.0.0.1", server.grpc_port)
    writer.write(b"P")  # This byte can begin HTTP/1.1 or HTTP/2.
    await asyncio.sleep(0)
    await server.stop()
    with suppress(ConnectionError):
        assert await reader.read() == b""
    writer.close()
