"""A TCP proxy that misbehaves: cuts connections at random bytes, stalls, goes deaf."""

from __future__ import annotations

import asyncio
import random
from types import TracebackType

_CHUNK = 4096


class Proxy:
    """Stands between a client and the server on `port`; `async with` it, connect to `proxy.port`.

    `cut_after` gives, for each connection, how many bytes pass (both ways together) before it is cut in the
    middle of whatever is passing; None: never. `deaf`: nothing from the server passes any more, though the
    connections stay open and heartbeats are answered by nobody.
    """

    def __init__(self, port: int, rng: random.Random | None = None, mean_bytes: int | None = None) -> None:
        self.target = port
        self.port = 0
        self.cuts = 0
        self.accepted = 0
        self.refuses = False
        self._rng = rng or random.Random(0)
        self._mean_bytes = mean_bytes
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Proxy:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
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
        self._mean_bytes = None

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
        except OSError:
            pass
        finally:
            for writer in pair:
                # Half of the cuts are resets, half are ends: a client must take both for what they are.
                writer.transport.abort() if self._rng.random() < 0.5 else writer.close()
                self._writers.discard(writer)
