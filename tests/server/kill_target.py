"""A program that runs a server, so that a test can kill its process."""

from __future__ import annotations

import asyncio
from multiprocessing.connection import Connection
from typing import Any

from rxpump.server import EmbeddedServer, SqliteStore


def serve(path: str, port_to: Connection, **options: Any) -> None:
    async def serve_for_ever() -> None:
        async with EmbeddedServer(SqliteStore.open(path), **options) as server:
            port_to.send(server.port)
            await asyncio.Event().wait()

    asyncio.run(serve_for_ever())
