"""Serve the web page with uvicorn in the running event loop."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Final

import uvicorn

from rxpump.ui.app import new_app
from rxpump.ui.context import Context

GRACE_SECONDS: Final = 0.5
"""Time in which responses can end when the page stops. Then their connections are closed."""

_BACKLOG: Final = 128


class _Server(uvicorn.Server):
    """A server whose program handles the signals."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Install no handlers of signals."""
        yield


@asynccontextmanager
async def serving(context: Context, host: str, port: int, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """Serve the page of a store during an `async with` block.

    At the end of the block, responses without an end complete. The connection of a browser that does not read is
    closed after GRACE_SECONDS.

    Args:
        context: Store and options of the page.
        host: Host name or address to listen on.
        port: Port to listen on; 0 for a free port.
        tls: Certificate for TLS; None for no encryption.

    Yields:
        The address of the page.

    Raises:
        OSError: The address cannot be used.
    """
    config = uvicorn.Config(
        new_app(context),
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
    )
    await asyncio.to_thread(config.load)  # `load` imports modules, which takes long.
    config.ssl = tls
    server = _Server(config)
    listener = await _listen(host, port)
    running = asyncio.create_task(server.serve(sockets=[listener]), name="rxpump ui")
    try:
        yield _address("http" if tls is None else "https", host, listener)
    finally:
        context.stopping.on_next(None)
        server.should_exit = True
        await asyncio.wait({running}, timeout=GRACE_SECONDS)
        for connection in tuple(server.server_state.connections):
            connection.transport.abort()
        await running


async def _listen(host: str, port: int) -> socket.socket:
    """Return a listening socket.

    Raises:
        OSError: The address cannot be used. The message contains it.
    """
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        family, kind, protocol, _, address = found[0]
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(_BACKLOG)
        except BaseException:
            listener.close()
            raise
    except OSError as error:
        raise OSError(f"cannot listen on {host}:{port}: {error.strerror or error}") from error
    return listener


def _address(scheme: str, host: str, listener: socket.socket) -> str:
    shown = f"[{host}]" if ":" in host else host
    return f"{scheme}://{shown}:{listener.getsockname()[1]}/"
