"""Keep connections to one node open, by the rules in `rxpump.network.reconnector`.

The client also connects again if the server announces that it shuts down. Running calls can then be completed on the
old connection, while new calls use the next one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from rxpump.discovery.host_overrides import overridden
from rxpump.discovery.member import Address
from rxpump.errors import CertificateRefused, ConnectionClosed, NotAuthenticated, RxPumpError
from rxpump.grpc.connection import GrpcConnection, Observer, first_of
from rxpump.grpc.connection_pool import ConnectionPool
from rxpump.grpc.dialer import Dialer, Node
from rxpump.model.status import Status
from rxpump.network.node_resolver import NodeResolver
from rxpump.network.reconnector import Reconnector
from rxpump.settings import Settings
from rxpump.telemetry import Telemetry

_LASTING_SECONDS = 1.0
"""Seconds after which a connection is regarded as stable."""


class GrpcReconnector(Reconnector[Node], Observer):
    """Connects a pool to a node, and to the node chosen next when the connection is lost or the server shuts down.

    Args:
        resolver: Finds the node for each attempt.
        dialer: Opens connections.
        settings: Settings of the client.
        pool: Connections to the current node.
        on_status: Function that is called with each change of the connection's status.
        telemetry: Counters of the client.
    """

    def __init__(
        self,
        resolver: NodeResolver[Node],
        dialer: Dialer,
        settings: Settings,
        pool: ConnectionPool,
        on_status: Callable[[Status], None],
        telemetry: Telemetry,
    ) -> None:
        super().__init__(resolver, settings, _LASTING_SECONDS, on_status)
        self._dialer = dialer
        self._telemetry = telemetry
        self._pool = pool
        self._first_connection: GrpcConnection | None = None
        self._leaving: asyncio.Future[str] | None = None
        self._hint: Node | None = None

    # Called by the connections ----------------------------------------------------------------------

    def changed(self, connection: GrpcConnection) -> None:
        """Wake the callers that wait for a connection. If the server shuts down, leave the node."""
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
        """Let the next request for gossip follow soon, because the node has refused a request."""
        if connection in self._pool.connections:
            self.note_refusal("is not ready")

    def moved_bytes(self, received: int, sent: int) -> None:
        """Count bytes."""
        self._telemetry.note_bytes(received, sent)

    # Called by the base class --------------------------------------------------------------

    async def _connect(self, address: Node, limit: float) -> None:
        """Open a connection, and use it for all new calls."""
        attempt = self._policy.attempts + 1

        async def dial() -> GrpcConnection:
            return await self._dialer.dial(address, attempt, limit, self)

        self._first_connection = connection = await dial()
        self._leaving = asyncio.get_running_loop().create_future()
        self._pool.begin(connection, dial)
        self.changed(connection)  # The server may have sent GOAWAY meanwhile.

    async def _until_lost(self) -> RxPumpError:
        """Wait until the first connection is lost, or until `_leave` is called. Return the reason."""
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
        """Leave the node. An empty reason means that it shuts down, so that running calls can be completed."""
        if self._leaving is not None and not self._leaving.done():
            self._leaving.set_result(reason)

    def __repr__(self) -> str:
        state = "connected" if self._pool.connections else f"not connected: {self._problem}"
        return f"<GrpcReconnector to {self.address}, {state}>"
