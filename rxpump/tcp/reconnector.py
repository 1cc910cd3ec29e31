"""Keep one connection open: connect, follow the leader, wait, and connect again.

One task finds a node, connects to it, waits until the connection is lost, and starts again. It ends when it is
cancelled, when the reconnect policy allows no further attempt, or when a client that was never accepted is refused
for good (see `Refusals`). Once a client was accepted, a refusal is retried, because a node that is starting refuses
every login (docs/protocol/tcp.md, section 4.12).
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from rxpump.errors import (
    CertificateRefused,
    ConnectionClosed,
    ConnectionFailed,
    NotAuthenticated,
    ReconnectFailed,
    RxPumpError,
)
from rxpump.model.status import Connected, Connecting, Reconnecting, Status
from rxpump.network.reconnect_policy import ReconnectPolicy
from rxpump.network.tls import CLOSING_TIMEOUT, certificate_failure, handshake_failure, make_context
from rxpump.settings import Settings
from rxpump.tcp.connection import Connection
from rxpump.tcp.node_resolver import NodeResolver
from rxpump.tcp.protocol.client_protocol import ClientProtocol, ProtocolState
from rxpump.tcp.protocol.pending_requests import PendingRequests
from rxpump.tcp.refusals import REFUSED_PAUSE, Refusals
from rxpump.uri import TcpAddress


class Reconnector:
    """Runs the pending requests over one connection after another.

    Args:
        resolver: Finds the node for each attempt.
        settings: Settings of the client.
        pending: Requests of the client.
        on_status: Function that is called with each change of the connection's status.

    Attributes:
        connection: The open connection, or None.
        first: Future that is done when the first connection is ready, or when there will be none.
        address: Address of the current or last node, for errors.
        node: The same address; None before the first attempt.

    Raises:
        InvalidArgument: The file `tls_ca` of the settings cannot be read.
    """

    def __init__(
        self,
        resolver: NodeResolver,
        settings: Settings,
        pending: PendingRequests,
        on_status: Callable[[Status], None],
    ) -> None:
        self.connection: Connection | None = None
        self.first: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.address: str = "the server"
        self.node: TcpAddress | None = None
        self._resolver = resolver
        self._settings = settings
        self._tls = make_context(settings)
        self._pending = pending
        self._on_status = on_status
        self._policy = ReconnectPolicy(settings.reconnect, settings.heartbeat_interval)
        self._problem: RxPumpError | None = None
        self._refusals = Refusals()
        self._lost_while: ProtocolState | None = None

    async def run(self) -> RxPumpError:
        """Connect again and again. Return the error after which no further attempt is made."""
        leader: TcpAddress | None = None
        while True:
            address = leader or await self._resolver.locate()
            self.address = str(address)
            self.node = address
            self._on_status(Connecting(self.address))
            self._lost_while = None
            self._problem = problem = await self._connect_and_serve(address)
            if not self.first.done():
                now = asyncio.get_running_loop().time()
                final = self._refusals.verdict(problem, address, now, self._lost_while)
                if final is not None:
                    return final
            leader = self._leader_hint(address)
            delay = self._policy.wait(is_hint=leader is not None)
            if delay is None:
                return self._failure_of_policy(problem)
            if isinstance(problem, NotAuthenticated):
                delay = max(delay, REFUSED_PAUSE)
            self._on_status(Reconnecting(max(self._policy.attempts, 1), delay, problem))
            await asyncio.sleep(delay)

    def _failure_of_policy(self, problem: RxPumpError) -> RxPumpError:
        """Return the error after the last attempt that the policy allows."""
        failed = self.failure
        if self.first.done():
            failed = ReconnectFailed(self.address, max(self._policy.attempts, 1), failed.reason)
        if failed is not problem:
            failed.__cause__ = problem
        return failed

    @property
    def failure(self) -> ConnectionFailed | NotAuthenticated:
        """The error for requests while there is no connection."""
        attempts, problem = max(self._policy.attempts, 1), self._problem
        if isinstance(problem, NotAuthenticated):
            return problem
        if isinstance(problem, (ConnectionClosed, ConnectionFailed)):
            # Use the reason alone, because it becomes part of a sentence.
            return ConnectionFailed(self.address, attempts, problem.reason)
        return ConnectionFailed(self.address, attempts, "no answer" if problem is None else str(problem))

    async def _connect_and_serve(self, address: TcpAddress) -> RxPumpError:
        """Connect to a node and wait until the connection is lost. Return the reason."""
        try:
            connection = await self._connect(address)
        except RxPumpError as error:
            return error
        except (OSError, UnicodeError) as error:  # an invalid host name is a UnicodeError
            return self._connect_failure(error, address)
        return await self._serve(connection, address)

    def _connect_failure(self, error: OSError | UnicodeError, address: TcpAddress) -> ConnectionFailed:
        attempt = self._policy.attempts + 1
        if isinstance(error, ssl.SSLCertVerificationError):
            name = self._settings.tls_server_name or address.host
            return CertificateRefused(self.address, attempt, certificate_failure(error, name))
        if isinstance(error, TimeoutError):
            unless = "" if self._tls is None else "; it may not speak TLS on this port"
            return ConnectionFailed(self.address, attempt, f"no answer to the dial in time{unless}")
        if self._tls is not None and isinstance(error, OSError):
            return ConnectionFailed(self.address, attempt, handshake_failure(error))
        return ConnectionFailed(self.address, attempt, str(error))

    async def _connect(self, address: TcpAddress) -> Connection:
        """Open a connection, and wait until requests can be sent."""
        loop = asyncio.get_running_loop()
        protocol = ClientProtocol(self.address, self._settings, address.credentials, loop.time())
        async with asyncio.timeout(self._settings.connect_timeout):
            _, connection = await loop.create_connection(
                lambda: Connection(protocol, self._pending), address.host, address.port, **self._tls_options(address)
            )
        await self._while_open(connection, connection.ready)
        if connection.closed.done():
            self._lost_while = protocol.lost_while
            raise connection.closed.result()
        return connection

    def _tls_options(self, address: TcpAddress) -> dict[str, Any]:
        if self._tls is None:
            return {}
        return {
            "ssl": self._tls,
            "server_hostname": self._settings.tls_server_name or address.host,
            "ssl_shutdown_timeout": CLOSING_TIMEOUT,
        }

    async def _serve(self, connection: Connection, address: TcpAddress) -> RxPumpError:
        """Wait until the connection is lost, or the server names another node as the leader."""
        loop = asyncio.get_running_loop()
        since = loop.time()
        self.connection = connection
        connection.wake()  # send the requests that were made since it was ready
        self._on_status(Connected(self.address))
        if not self.first.done():
            self.first.set_result(None)
        try:
            await self._while_open(connection)
        finally:
            self.connection = None
        self._policy.lasted(loop.time() - since)
        if connection.has_settled:
            self._policy.settled()
        return connection.closed.result()

    def _leader_hint(self, address: TcpAddress) -> TcpAddress | None:
        """Return the address of the leader if the node at `address` has named another node."""
        redirect, self._pending.redirect = self._pending.redirect, None
        if redirect is None:
            return None
        leader = replace(address, host=redirect[0], port=redirect[1])
        return leader if leader != address else None

    async def _while_open(self, connection: Connection, *until: asyncio.Future[Any]) -> None:
        """Wait for the end of the connection or for `until`. If this task is cancelled, close the connection."""
        waiting: list[asyncio.Future[Any]] = [connection.closed, *until]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            connection.end("the client was closed")
            await asyncio.wait([connection.closed])
            raise

    def __repr__(self) -> str:
        return (
            f"<Reconnector of {self.connection!r}>"
            if self.connection
            else f"<Reconnector, no connection: {self._problem}>"
        )
