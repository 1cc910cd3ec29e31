"""A TCP proxy whose connections fail when the test requests it, at random, or after a number of bytes."""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Final

from rxpump.server.listening import stop_listening

_CHUNK: Final = 4096
_HOST: Final = "127.0.0.1"


class Proxy:
    """A proxy to a server, in the running event loop. Use it in `async with`, and connect to `proxy.port`.

    `Network` is the same for tests in any thread.

    Args:
        port: Port of the server.
        rng: Random numbers for the number of bytes before a cut, and for the kind of the cut.
        mean_bytes: Average number of bytes in both directions together before a connection is cut. None: no cut.
        host: Host of the server.
        cut_after: Exact number of bytes in both directions before each connection is cut, instead of `mean_bytes`.
        bytes_per_second: Largest rate in each direction of a connection. None: no limit.

    Attributes:
        port: Port that clients connect to.
        cuts: Number of connections that were cut after a number of bytes.
        accepted: Number of connections that clients opened.
        refuses: Whether new connections are reset at once.
        bytes_per_second: Largest rate in each direction of a connection. None: no limit.
    """

    def __init__(
        self,
        port: int,
        rng: random.Random | None = None,
        mean_bytes: int | None = None,
        *,
        host: str = _HOST,
        cut_after: int | None = None,
        bytes_per_second: float | None = None,
    ) -> None:
        self.port: int = 0
        self.cuts: int = 0
        self.accepted: int = 0
        self.refuses: bool = False
        self.bytes_per_second: float | None = bytes_per_second
        self._target = host, port
        self._rng = rng or random.Random(0)
        self._mean_bytes = mean_bytes
        self._cut_after = cut_after
        self._loses_reply = False
        self._corrupts_reply = False
        self._may_flow = asyncio.Event()
        self._may_flow.set()
        self._connections: set[_Connection] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    @property
    def open_connections(self) -> int:
        """Number of connections that are open now."""
        return len(self._connections)

    @property
    def is_stalled(self) -> bool:
        """Whether bytes are delayed until `restore`."""
        return not self._may_flow.is_set()

    async def __aenter__(self) -> Proxy:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # A small buffer, because a sender regards bytes in it as sent.
        if self.bytes_per_second is not None:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2 * _CHUNK)
        listener.bind((_HOST, self.port))
        self._server = await asyncio.start_server(self._accept, sock=listener, limit=_CHUNK)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        server, self._server = self._server, None
        await stop_listening(server)
        self.restore()
        self.cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # Failures -------------------------------------------------------------------------------------

    def cut(self) -> None:
        """Reset every open connection. Clients can open new ones."""
        for connection in tuple(self._connections):
            connection.cut()

    def half_close(self) -> None:
        """End every open connection in the direction from server to client. The other direction stays open."""
        for connection in tuple(self._connections):
            connection.half_close()

    def stall(self) -> None:
        """Delay all bytes until `restore`. Connections stay open, and new ones are accepted."""
        self._may_flow.clear()

    def lose_reply(self) -> None:
        """Drop the next bytes from the server, and close their connection."""
        self._loses_reply = True

    def corrupt_reply(self) -> None:
        """Invert all bits of the next bytes from the server."""
        self._corrupts_reply = True

    def cut_at_random(self, rng: random.Random, mean_bytes: int) -> None:
        """Cut connections that are opened from now on after a random number of bytes, `mean_bytes` on average."""
        self._rng, self._mean_bytes = rng, mean_bytes

    def calm(self) -> None:
        """Stop cutting: connections that are opened from now on stay open."""
        self._mean_bytes = self._cut_after = None

    def restore(self) -> None:
        """End all failures: bytes flow at full rate, and new connections are accepted and not cut."""
        self.calm()
        self.refuses = self._loses_reply = self._corrupts_reply = False
        self.bytes_per_second = None
        self._may_flow.set()

    # Connections ----------------------------------------------------------------------------------

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.refuses or self._server is None:  # None: the client connected while the proxy ended.
            writer.transport.abort()
            return
        self.accepted += 1
        connecting = self._start(self._connect(reader, writer))
        # If the proxy ends, it cancels the task, perhaps before its first step.
        connecting.add_done_callback(lambda task: writer.transport.abort() if task.cancelled() else None)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection(*self._target)
        except OSError:
            writer.transport.abort()
            return
        connection = _Connection(self, writer, far_writer, self._new_budget())
        self._connections.add(connection)
        connection.tasks = [
            self._start(connection.pump(reader, far_writer)),
            self._start(connection.pump(far_reader, writer)),
        ]

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _new_budget(self) -> float:
        if self._cut_after is not None:
            return self._cut_after
        return self._rng.expovariate(1 / self._mean_bytes) if self._mean_bytes else float("inf")

    def closes_orderly(self) -> bool:
        """Return at random whether to close a connection in order or to reset it. A client must handle both."""
        return self._rng.random() >= 0.5

    def ended(self, connection: _Connection) -> None:
        """Remove a connection that has ended."""
        self._connections.discard(connection)

    async def until_it_may_flow(self) -> None:
        """Wait until the proxy is not stalled."""
        await self._may_flow.wait()

    def reply(self, data: bytes) -> bytes | None:
        """Return the bytes to forward to a client instead of `data` from the server; None to cut the connection."""
        if self._loses_reply:
            self._loses_reply = False
            return None
        if self._corrupts_reply:
            self._corrupts_reply = False
            return bytes(byte ^ 0xFF for byte in data)
        return data

    def __repr__(self) -> str:
        host, port = self._target
        return f"<Proxy {_HOST}:{self.port} to {host}:{port}, {len(self._connections)} connections>"


class _Connection:
    """A connection of a client, and the corresponding connection to the server.

    Args:
        proxy: The proxy.
        client: Writer to the client.
        server: Writer to the server.
        budget: Number of bytes in both directions together before the connection is cut.

    Attributes:
        tasks: The tasks that forward bytes.
    """

    def __init__(
        self, proxy: Proxy, client: asyncio.StreamWriter, server: asyncio.StreamWriter, budget: float
    ) -> None:
        self._proxy = proxy
        self._client = client
        self._server = server
        self._budget = budget
        self._is_half_closed = False
        self.tasks: list[asyncio.Task[None]] = []

    def cut(self) -> None:
        """Reset both connections."""
        self._client.transport.abort()
        self._server.transport.abort()
        for task in self.tasks:
            task.cancel()
        self._proxy.ended(self)

    def half_close(self) -> None:
        """Send the end of the stream to the client, and drop further bytes from the server."""
        self._is_half_closed = True
        self._client.write_eof()

    async def pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        """Forward bytes in one direction until the connection ends."""
        try:
            while data := await source.read(_CHUNK):
                await self._proxy.until_it_may_flow()
                if not self._forward(data, sink):
                    self._proxy.cuts += 1
                    break
                await sink.drain()
                if (rate := self._proxy.bytes_per_second) is not None:
                    await asyncio.sleep(len(data) / rate)
        except OSError:
            pass
        finally:
            for writer in (self._client, self._server):
                writer.close() if self._proxy.closes_orderly() else writer.transport.abort()
            self._proxy.ended(self)

    def _forward(self, data: bytes, sink: asyncio.StreamWriter) -> bool:
        """Write bytes to the other side. Return whether the connection stays open."""
        if sink is self._client:
            if self._is_half_closed:
                return True
            changed = self._proxy.reply(data)
            if changed is None:
                return False
            data = changed
        passing = data[: int(min(len(data), self._budget))]
        self._budget -= len(data)
        sink.write(passing)
        return self._budget > 0
