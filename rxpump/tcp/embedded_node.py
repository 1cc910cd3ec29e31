"""Start a server inside this process, for `memory://` and `sqlite:///path`.

The client uses the server like any other node. It starts when `locate` is called for the first time. `rxpump.server`
is imported then, so that programs with another server never load it.
"""

from __future__ import annotations

import asyncio
from importlib import import_module
from typing import Any, Final

from rxpump.errors import ConnectionFailed
from rxpump.model.credentials import Credentials
from rxpump.tcp.node_resolver import TcpNodeResolver
from rxpump.uri import EmbeddedAddress, TcpAddress

ADMIN: Final = Credentials("admin", "changeit")
"""Credentials of the client of an embedded server."""


def _make_server(address: EmbeddedAddress) -> Any:
    package = import_module("rxpump.server")
    path = address.path
    return package.EmbeddedServer(
        package.SqliteStore.in_memory() if path is None else package.SqliteStore.open(path),
        strictness=package.Strictness(address.strictness),
        projections=address.projections,
    )


class EmbeddedNode(TcpNodeResolver):
    """A node resolver that starts an embedded server, and stops it when the client closes.

    Args:
        address: File of the events, and options of the server.
    """

    def __init__(self, address: EmbeddedAddress) -> None:
        super().__init__()
        self.address = address
        self._server: Any = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def locate(self) -> TcpAddress:
        """Return the address of the server; start the server if it does not run.

        Raises:
            ConnectionFailed: The event loop of the server was closed before the client was closed.
            StoreError: The file cannot be opened.
        """
        if self._loop is not None and self._loop.is_closed():
            raise ConnectionFailed(str(self.address), 1, "its event loop was closed before the client")
        if self._server is None:
            self._server = await self._open()
            await self._server.start()
            self._loop = asyncio.get_running_loop()
        return TcpAddress("127.0.0.1", self._server.port, ADMIN)

    async def _open(self) -> Any:
        """Create the server in a thread, because its import and the opening of its file wait for the disk.

        The thread cannot be interrupted: a cancellation waits for it and closes the server.
        """
        opening = asyncio.ensure_future(asyncio.to_thread(_make_server, self.address))
        try:
            return await asyncio.shield(opening)
        except asyncio.CancelledError:
            await asyncio.wait([opening])
            if opening.exception() is None:
                await opening.result().store.close()
            raise

    async def locate_http(self, node: TcpAddress, port: int) -> tuple[str, int]:
        """Return the HTTP address of the server; the server starts to listen there at the first call."""
        return node.host, await self._server.start_http()

    async def close(self) -> None:
        """Stop the server and close its store."""
        if self._server is not None:
            server, self._server, self._loop = self._server, None, None
            await server.stop()

    def __repr__(self) -> str:
        return f"<EmbeddedNode {self.address}>"
