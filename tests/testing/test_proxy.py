"""A proxy closes all of its connections when it ends."""

from __future__ import annotations

import asyncio
import gc
import socket
from contextlib import closing, suppress

import pytest

from rxpump.server import EmbeddedServer
from rxpump.testing.proxy import Proxy


@pytest.mark.parametrize("turns", range(8))
async def test_a_connection_accepted_in_the_last_iteration_is_closed(
    memory_server: EmbeddedServer, turns: int
) -> None:
    proxy = Proxy(memory_server.port)
    await proxy.__aenter__()
    with closing(socket.create_connection(("127.0.0.1", proxy.port))) as client:
        client.settimeout(120)
        for _ in range(turns):
            await asyncio.sleep(0)
        await proxy.__aexit__(None, None, None)
        await asyncio.sleep(0)
        gc.collect()  # A socket that is left open causes a ResourceWarning, which fails the test.
        with suppress(ConnectionError):
            assert await asyncio.to_thread(client.recv, 1) == b""
