"""Servers of tests. A function of the test serves each connection."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from rxpump.discovery.member import Endpoint
from rxpump.server.listening import stop_listening

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
"""Function that serves one connection. The connection is closed when it returns."""


@asynccontextmanager
async def listening(serve: Serve, tls: ssl.SSLContext | None = None) -> AsyncIterator[Endpoint]:
    """Serve connections with `serve` on a free port of 127.0.0.1, and close them at the end.

    The client can disconnect at any time, which may raise in `serve`. Any other exception fails the test at the end.
    """
    connections = _Connections(serve)
    listener = await asyncio.start_server(connections.accept, "127.0.0.1", 0, ssl=tls)
    try:
        yield Endpoint(*listener.sockets[0].getsockname())
    finally:
        await stop_listening(listener)
        await connections.close()


class _Connections:
    """The connections of a server.

    The tasks that serve them cannot close them all: a task that is cancelled before its first step never runs.
    """

    def __init__(self, serve: Serve) -> None:
        self._serve = serve
        self._writers: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._is_closed = False

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve a connection; called by asyncio, which does not wait for it."""
        if self._is_closed:  # The connection was accepted while the server stopped.
            writer.transport.abort()
            return
        self._writers[asyncio.ensure_future(self._serve_one(reader, writer))] = writer

    async def _serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await self._serve(reader, writer)
        writer.close()

    async def close(self) -> None:
        """Close all connections. Raise the exceptions of the functions that served them."""
        self._is_closed = True
        for task in self._writers:
            task.cancel()
        outcomes = await asyncio.gather(*self._writers, return_exceptions=True)
        for writer in self._writers.values():
            writer.transport.abort()
        if failures := [outcome for outcome in outcomes if isinstance(outcome, Exception)]:
            raise ExceptionGroup("connections were not served", failures)
