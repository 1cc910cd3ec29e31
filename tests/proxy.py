"""A TCP proxy that misbehaves: cuts connections at random or after a number of bytes, is slow."""

from __future__ import annotations

import asyncio
import random
import socket
from types import TracebackType

_CHUNK = 4096


class Proxy:
    """Stands between a client and the server on `port`; `async with` it, connect to `proxy.port`.

    Attributes:
        cuts: Connections that were cut in the middle of whatever was passing.
        accepted: Connections of clients.
        refuses: Whether connections are reset as soon as they are there.

    Args:
        port: Port of the server.
        rng: What decides about cuts, and about how they look.
        mean_bytes: Bytes that pass on a connection, both ways together, before it is cut, on average.
        cut_after: Bytes that pass on every connection before it is cut, in place of `mean_bytes`.
        bytes_per_second: Bytes that pass in each direction of a connection; None for as many as can.
    """

    def __init__(
        self,
        port: int,
        rng: random.Random | None = None,
        mean_bytes: int | None = None,
        *,
        cut_after: int | None = None,
        bytes_per_second: int | None = None,
    ) -> None:
        self.target = port
        self.port = 0
        self.cuts = 0
        self.accepted = 0
        self.refuses = False
        self._rng = rng or random.Random(0)
        self._mean_bytes = mean_bytes
        self._cut_after = cut_after
        self._rate = bytes_per_second
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Proxy:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if self._rate is not None:  # what the system keeps for a slow reader is as good as passed to its writer
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2 * _CHUNK)
        listener.bind(("127.0.0.1", self.port))
        self._server = await asyncio.start_server(self._accept, sock=listener, limit=_CHUNK)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        self.cut()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut(self) -> None:
        """Cut every connection now."""
        for writer in tuple(self._writers):
            writer.transport.abort()

    def calm(self) -> None:
        """Cut no more connections, beginning with the next one."""
        self._mean_bytes = self._cut_after = None

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.refuses:
            writer.transport.abort()
            return
        self.accepted += 1
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.transport.abort()
            return
        budget = [self._budget()]
        pair = (writer, far_writer)
        self._writers.update(pair)
        for source, sink in ((reader, far_writer), (far_reader, writer)):
            task = asyncio.get_running_loop().create_task(self._pump(source, sink, budget, pair))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _budget(self) -> float:
        if self._cut_after is not None:
            return self._cut_after
        return self._rng.expovariate(1 / self._mean_bytes) if self._mean_bytes else float("inf")

    async def _pump(
        self,
        source: asyncio.StreamReader,
        sink: asyncio.StreamWriter,
        budget: list[float],
        pair: tuple[asyncio.StreamWriter, asyncio.StreamWriter],
    ) -> None:
        try:
            while data := await source.read(_CHUNK):
                passing = data[: int(min(len(data), budget[0]))]
                budget[0] -= len(data)
                sink.write(passing)
                if budget[0] <= 0:
                    self.cuts += 1
                    break
                await sink.drain()
                if self._rate is not None:
                    await asyncio.sleep(len(data) / self._rate)
        except OSError:
            pass
        finally:
            for writer in pair:
                # Half of the cuts are resets, half are ends: a client must take both for what they are.
                writer.transport.abort() if self._rng.random() < 0.5 else writer.close()
                self._writers.discard(writer)
