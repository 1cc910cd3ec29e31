"""The connection that all requests of a client share. It is replaced when it is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from rxpump.errors import AccessDenied, ClientClosed, NotAuthenticated, RxPumpError
from rxpump.model.credentials import AnyCredentials
from rxpump.model.status import Status
from rxpump.network.earliest_timer import EarliestTimer
from rxpump.network.lasting_connection import LastingConnection
from rxpump.settings import Settings
from rxpump.tcp.connection import CLOSING_SECONDS, Connection, settle_all
from rxpump.tcp.node_resolver import TcpNodeResolver
from rxpump.tcp.protocol.operation import Operation
from rxpump.tcp.protocol.pending_requests import PendingRequests
from rxpump.tcp.reconnector import TcpReconnector
from rxpump.telemetry import Telemetry
from rxpump.transport.deadline import Deadline
from rxpump.uri import TcpAddress

_T = TypeVar("_T")


class SharedConnection(LastingConnection[TcpReconnector]):
    """A connection that all requests of a client share, and that is replaced when it is lost.

    Args:
        resolver: Finds the node to connect to.
        settings: Settings of the client.
        on_status: Function that is called with each change of the connection's status.
        telemetry: Counters of the client.
    """

    def __init__(
        self,
        resolver: TcpNodeResolver,
        settings: Settings,
        on_status: Callable[[Status], None],
        telemetry: Telemetry,
    ) -> None:
        super().__init__(resolver, settings, on_status)
        self._telemetry = telemetry
        self._settled = asyncio.Event()
        self._resolver = resolver
        self.pending: PendingRequests = self._new_requests()
        self._timer = EarliestTimer(self._on_timer)
        self._unfiltering: Connection | None = None

    @property
    def connection(self) -> Connection | None:
        """The open connection, or None."""
        return None if self._reconnector is None else self._reconnector.connection

    @property
    def credentials(self) -> AnyCredentials | None:
        """Credentials of the connection, or None for an anonymous user."""
        return None if self.node is None else self.node.credentials

    @property
    def login(self) -> str | None:
        """Login of the user of the connection, or None for an anonymous user."""
        return None if self.credentials is None else self.credentials.login

    @property
    def node(self) -> TcpAddress | None:
        """Address of the node of the current or last connection; None before the first one."""
        return None if self._reconnector is None else self._reconnector.node

    @property
    def may_filter(self) -> bool:
        """Whether filtered requests can be tried: False after the server of this connection refused one.

        Each new connection is tried again, because it can lead to another server.
        """
        return self._unfiltering is None or self._unfiltering is not self.connection

    def note_unfiltering(self) -> None:
        """Record that the server does not support filters, which servers have from version 20."""
        self._unfiltering = self.connection

    async def locate_http(self, port: int) -> tuple[str, int]:
        """Return the host and port of the HTTP interface of the connected node; see `TcpNodeResolver.locate_http`."""
        assert self.node is not None, "there was a connection"
        return await self._resolver.locate_http(self.node, port)

    def _new_reconnector(self) -> TcpReconnector:
        self._settled = asyncio.Event()  # an earlier one can belong to another event loop
        self.pending = self._new_requests()
        self._timer = EarliestTimer(self._on_timer)
        return TcpReconnector(self._resolver, self._settings, self.pending, self._note, self._telemetry)

    async def _leave(self) -> None:
        """Wait until the server has confirmed the end of all subscriptions, for at most CLOSING_SECONDS.

        The server handles messages in order, so it has then received all acknowledgements too.
        """
        if self._reconnector is None or self.connection is None:
            return
        self.connection.flush()  # Send the requests that were made until now.
        settle_all(self.pending.leave(ClientClosed(self._reconnector.address, "the client was closed")))
        self._wake()
        with suppress(TimeoutError):
            await self.settled()

    async def settled(self) -> None:
        """Wait until no request is pending, and until the server has confirmed the end of ended subscriptions.

        Raises:
            TimeoutError: The server did not confirm within CLOSING_SECONDS.
        """
        while len(self.pending):
            await self._change()
        async with asyncio.timeout(CLOSING_SECONDS):
            while self.pending.is_leaving:
                await self._change()

    async def _change(self) -> None:
        self._settled.clear()
        await self._settled.wait()

    async def ask(self, operation: Operation[_T], deadline: Deadline | None = None) -> _T:
        """Send a request and wait for its result. Cancellation withdraws the request.

        Args:
            operation: The request.
            deadline: Deadline of the call. None for a request of a subscription, a publisher or a relay.

        Raises:
            OperationTimedOut: The deadline has passed.
            NotConnected: `open` was not called, or `close` was.
            RxPumpError: The reason for which no further connection is made.
        """
        self.check_open()
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        begun = self._telemetry.begin_request()
        request = self.pending.submit(operation, answer, deadline)
        try:
            reply: _T = await answer
        except BaseException as error:
            self._telemetry.end_request(operation.kind, begun, error)
            if isinstance(error, asyncio.CancelledError):
                self.pending.withdraw(request)
            elif isinstance(error, (AccessDenied, NotAuthenticated)):
                error.login = self.login if operation.credentials is None else operation.credentials.login
            raise
        else:
            self._telemetry.end_request(operation.kind, begun)
            return reply
        finally:
            self._settled.set()

    def _new_requests(self) -> PendingRequests:
        return PendingRequests(
            self._settings, on_left=self._settled.set, on_queued=self._wake, explain=self._resolver.explain
        )

    def _wake(self) -> None:
        """Send waiting requests, or set the timer for their deadlines."""
        reconnector = self._reconnector
        if reconnector is not None and reconnector.connection is not None:
            reconnector.connection.wake()
        else:
            self._timer.set(self.pending.deadline)

    def _note(self, status: Status) -> None:
        """Report a new status. While there is no connection, check the deadlines of requests here."""
        if self.connection is None:
            self._timer.set(self.pending.deadline)
        self._on_status(status)

    def _on_timer(self) -> None:
        settle_all(self.pending.tick(asyncio.get_running_loop().time()))
        self._wake()

    async def _end_requests(self, error: RxPumpError) -> None:
        settle_all(self.pending.close(error))
        self._timer.cancel()

    def __repr__(self) -> str:
        return f"<SharedConnection {self._resolver!r} {self._reconnector!r} {self.pending!r}>"
