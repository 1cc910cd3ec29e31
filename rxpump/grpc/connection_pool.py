"""The connections to one node. Another one is opened when all of them are full of calls."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

from rxpump.backpressure.background_tasks import BackgroundTasks
from rxpump.errors import RxPumpError
from rxpump.grpc.connection import CLOSING_SECONDS, GrpcConnection

_PAUSE_SECONDS: Final = 0.1
"""Seconds after a failed attempt to open another connection before the next attempt."""

Dial = Callable[[], Awaitable[GrpcConnection]]
"""A function that opens another connection to the same node."""


class ConnectionPool:
    """The connections to one node.

    A server allows about 100 calls on one connection. If all connections are full, another one is opened. It stays
    open as long as the others, because as many calls may run at once again.

    Args:
        tasks: Owner of the tasks that open connections.

    Attributes:
        connections: Connections to the current node, the first one first. None of them is shutting down.
    """

    def __init__(self, tasks: BackgroundTasks) -> None:
        self.connections: list[GrpcConnection] = []
        self._leaving: set[GrpcConnection] = set()  # closed one by one when their calls have ended
        self._tasks = tasks
        self._dial: Dial | None = None
        self._widening: asyncio.Task[None] | None = None
        self._changed: asyncio.Future[None] | None = None  # shared by all tasks in `changed`

    def begin(self, first: GrpcConnection, dial: Dial) -> None:
        """Use the connections to another node from now on.

        Args:
            first: The first connection to it.
            dial: Function that opens another one.
        """
        self.connections = [first]
        self._dial = dial
        self.notify()

    def find(self) -> GrpcConnection | None:
        """Return a connection on which a call can be opened now.

        If there is none, return None, and begin to open another connection to the node.
        """
        for connection in self.connections:
            if connection.may_open:
                return connection
        if self._dial is not None and self._widening is None:
            self._widening = self._tasks.start(self._widen(self._dial), "open another connection")
        return None

    async def changed(self) -> None:
        """Wait until `notify` is called."""
        if self._changed is None:
            self._changed = asyncio.get_running_loop().create_future()
        await asyncio.shield(self._changed)

    def notify(self) -> None:
        """Wake the tasks that wait in `changed`, because a call can be opened, or no call can be opened any more."""
        if self._changed is not None:
            self._changed.set_result(None)
            self._changed = None

    def retire(self) -> None:
        """Open no more calls on the connections to the node. Close each of them when its calls have ended."""
        retired = self._leave_node()
        for connection in retired:
            if not connection.closed.done():
                self._leaving.add(connection)
                connection.closed.add_done_callback(partial(self._note_left, connection))
                connection.close_when_idle()

    def drop(self, error: RxPumpError) -> None:
        """Close the connections to the node at once. The calls on them end with `error`."""
        for connection in self._leave_node():
            connection.close(error)

    async def close(self, error: RxPumpError) -> None:
        """End all calls with `error`, and wait until all connections are closed."""
        leaving = [*self._leave_node(), *self._leaving]
        for connection in leaving:
            connection.close(error)
        closing = [connection.closed for connection in leaving]
        if closing:
            await asyncio.wait(closing, timeout=2 * CLOSING_SECONDS)

    def _leave_node(self) -> list[GrpcConnection]:
        self._dial = None
        if self._widening is not None:
            self._widening.cancel()
            self._widening = None
        left, self.connections = self.connections, []
        return left

    async def _widen(self, dial: Dial) -> None:
        try:
            connection = await dial()
        except RxPumpError:  # The waiting calls get a place on an existing connection when another call ends.
            await asyncio.sleep(_PAUSE_SECONDS)
        else:
            self.connections.append(connection)
            connection.closed.add_done_callback(partial(self._note_lost, connection))
        self._widening = None
        self.notify()

    def _note_left(self, connection: GrpcConnection, _: asyncio.Future[RxPumpError]) -> None:
        self._leaving.discard(connection)

    def _note_lost(self, connection: GrpcConnection, _: asyncio.Future[RxPumpError]) -> None:
        if connection in self.connections[1:]:
            self.connections.remove(connection)
            self.notify()

    def __repr__(self) -> str:
        calls = sum(connection.calls for connection in self.connections)
        return f"<ConnectionPool of {len(self.connections)} connections, {len(self._leaving)} leaving, {calls} calls>"
