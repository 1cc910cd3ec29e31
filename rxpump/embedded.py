"""A server inside this process, for `memory://` and `sqlite:///path`.

To the client it is a node like any other, found by a locator that starts it when it is first asked for. The
server is imported by name at that moment, so that a program which connects elsewhere never loads it.
"""

from __future__ import annotations

import asyncio
from importlib import import_module
from typing import Any

from rxpump.errors import ConnectionFailed
from rxpump.model.credentials import Credentials
from rxpump.uri import EmbeddedAddress, TcpAddress

ADMIN = Credentials("admin", "changeit")


class EmbeddedNode:
    """Locates a server by starting it; closes it with the client. Its client is its admin."""

    def __init__(self, address: EmbeddedAddress) -> None:
        self.address = address
        self._server: Any = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def locate(self) -> TcpAddress:
        """Start the server if it does not run. Raises what opening the store raises.

        Raises:
            ConnectionFailed: The event loop of the server was closed before the client was.
        """
        if self._loop is not None and self._loop.is_closed():
            raise ConnectionFailed(str(self.address), 1, "its event loop was closed before the client was")
        if self._server is None:
            package = import_module("rxpump.server")
            path = self.address.path
            store = package.SqliteStore.in_memory() if path is None else package.SqliteStore.open(path)
            self._server = package.EmbeddedServer(
                store,
                strictness=package.Strictness(self.address.strictness),
                projections=self.address.projections,
            )
            await self._server.start()
            self._loop = asyncio.get_running_loop()
        return TcpAddress("127.0.0.1", self._server.port, ADMIN)

    async def locate_http(self, node: TcpAddress, port: int) -> tuple[str, int]:
        """Return where the server answers HTTP; it begins to when it is first asked for."""
        return node.host, await self._server.start_http()

    async def close(self) -> None:
        """Stop the server and close its store."""
        if self._server is not None:
            server, self._server, self._loop = self._server, None, None
            await server.stop()

    def __repr__(self) -> str:
        return f"<EmbeddedNode {self.address}>"
