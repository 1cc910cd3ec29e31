"""Keep connections to one node open, with the rules of `rxpump.network.reconnector`.

The client also moves on if the server announces that it shuts down. Calls that are running can then end on the old
connection, while new calls use the next one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from rxpump.discovery import Address
from rxpump.discovery.host_overrides import overridden
from rxpump.errors import CertificateRefused, ConnectionClosed, NotAuthenticated, RxPumpError
from rxpump.grpc.connection import GrpcConnection, Observer, first_of
from rxpump.grpc.connection_pool import ConnectionPool
from rxpump.grpc.dialer import Dialer, Node
from rxpump.model.status import Status
from rxpump.network.node_resolver import NodeResolver
from rxpump.network.reconnector import Reconnector
from rxpump.settings import Settings

_LASTING_SECONDS = 1.0
"""Seconds after which a connection counts as one that works."""


class GrpcReconnector(Reconnector[Node], Observer):
    """Fills a pool with connections to one node after another.

    Args:
        resolver: Finds the node for each attempt.
        dialer: Opens connections.
        settings: Settings of the client.
        pool: Connections to the current node.
        on_status: Function that is called with each change of the connection's status.
    """

    def __init__(
        self,
        resolver: NodeResolver[Node],
        dialer: Dialer,
        settings: Settings,
        pool: ConnectionPool,
        on_status: Callable[[Status], None],
    ) -> None:
        super().__init__(resolver, settings, _LASTING_SECONDS, on_status)
        self._dialer = dialer
        self._pool = pool
        self._first_connection: GrpcConnection | None = None
        self._leaving: asyncio.Future[str] | None = None
        self._hint: Node | None = None

    # The connections call these ----------------------------------------------------------------------

    def changed(self, connection: GrpcConnection) -> None:
        """Wake the callers that wait for a connection, and move on if the server shuts down."""
        self._pool.notify()
        if connection.is_going_away and connection in self._pool.connections:
            self._leave("")

    def named_leader(self, connection: GrpcConnection, leader: Address) -> None:
        """Connect to the leader that the node has named, unless it is not to be followed."""
        if connection in self._pool.connections and self.may_follow(leader):
            host, port = overridden(leader, self._settings.host_overrides)
            self._hint = Node(host, port)
            self._leave(f"another node leads: {self._hint}")

    def refused(self, connection: GrpcConnection) -> None:
        """Note that the node did not handle a request, and look at the gossip soon."""
        if connection in self._pool.connections:
            self.note_refusal("is not ready")

    # The rules of reconnecting call these --------------------------------------------------------------

    async def _connect(self, address: Node, limit: float) -> None:
        """Open a connection, and use it."""
        attempt = self._policy.attempts + 1

        async def dial() -> GrpcConnection:
            return await self._dialer.dial(address, attempt, limit, self)

        self._first_connection = connection = await dial()
        self._leaving = asyncio.get_running_loop().create_future()
        self._pool.begin(connection, dial)
        self.changed(connection)  # the server may have begun to shut down since the connection was ready

    async def _until_lost(self) -> RxPumpError:
        """Wait until the first connection is lost, or until it is left."""
        connection, leaving = self._first_connection, self._leaving
        assert connection is not None
        assert leaving is not None
        await first_of(connection.closed, leaving)
        self._leaving = None
        if connection.closed.done():
            self._pool.drop(connection.closed.result())
            return connection.closed.result()
        reason = leaving.result()
        if not reason:
            self._pool.retire()
            return ConnectionClosed(self.address, "the server shuts the connection down")
        error = ConnectionClosed(self.address, reason)
        self._pool.drop(error)
        return error

    def _end_connection(self, reason: str) -> None:
        self._leave(reason)

    @property
    def _was_useful(self) -> bool:
        return self._first_connection is not None and self._first_connection.has_answered

    def _verdict(self, problem: RxPumpError, address: Node) -> RxPumpError | None:
        return problem if isinstance(problem, (CertificateRefused, NotAuthenticated)) else None

    def _leader_hint(self, address: Node) -> Node | None:
        hint, self._hint = self._hint, None
        return hint

    def _leave(self, reason: str) -> None:
        """Leave the node; without a reason, because it shuts down, and its calls can end."""
        if self._leaving is not None and not self._leaving.done():
            self._leaving.set_result(reason)

    def __repr__(self) -> str:
        state = "connected" if self._pool.connections else f"not connected: {self._problem}"
        return f"<GrpcReconnector to {self.address}, {state}>"
