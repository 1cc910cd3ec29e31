"""The TCP transport: each request an operation, given to the ledger, its answer awaited."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from copy import copy
from math import inf
from typing import Any, TypeVar

from rxpump.backpressure.background_tasks import BackgroundTasks
from rxpump.errors import (
    AccessDenied,
    BadRequest,
    NotAuthenticated,
    OperationTimedOut,
    ReadFailed,
)
from rxpump.model.credentials import AnyCredentials
from rxpump.model.delete_result import DeleteResult
from rxpump.model.direction import StreamDirection
from rxpump.model.events import Event
from rxpump.model.filters import EventFilter
from rxpump.model.group_settings import PersistentSubscriptionSettings
from rxpump.model.new_events import NewEvent
from rxpump.model.pages import AllPage, StreamPage
from rxpump.model.positions import Position
from rxpump.model.scavenge_result import ScavengeResult
from rxpump.model.status import Status
from rxpump.model.write_result import WriteResult
from rxpump.settings import Settings
from rxpump.tcp.consumer_session import TcpConsumerSession
from rxpump.tcp.node_resolver import NodeResolver
from rxpump.tcp.operations.append import Append
from rxpump.tcp.operations.connect_persistent import ConnectPersistent
from rxpump.tcp.operations.delete_stream import DeleteStream
from rxpump.tcp.operations.filtered_read_all import FILTERED_READ_ALL
from rxpump.tcp.operations.manage_persistent import CreatePersistent, DeletePersistent, UpdatePersistent
from rxpump.tcp.operations.operation import Operation
from rxpump.tcp.operations.ping import Ping
from rxpump.tcp.operations.read_all import READ_ALL
from rxpump.tcp.operations.read_event import ReadEvent
from rxpump.tcp.operations.read_stream import READ_STREAM
from rxpump.tcp.operations.scavenge import Scavenge
from rxpump.tcp.operations.server_filter import server_filter
from rxpump.tcp.operations.subscribe import FilteredSubscribe, Subscribe
from rxpump.tcp.operations.transaction import TransactionCommit, TransactionStart, TransactionWrite
from rxpump.tcp.protocol.deadlines import Deadline
from rxpump.tcp.protocol.subscription_buffer import LiveBuffer
from rxpump.tcp.replay_parked import OPERATION, replay_parked
from rxpump.tcp.shared_connection import SharedConnection
from rxpump.tcp.subscription import TcpSubscription
from rxpump.transport import PersistentSubscription, Subscription, Transport

_T = TypeVar("_T")


class TcpTransport(Transport):
    """Speaks to the node that `locator` names."""

    def __init__(
        self, locator: NodeResolver, settings: Settings, runtime: BackgroundTasks, on_status: Callable[[Status], None]
    ) -> None:
        super().__init__(runtime, on_status)
        self._settings = settings
        self._locator = locator
        self._connection = SharedConnection(locator, settings, self.on_status)
        self._credentials: AnyCredentials | None = None
        self._timeout: float | None = None

    def as_user(self, credentials: AnyCredentials) -> TcpTransport:
        """Give the same line, with other credentials on each request."""
        view = copy(self)
        view._credentials = credentials
        return view

    @property
    def is_connected(self) -> bool:
        """Whether there is a connection that takes requests now."""
        return self._connection.connection is not None

    def with_timeout(self, timeout: float | None) -> TcpTransport:
        """Return the same line, with a deadline for each request."""
        view = copy(self)
        view._timeout = inf if timeout is None else timeout
        return view

    async def open(self) -> None:
        """Connect."""
        await self._connection.open()

    async def close(self) -> None:
        """Close the line, for all who share it."""
        await self._connection.close()

    async def settled(self) -> None:
        """Wait for the last answer."""
        await self._connection.settled()

    async def ping(self) -> None:
        """Ask for a Pong."""
        await self._request(Ping())

    async def append(self, stream: str, events: Sequence[NewEvent], expected_version: int) -> WriteResult:
        """Send WriteEvents."""
        operation = Append(stream, events, expected_version, require_leader=self._settings.require_leader)
        return await self._request(operation)

    async def delete_stream(self, stream: str, expected_version: int, *, hard: bool) -> DeleteResult:
        """Send DeleteStream."""
        leader = self._settings.require_leader
        return await self._request(DeleteStream(stream, expected_version, hard=hard, require_leader=leader))

    async def start_transaction(self, stream: str, expected_version: int) -> int:
        """Send TransactionStart."""
        leader = self._settings.require_leader
        return await self._request(TransactionStart(stream, expected_version, require_leader=leader))

    async def write_transaction(self, stream: str, transaction_id: int, events: Sequence[NewEvent]) -> None:
        """Send TransactionWrite."""
        leader = self._settings.require_leader
        await self._request(TransactionWrite(stream, transaction_id, events, require_leader=leader))

    async def commit_transaction(self, stream: str, transaction_id: int, expected_version: int | None) -> WriteResult:
        """Send TransactionCommit."""
        leader = self._settings.require_leader
        return await self._request(TransactionCommit(stream, transaction_id, expected_version, require_leader=leader))

    async def scavenge(self) -> ScavengeResult:
        """Send ScavengeDatabase."""
        return await self._request(Scavenge())

    async def read_event(self, stream: str, number: int, *, resolve_links: bool) -> Event:
        """Send ReadEvent."""
        leader = self._settings.require_leader
        return await self._request(ReadEvent(stream, number, resolve_links=resolve_links, require_leader=leader))

    async def read_stream(
        self, stream: str, from_event: int, max_count: int, direction: StreamDirection, *, resolve_links: bool
    ) -> StreamPage:
        """Send ReadStreamEvents."""
        leader = self._settings.require_leader
        operation = READ_STREAM[direction]
        return await self._request(
            operation(stream, from_event, max_count, resolve_links=resolve_links, require_leader=leader)
        )

    async def read_all(
        self,
        from_position: Position,
        max_count: int,
        direction: StreamDirection,
        *,
        resolve_links: bool,
        where: EventFilter | None = None,
    ) -> AllPage:
        """Send ReadAllEvents, or FilteredReadAllEvents where the server knows it."""
        page = None
        deadline = self._deadline()
        if where is not None:
            page = await self._filtered_page(
                from_position, max_count, direction, where, deadline, resolve_links=resolve_links
            )
        if page is None:
            leader = self._settings.require_leader
            operation = READ_ALL[direction]
            page = await self._request(
                operation(from_position, max_count, resolve_links=resolve_links, require_leader=leader), deadline
            )
        return page if where is None else page.where(where.matches)

    async def subscribe(
        self, stream: str | None, *, resolve_links: bool, where: EventFilter | None = None
    ) -> Subscription:
        """Send SubscribeToStream, or FilteredSubscribeToStream where the server knows it."""
        channel = None if where is None else await self._filtered_channel(where, resolve_links=resolve_links)
        if channel is None:
            channel = await self._request(Subscribe(stream, resolve_links=resolve_links, **self._bounds))
        channel.login = self._login
        return TcpSubscription(channel, self._connection.give_up, where)

    async def create_persistent(self, stream: str, group: str, settings: PersistentSubscriptionSettings) -> None:
        """Send CreatePersistentSubscription."""
        await self._request(CreatePersistent(stream, group, settings))

    async def update_persistent(self, stream: str, group: str, settings: PersistentSubscriptionSettings) -> None:
        """Send UpdatePersistentSubscription."""
        await self._request(UpdatePersistent(stream, group, settings))

    async def delete_persistent(self, stream: str, group: str) -> None:
        """Send DeletePersistentSubscription."""
        await self._request(DeletePersistent(stream, group))

    async def replay_parked(self, stream: str, group: str) -> None:
        """Send a request to the HTTP side of the node that the connection is to.

        A ping goes before it. It waits for the connection, and it tells wrong credentials from a missing permission,
        which HTTP answers alike.
        """
        timeout = self._settings.timeout if self._timeout is None else self._timeout
        deadline = Deadline(inf if timeout is None else timeout, asyncio.get_running_loop().time())
        await self._request(Ping(OPERATION), deadline)
        try:
            async with asyncio.timeout_at(None if deadline.time == inf else deadline.time):
                await self._replay_parked(stream, group)
        except TimeoutError:
            raise OperationTimedOut(OPERATION, deadline.timeout, 1, is_connected=self.is_connected) from None

    async def _replay_parked(self, stream: str, group: str) -> None:
        node = self._connection.node
        assert node is not None, "there is a connection"
        host, port = await self._locator.locate_http(node, self._settings.http_port)
        credentials = self._credentials or node.credentials
        await replay_parked(stream, group, host=host, port=port, credentials=credentials, settings=self._settings)

    async def connect_persistent(self, stream: str, group: str, buffer_size: int) -> PersistentSubscription:
        """Send ConnectToPersistentSubscription."""
        channel = await self._request(ConnectPersistent(stream, group, buffer_size))
        channel.login = self._login
        return TcpConsumerSession(channel, self._connection.tell, self._connection.give_up)

    async def _filtered_page(
        self,
        from_position: Position,
        max_count: int,
        direction: StreamDirection,
        where: EventFilter,
        deadline: Deadline | None,
        *,
        resolve_links: bool,
    ) -> AllPage | None:
        """Have the server filter; None if it cannot, at all or by this."""
        asked = self._server_filter(where, resolve_links=resolve_links)
        if asked is None:
            return None
        leader = self._settings.require_leader
        operation = FILTERED_READ_ALL[direction]
        try:
            return await self._request(
                operation(from_position, max_count, asked, resolve_links=resolve_links, require_leader=leader),
                deadline,
            )
        except BadRequest:
            self._connection.note_unfiltering()
        except ReadFailed:
            pass  # this filter is too much for it; what else may be wrong, an ordinary read will tell
        return None

    async def _filtered_channel(self, where: EventFilter, *, resolve_links: bool) -> LiveBuffer | None:
        asked = self._server_filter(where, resolve_links=resolve_links)
        if asked is None:
            return None
        try:
            return await self._request(FilteredSubscribe(asked, resolve_links=resolve_links, **self._bounds))
        except BadRequest:
            self._connection.note_unfiltering()
        return None

    def _server_filter(self, where: EventFilter, *, resolve_links: bool) -> Any | None:
        """What the server can be asked to filter by, as far as is known of the one that we are connected to."""
        return server_filter(where, resolve_links=resolve_links) if self._connection.may_filter else None

    @property
    def _bounds(self) -> dict[str, int]:
        settings = self._settings
        return {"max_events": settings.live_buffer_events, "max_bytes": settings.live_buffer_bytes}

    def _deadline(self) -> Deadline | None:
        """The deadline of a call that is made now."""
        return None if self._timeout is None else Deadline(self._timeout, asyncio.get_running_loop().time())

    async def _request(self, operation: Operation[_T], deadline: Deadline | None = None) -> _T:
        """Ask in the name of whoever this speaks for; `deadline` is that of the call, if it began before."""
        operation.credentials = self._credentials
        try:
            return await self._connection.ask(operation, deadline or self._deadline())
        except (AccessDenied, NotAuthenticated) as refusal:
            refusal.login = self._login
            raise

    @property
    def _login(self) -> str | None:
        """Login of the user of the requests, None if nobody is logged in."""
        return self._connection.login if self._credentials is None else self._credentials.login

    def __repr__(self) -> str:
        user = "" if self._credentials is None else f" as {self._credentials.login}"
        return f"<TcpTransport {self._connection!r}{user}>"
