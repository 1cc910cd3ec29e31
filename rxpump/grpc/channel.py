"""The connections of a client to its server, which are replaced when they are lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from rxpump.errors import RxPumpError
from rxpump.grpc.call import Call
from rxpump.grpc.connection import GrpcConnection
from rxpump.grpc.connection_pool import ConnectionPool
from rxpump.grpc.dialer import Dialer, Node
from rxpump.grpc.reconnector import GrpcReconnector
from rxpump.model.metrics import RequestKind
from rxpump.model.status import Status
from rxpump.network.lasting_connection import LastingConnection
from rxpump.network.node_resolver import NodeResolver
from rxpump.settings import Settings
from rxpump.telemetry import Telemetry

LONGEST_TRANSFER: Final = 1.0
"""Longest time in seconds for which a call that is left waits until the server has received its last messages."""


class Channel(LastingConnection[GrpcReconnector]):
    """The connections of a client to its server.

    Args:
        resolver: Finds the node to connect to.
        dialer: Opens connections.
        settings: Settings of the client.
        on_status: Function that is called with each change of the status.
        telemetry: Counters of the client.

    Attributes:
        dialer: Opens connections.
        telemetry: Counters of the client.
        before_close: Functions to call just before the client closes, when messages can still be sent.
    """

    def __init__(
        self,
        resolver: NodeResolver[Node],
        dialer: Dialer,
        settings: Settings,
        on_status: Callable[[Status], None],
        telemetry: Telemetry,
    ) -> None:
        super().__init__(resolver, settings, on_status)
        self.telemetry: Telemetry = telemetry
        self.before_close: set[Callable[[], None]] = set()
        self.dialer: Dialer = dialer
        self._resolver = resolver
        self._pool = ConnectionPool(self._tasks)
        self._requests = 0
        self._leaving: set[asyncio.Task[None]] = set()  # Tasks that cancel calls after a delay.

    @property
    def is_connected(self) -> bool:
        """Whether there is a connection that accepts calls now."""
        return bool(self._pool.connections)

    async def settled(self) -> None:
        """Wait until no request is pending, and until calls that are left have been cancelled."""
        while self._requests:
            await self._pool.changed()
        if self._leaving:
            await asyncio.wait(tuple(self._leaving))

    def explain(self) -> str:
        """Return the recent experience with each node, for errors; empty if there is none."""
        return self._resolver.explain()

    def begin_request(self) -> float:
        """Count a request as pending, so that `settled` waits for it. Return the time, for `end_request`."""
        self._requests += 1
        return self.telemetry.begin_request()

    def end_request(self, kind: RequestKind, begun: float, error: BaseException | None = None) -> None:
        """Count a request as completed, so that `settled` no longer waits for it; see `Telemetry.end_request`."""
        self.telemetry.end_request(kind, begun, error)
        self._requests -= 1
        if not self._requests:
            self._pool.notify()

    def cancel_later(self, call: Call, seconds: float) -> None:
        """Cancel a call `seconds` after its last message has arrived, so that the server reads it. `close` waits."""
        task = self._tasks.start(_cancel_later(call, seconds), f"end {call.context.operation}")
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    async def connection(self) -> GrpcConnection:
        """Wait for a connection on which a call can be opened, and return it. The call must be opened at once.

        Raises:
            NotConnected: `open` was not called, or `close` was.
            RxPumpError: The reason for which no further connection is made.
        """
        while True:
            self.check_open()
            found = self._pool.find()
            if found is not None:
                return found
            await self._pool.changed()

    def _new_reconnector(self) -> GrpcReconnector:
        self._pool = ConnectionPool(self._tasks)  # The old pool can belong to another event loop.
        return GrpcReconnector(
            self._resolver, self.dialer, self._settings, self._pool, self._on_status, self.telemetry
        )

    async def _leave(self) -> None:
        """Send the last messages, and wait until the calls that are left have been cancelled."""
        for act in tuple(self.before_close):
            act()
        if self._leaving:
            await asyncio.wait(tuple(self._leaving))

    async def _end_requests(self, error: RxPumpError) -> None:
        await self._pool.close(error)
        self._pool.notify()

    def __repr__(self) -> str:
        return f"<Channel {self._reconnector!r}, {self._requests} requests, {self._pool!r}>"


class LeaderChannel(Channel):
    """Connections to the leader, for a client whose reads are served by another node.

    They are opened when the first request is made that only the leader serves.

    Args:
        reads: Connections for reads, which the client opens and closes.
        resolver: Finds the leader.
        settings: Settings of the client for requests to the leader.
    """

    def __init__(self, reads: Channel, resolver: NodeResolver[Node], settings: Settings) -> None:
        super().__init__(resolver, reads.dialer, settings, lambda status: None, reads.telemetry)
        self._reads = reads

    async def connection(self) -> GrpcConnection:
        """Wait for a connection to the leader; see `Channel.connection`."""
        self._reads.check_open()
        self.start()
        return await super().connection()


async def _cancel_later(call: Call, seconds: float) -> None:
    if not call.has_ended:
        await call.drain()
        with suppress(TimeoutError):
            async with asyncio.timeout(LONGEST_TRANSFER):
                await call.arrival()
        await asyncio.sleep(seconds)
        call.cancel()
