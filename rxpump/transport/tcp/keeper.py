"""Keeps one connection open: dials, follows a leader, backs off, comes back.

One task, one loop: locate a node, dial it, serve until it is lost, wait, again. It ends when it is told to
stop, when the reconnect policy gives up, or when the server refuses the credentials that it never accepted.
Credentials that did work once are another matter: a node that is starting refuses everybody (protocol
section 4.12), and a subscription must not die of that at night.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from rxpump.errors import ConnectionFailed, NotAuthenticated, RxPumpError
from rxpump.protocol.ledger import Ledger
from rxpump.protocol.link import Link
from rxpump.settings import Settings
from rxpump.status import Connected, Connecting, Reconnecting, Status
from rxpump.transport.tcp.connection import Connection
from rxpump.transport.tcp.locator import Locator
from rxpump.uri import TcpAddress


class Keeper:
    """Runs `ledger` over one connection after another. `first` ends with the first that is ready."""

    def __init__(
        self, locator: Locator, settings: Settings, ledger: Ledger, on_status: Callable[[Status], None]
    ) -> None:
        self.connection: Connection | None = None
        self.first: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.reason: RxPumpError | None = None
        self._locator = locator
        self._settings = settings
        self._ledger = ledger
        self._on_status = on_status
        self._credentials_worked = False

    async def run(self) -> RxPumpError:
        """Keep the connection; return why there will be no other."""
        attempt = redirects = 0
        leader: TcpAddress | None = None
        while True:
            address = leader or await self._locator.locate()
            leader = None
            self._on_status(Connecting(str(address)))
            try:
                connection = await self._connect(address)
            except (RxPumpError, OSError) as error:
                self.reason = _named(error, address, attempt + 1)
            else:
                attempt = 0
                self.reason = await self._serve(connection, address)
                leader = self._leader_other_than(address)
            if isinstance(self.reason, NotAuthenticated) and not self._credentials_worked:
                return self.reason
            if leader is not None:
                # The first hint is followed at once; nodes that send us round in circles are electing.
                redirects += 1
                attempt = redirects - 1
            else:
                redirects = 0
                attempt += 1
            delay = self._settings.reconnect.delay(attempt) if attempt else 0.0
            if delay is None:
                return ConnectionFailed(str(address), attempt, str(self.reason))
            self._on_status(Reconnecting(attempt, delay, self.reason))
            await asyncio.sleep(delay)

    async def _connect(self, address: TcpAddress) -> Connection:
        """Dial, and wait until the server has taken us in."""
        loop = asyncio.get_running_loop()
        link = Link(str(address), self._settings, address.credentials, loop.time())
        async with asyncio.timeout(self._settings.connect_timeout):
            _, connection = await loop.create_connection(
                lambda: Connection(link, self._ledger), address.host, address.port
            )
        await self._while_open(connection, connection.ready)
        if connection.closed.done():
            raise connection.closed.result()
        return connection

    async def _serve(self, connection: Connection, address: TcpAddress) -> RxPumpError:
        """Stay until the connection is lost, or another node is the one to ask."""
        self._credentials_worked = address.credentials is not None
        self.connection = connection
        self._on_status(Connected(str(address)))
        if not self.first.done():
            self.first.set_result(None)
        try:
            await self._while_open(connection)
        finally:
            self.connection = None
        return connection.closed.result()

    def _leader_other_than(self, address: TcpAddress) -> TcpAddress | None:
        """Where the node at `address` sent us, if anywhere."""
        if self._ledger.redirect is None:
            return None
        host, port = self._ledger.redirect
        leader = replace(address, host=host, port=port)
        return leader if leader != address else None

    async def _while_open(self, connection: Connection, *until: asyncio.Future[Any]) -> None:
        """Wait for the connection's end (or `until`); end it when this task is told to stop."""
        waiting: list[asyncio.Future[Any]] = [connection.closed, *until]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            connection.end("the client was closed")
            raise

    def __repr__(self) -> str:
        return f"<Keeper of {self.connection!r}>" if self.connection else f"<Keeper, no connection: {self.reason}>"


def _named(error: RxPumpError | OSError, address: TcpAddress, attempts: int) -> RxPumpError:
    if isinstance(error, RxPumpError):
        return error
    reason = "no answer to the dial in time" if isinstance(error, TimeoutError) else str(error)
    return ConnectionFailed(str(address), attempts, reason)
