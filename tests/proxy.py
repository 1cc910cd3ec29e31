"""A TCP proxy that cuts connections, at random or after a number of bytes, or limits their rate."""

from __future__ import annotations

import asyncio
import random
import socket
from types import TracebackType

_CHUNK = 4096


class Proxy:
    """A proxy to the server on `port`. Use it in `async with`, and connect to `proxy.port`.

    Attributes:
        cuts: Number of connections that were cut after a number of bytes.
        accepted: Number of connections that clients opened.
        refuses: Whether new connections are reset at once.

    Args:
        port: Port of the server.
        rng: Random numbers for the number of bytes before a cut, and for the kind of the cut.
        mean_bytes: Average number of bytes in both directions together before a connection is cut. None: no cut.
        cut_after: Exact number of bytes in both directions before each connection is cut, instead of `mean_bytes`.
        bytes_per_second: Largest rate in each direction of a connection. None: no limit.
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
        self._loses_reply = False
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Proxy:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if self._rate is not None:  # bytes in the receive buffer count as sent for the sender
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
        """Reset every open connection."""
        for writer in tuple(self._writers):
            writer.transport.abort()

    def lose_reply(self) -> None:
        """Cut a connection in place of the next bytes from the server."""
        self._loses_reply = True

    def calm(self) -> None:
        """Let connections that are opened from now on run without a cut."""
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
                if self._loses_reply and sink is pair[0]:
                    self._loses_reply = False
                    self.cuts += 1
                    break
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
                # Half of the cuts are resets and half are orderly ends, because a client must handle both.
                writer.transport.abort() if self._rng.random() < 0.5 else writer.close()
                self._writers.discard(writer)
