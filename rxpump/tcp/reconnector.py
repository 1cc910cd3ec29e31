"""Keep one connection open: connect, follow the leader, wait, and connect again.

One task finds a node, connects to it, waits until the connection is lost, and starts again. It ends when it is
cancelled, when the reconnect policy allows no further attempt, or when a client that was never accepted is refused
for good (see `Refusals`). Once a client was accepted, a refusal is retried, because a node that is starting refuses
every login (docs/protocol/tcp.md, section 4.12).

A node that is not the leader names the leader. Such a hint is followed at once, unless that node has failed or has
named another leader a short time ago (`NodeMemory`). Then the client stays, and the request is repeated later. Hints
are no failed attempts, so they do not make delays longer. While the client is connected to a node of a cluster, the
task looks at the gossip from time to time, and soon after a refusal, and leaves the node for a better one.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

from rxpump.discovery import Endpoint
from rxpump.discovery.host_overrides import overridden
from rxpump.errors import (
    CertificateRefused,
    ConnectionClosed,
    ConnectionFailed,
    DiscoveryFailed,
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
        self._has_left = False
        self._doubted = asyncio.Event()

    async def run(self) -> RxPumpError:
        """Connect again and again. Return the error after which no further attempt is made."""
        leader: TcpAddress | None = None
        while True:
            self._has_left, self._lost_while = False, None
            address = leader or await self._locate()
            if address is not None:
                problem = await self._attempt(address, is_hint=leader is not None)
                if not self.first.done():
                    final = self._refusals.verdict(problem, address, _now(), self._lost_while)
                    if final is not None:
                        return final
            assert self._problem is not None
            leader = None if address is None else self._leader_hint(address)
            delay = self._delay(is_hint=leader is not None)
            if delay is None:
                return self._failure_of_policy(self._problem)
            self._on_status(Reconnecting(max(self._policy.attempts, 1), delay, self._problem))
            await asyncio.sleep(delay)

    async def _locate(self) -> TcpAddress | None:
        """Return the address of the node to connect to, or None if no node can be used now."""
        address: TcpAddress | None = None
        try:
            address = await self._resolver.locate()
        except DiscoveryFailed as error:
            self._problem = error
        if (report := self._resolver.report(address)) is not None:
            self._on_status(report)
        return address

    async def _attempt(self, address: TcpAddress, *, is_hint: bool) -> RxPumpError:
        """Connect to a node, and wait until the connection is lost. Return the reason, and remember it."""
        self.address = str(address)
        self.node = address
        self._on_status(Connecting(self.address))
        limit = self._settings.connect_timeout
        if is_hint or self._resolver.knows_others:
            limit = min(limit, self._settings.node_timeout)
        self._problem = problem = await self._connect_and_serve(address, limit)
        memory, key = self._resolver.memory, (address.host, address.port)
        if not self._has_left:
            memory.note_failure(key, getattr(problem, "reason", str(problem)), _now())
        return problem

    def _delay(self, *, is_hint: bool) -> float | None:
        """Return the seconds until the next attempt, or None if no policy allows one."""
        if is_hint or self._has_left:
            return 0.0
        delay, longest = self._policy.wait(is_hint=False), self._resolver.longest_pause()
        if delay is None or longest is None:
            return None
        delay = min(delay, longest)
        return max(delay, REFUSED_PAUSE) if isinstance(self._problem, NotAuthenticated) else delay

    # The connection asks this -----------------------------------------------------------------------

    def may_follow(self, leader: tuple[str, int]) -> bool:
        """Return whether to connect to the node that the connected one has named as the leader."""
        assert self.node is not None
        leader = overridden(leader, self._settings.host_overrides)
        here = (self.node.host, self.node.port)
        follows = leader != here and self._resolver.memory.may_lead(leader, _now())
        self._resolver.memory.note_refusal(here, f"names {Endpoint(*leader)} as the leader", _now())
        self._has_left = follows
        if not follows:
            self._doubted.set()
        return follows

    def note_refusal(self) -> None:
        """Note that the connected node did not handle a request, and look at the gossip soon."""
        assert self.node is not None
        self._resolver.memory.note_refusal((self.node.host, self.node.port), "is not ready", _now())
        self._doubted.set()

    async def _watch(self, connection: Connection, address: TcpAddress) -> None:
        """Leave the node when there is a better one."""
        settings = self._settings
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(settings.node_check_interval):
                    await self._doubted.wait()
            self._doubted.clear()
            reason = await self._resolver.reason_to_leave(address)
            if reason:
                self._has_left = True
                connection.end(reason)
                return
            await asyncio.sleep(settings.gossip_interval)

    # Errors -----------------------------------------------------------------------------------------

    def _failure_of_policy(self, problem: RxPumpError) -> RxPumpError:
        """Return the error after the last attempt that the policy allows."""
        failed = self.failure
        if self.first.done():
            address = failed.address if isinstance(failed, ConnectionFailed) else self.address
            failed = ReconnectFailed(address, max(self._policy.attempts, 1), failed.reason)
        if failed is not problem:
            failed.__cause__ = problem
        return failed

    @property
    def failure(self) -> ConnectionFailed | NotAuthenticated:
        """The error for requests while there is no connection."""
        attempts, problem = max(self._policy.attempts, 1), self._problem
        if isinstance(problem, (NotAuthenticated, DiscoveryFailed)):
            return problem
        if len(self._resolver.memory) > 1:
            return ConnectionFailed(self.address, attempts, self._resolver.explain())
        if isinstance(problem, (ConnectionClosed, ConnectionFailed)):
            # Use the reason alone, because it becomes part of a sentence.
            return ConnectionFailed(self.address, attempts, problem.reason)
        return ConnectionFailed(self.address, attempts, "no answer" if problem is None else str(problem))

    # One connection ---------------------------------------------------------------------------------

    async def _connect_and_serve(self, address: TcpAddress, limit: float) -> RxPumpError:
        """Connect to a node and wait until the connection is lost. Return the reason."""
        try:
            connection = await self._connect(address, limit)
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

    async def _connect(self, address: TcpAddress, limit: float) -> Connection:
        """Open a connection, and wait until requests can be sent. The dial and the handshake have `limit` each."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(limit):
            _, connection = await loop.create_connection(
                lambda: Connection(self._protocol(address, limit), self._pending, self),
                address.host,
                address.port,
                **self._tls_options(address),
            )
        await self._while_open(connection, connection.ready)
        if connection.closed.done():
            self._lost_while = connection.lost_while
            raise connection.closed.result()
        return connection

    def _protocol(self, address: TcpAddress, limit: float) -> ClientProtocol:
        return ClientProtocol(self.address, self._settings, address.credentials, _now(), limit)

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
        since = _now()
        self.connection = connection
        self._resolver.memory.note_success((address.host, address.port))
        self._doubted.clear()
        watching = asyncio.ensure_future(self._watch(connection, address)) if self._resolver.knows_others else None
        connection.wake()  # send the requests that were made since it was ready
        self._on_status(Connected(self.address))
        if not self.first.done():
            self.first.set_result(None)
        try:
            await self._while_open(connection)
        finally:
            self.connection = None
            if watching is not None:
                watching.cancel()
                await asyncio.wait([watching])
                if not watching.cancelled():
                    watching.result()
        self._policy.lasted(_now() - since)
        if connection.has_settled:
            self._policy.settled()
        return connection.closed.result()

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
            f"<Reconnector of {self.connection!r}>"
            if self.connection
            else f"<Reconnector, no connection: {self._problem}>"
        )


def _now() -> float:
    return asyncio.get_running_loop().time()
