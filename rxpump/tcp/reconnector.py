"""Keep one TCP connection open, by the rules in `rxpump.network.reconnector`.

`Refusals` decides whether the refusal of a client that was never accepted is final. If a client was accepted before,
it retries after refusals, because a node that is starting refuses every login (docs/protocol/tcp.md, section 4.12).
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from rxpump.discovery.host_overrides import overridden
from rxpump.errors import CertificateRefused, ConnectionFailed, RxPumpError
from rxpump.model.status import Status
from rxpump.network.reconnector import Reconnector, now
from rxpump.network.tls import CLOSING_TIMEOUT, certificate_failure, handshake_failure, make_context
from rxpump.settings import Settings
from rxpump.tcp.connection import Connection
from rxpump.tcp.node_resolver import TcpNodeResolver
from rxpump.tcp.protocol.client_protocol import ClientProtocol, ProtocolState
from rxpump.tcp.protocol.pending_requests import PendingRequests
from rxpump.tcp.refusals import Refusals
from rxpump.telemetry import Telemetry
from rxpump.uri import TcpAddress


class TcpReconnector(Reconnector[TcpAddress]):
    """Runs the pending requests over one connection after another.

    Args:
        resolver: Finds the node for each attempt.
        settings: Settings of the client.
        pending: Requests of the client.
        on_status: Function that is called with each change of the connection's status.
        telemetry: Counters of the client.

    Attributes:
        connection: The open connection, or None.

    Raises:
        InvalidArgument: The file `tls_ca` of the settings cannot be read.
    """

    def __init__(
        self,
        resolver: TcpNodeResolver,
        settings: Settings,
        pending: PendingRequests,
        on_status: Callable[[Status], None],
        telemetry: Telemetry,
    ) -> None:
        super().__init__(resolver, settings, settings.heartbeat_interval, on_status)
        self._telemetry = telemetry
        self.connection: Connection | None = None
        self._last: Connection | None = None
        self._tls = make_context(settings)
        self._pending = pending
        self._refusals = Refusals()
        self._lost_while: ProtocolState | None = None

    def _verdict(self, problem: RxPumpError, address: TcpAddress) -> RxPumpError | None:
        return self._refusals.verdict(problem, address, now(), self._lost_while)

    async def _connect(self, address: TcpAddress, limit: float) -> None:
        """Open a connection, and wait until requests can be sent. Each of these steps may take `limit` seconds."""
        self._lost_while = None
        try:
            connection = await self._dial(address, limit)
        except (OSError, ValueError) as error:  # An invalid host name raises a ValueError.
            raise self._connect_failure(error, address) from error
        await self._while_open(connection, connection.ready)
        if connection.closed.done():
            self._lost_while = connection.lost_while
            raise connection.closed.result()
        self.connection = self._last = connection
        connection.wake()  # Send requests that were made after it became ready.

    async def _dial(self, address: TcpAddress, limit: float) -> Connection:
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(limit):
            _, connection = await loop.create_connection(
                lambda: Connection(self._protocol(address, limit), self._pending, self, self._telemetry),
                address.host,
                address.port,
                **self._tls_options(address),
            )
        return connection

    def _protocol(self, address: TcpAddress, limit: float) -> ClientProtocol:
        return ClientProtocol(self.address, self._settings, address.credentials, now(), limit)

    async def _until_lost(self) -> RxPumpError:
        connection = self.connection
        assert connection is not None
        try:
            await self._while_open(connection)
        finally:
            self.connection = None
        return connection.closed.result()

    def _end_connection(self, reason: str) -> None:
        if self.connection is not None:
            self.connection.end(reason)

    @property
    def _was_useful(self) -> bool:
        return self._last is not None and self._last.has_settled

    def _connect_failure(self, error: OSError | ValueError, address: TcpAddress) -> ConnectionFailed:
        attempt = self._policy.attempts + 1
        if isinstance(error, ssl.SSLCertVerificationError):
            name = self._settings.tls_server_name or address.host
            return CertificateRefused(self.address, attempt, certificate_failure(error, name))
        if isinstance(error, TimeoutError):
            hint = "" if self._tls is None else "; this port may not use TLS"
            return ConnectionFailed(self.address, attempt, f"no answer in time{hint}")
        if self._tls is not None and isinstance(error, OSError):
            return ConnectionFailed(self.address, attempt, handshake_failure(error))
        return ConnectionFailed(self.address, attempt, str(error))

    def _tls_options(self, address: TcpAddress) -> dict[str, Any]:
        if self._tls is None:
            return {}
        return {
            "ssl": self._tls,
            "server_hostname": self._settings.tls_server_name or address.host,
            "ssl_shutdown_timeout": CLOSING_TIMEOUT,
        }

    def _leader_hint(self, address: TcpAddress) -> TcpAddress | None:
        """Return the address of the leader if the node at `address` has named another node."""
        redirect, self._pending.redirect = self._pending.redirect, None
        if redirect is None:
            return None
        host, port = overridden(redirect, self._settings.host_overrides)
        return replace(address, host=host, port=port)

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
            f"<TcpReconnector of {self.connection!r}>"
            if self.connection
            else f"<TcpReconnector, no connection: {self._problem}>"
        )
