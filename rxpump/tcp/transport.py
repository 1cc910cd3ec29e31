"""The TCP transport: each request is an operation, sent over the shared connection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping, Sequence
from copy import copy
from math import inf
from typing import Any, ClassVar, TypeVar

from rxpump.backpressure.background_tasks import BackgroundTasks
from rxpump.errors import BadRequest, OperationTimedOut, ReadFailed
from rxpump.model.credentials import AnyCredentials, login_of, within
from rxpump.model.events import Event
from rxpump.model.filters import EventFilter
from rxpump.model.group_settings import PersistentSubscriptionSettings
from rxpump.model.new_events import NewEvent
from rxpump.model.pages import AllPage, StreamPage
from rxpump.model.positions import FIRST_POSITION, LAST_POSITION, START, Edge, Position, StreamDirection
from rxpump.model.results import DeleteResult, ScavengeResult, WriteResult
from rxpump.model.status import Status
from rxpump.settings import Settings
from rxpump.tcp.consumer_session import TcpConsumerSession
from rxpump.tcp.features import LACKS, LIMITS
from rxpump.tcp.follow import AllFollowing, StreamFollowing, find_all_end, find_stream_end
from rxpump.tcp.live_subscription import LiveSubscription
from rxpump.tcp.node_connections import NodeConnections
from rxpump.tcp.node_resolver import TcpNodeResolver
from rxpump.tcp.operations.append import Append
from rxpump.tcp.operations.connect_persistent import ConnectPersistent
from rxpump.tcp.operations.delete_stream import DeleteStream
from rxpump.tcp.operations.filtered_read_all import FILTERED_READ_ALL
from rxpump.tcp.operations.manage_persistent import CreatePersistent, DeletePersistent, UpdatePersistent
from rxpump.tcp.operations.ping import Ping
from rxpump.tcp.operations.read_all import READ_ALL
from rxpump.tcp.operations.read_event import ReadEvent
from rxpump.tcp.operations.read_stream import READ_STREAM
from rxpump.tcp.operations.scavenge import Scavenge
from rxpump.tcp.operations.server_filter import server_filter
from rxpump.tcp.operations.subscribe import FilteredSubscribe, Subscribe
from rxpump.tcp.operations.transaction import TransactionCommit, TransactionStart, TransactionWrite
from rxpump.tcp.paging import all_pages, stream_pages
from rxpump.tcp.protocol.operation import Operation
from rxpump.tcp.protocol.subscription_buffer import LiveBuffer
from rxpump.tcp.replay_parked import OPERATION, replay_parked
from rxpump.transport import (
    Appender,
    Capability,
    GroupSession,
    Lack,
    Limits,
    ServerEnd,
    Subscription,
    Transport,
)
from rxpump.transport.deadline import Deadline

_T = TypeVar("_T")


class TcpTransport(Transport):
    """The TCP transport: one connection to the node that `resolver` names."""

    protocol: ClassVar[str] = "TCP"
    limits: ClassVar[Limits] = LIMITS
    lacks: ClassVar[Mapping[Capability, Lack]] = LACKS

    def __init__(
        self,
        resolver: TcpNodeResolver,
        settings: Settings,
        runtime: BackgroundTasks,
        on_status: Callable[[Status], None],
    ) -> None:
        super().__init__(runtime, on_status)
        self._settings = settings
        self._connections = NodeConnections(resolver, settings, self.on_status, self.telemetry)
        self._credentials: AnyCredentials | None = None
        self._timeout: float | None = None

    def as_user(self, credentials: AnyCredentials) -> TcpTransport:
        """Return a view whose requests carry other credentials."""
        view = copy(self)
        view._credentials = within(credentials, self.limits)
        view.login = login_of(credentials)
        return view

    @property
    def is_connected(self) -> bool:
        """Whether there is a connection that accepts requests now."""
        return self._connections.reads.connection is not None

    def with_timeout(self, timeout: float | None) -> TcpTransport:
        """Return a view whose requests have a deadline."""
        view = copy(self)
        view._timeout = inf if timeout is None else timeout
        return view

    async def open(self) -> None:
        """Connect."""
        await self._connections.open()

    async def close(self) -> None:
        """Close the connection, also for the views of this transport."""
        await self._connections.close()

    async def settled(self) -> None:
        """Wait until no request is pending."""
        await self._connections.settled()

    async def ping(self) -> None:
        """Send a Ping, and wait for the reply."""
        await self._request(Ping())

    def append(
        self, stream: str, events: Sequence[NewEvent], expected_version: int
    ) -> Coroutine[Any, Any, WriteResult]:
        """Append events to a stream."""
        leader = self._settings.require_leader
        return self._request(Append(stream, events, expected_version, require_leader=leader))

    def appender(self, stream: str) -> Appender:
        """Return an appender to a stream that keeps the order of its appends."""
        return TcpAppender(self, stream)

    async def delete_stream(self, stream: str, expected_version: int, *, hard: bool) -> DeleteResult:
        """Delete a stream."""
        leader = self._settings.require_leader
        return await self._request(DeleteStream(stream, expected_version, hard=hard, require_leader=leader))

    async def start_transaction(self, stream: str, expected_version: int) -> int:
        """Start a transaction, and return its id."""
        leader = self._settings.require_leader
        return await self._request(TransactionStart(stream, expected_version, require_leader=leader))

    async def write_transaction(self, stream: str, transaction_id: int, events: Sequence[NewEvent]) -> None:
        """Add events to a transaction."""
        leader = self._settings.require_leader
        await self._request(TransactionWrite(stream, transaction_id, events, require_leader=leader))

    async def commit_transaction(self, stream: str, transaction_id: int, expected_version: int | None) -> WriteResult:
        """Write the events of a transaction."""
        leader = self._settings.require_leader
        return await self._request(TransactionCommit(stream, transaction_id, expected_version, require_leader=leader))

    async def scavenge(self) -> ScavengeResult:
        """Scavenge the connected node, and wait for its reply."""
        return await self._request(Scavenge())

    async def read_event(self, stream: str, number: int | Edge, *, resolve_links: bool) -> Event:
        """Read one event."""
        leader = self._settings.reads_from_leader
        operation = ReadEvent(stream, _number(number), resolve_links=resolve_links, require_leader=leader)
        return await self._request(operation)

    def read_stream(
        self, stream: str, start: int | Edge, direction: StreamDirection, *, batch_size: int, resolve_links: bool
    ) -> AsyncGenerator[Sequence[Event], None]:
        """Read the stream in pages."""
        return stream_pages(self, stream, start, batch_size, direction, resolve_links=resolve_links)

    def read_all(
        self,
        start: Position | Edge,
        direction: StreamDirection,
        *,
        batch_size: int,
        resolve_links: bool,
        where: EventFilter | None = None,
    ) -> AsyncGenerator[Sequence[Event], None]:
        """Read `$all` in pages."""
        return all_pages(self, start, batch_size, direction, resolve_links=resolve_links, where=where)

    async def read_stream_page(
        self, stream: str, start: int | Edge, max_count: int, direction: StreamDirection, *, resolve_links: bool
    ) -> StreamPage:
        """Read one page of a stream."""
        leader = self._settings.reads_from_leader
        operation = READ_STREAM[direction]
        return await self._request(
            operation(stream, _number(start), max_count, resolve_links=resolve_links, require_leader=leader)
        )

    async def read_all_page(
        self,
        start: Position | Edge,
        max_count: int,
        direction: StreamDirection,
        *,
        resolve_links: bool,
        where: EventFilter | None = None,
    ) -> AllPage:
        """Read one page of `$all`. The server filters it if it can, otherwise the client does."""
        page = None
        deadline = self._deadline()
        position = _position(start)
        if where is not None:
            page = await self._filtered_page(
                position, max_count, direction, where, deadline, resolve_links=resolve_links
            )
        if page is None:
            leader = self._settings.reads_from_leader
            operation = READ_ALL[direction]
            page = await self._request(
                operation(position, max_count, resolve_links=resolve_links, require_leader=leader), deadline
            )
        if position == LAST_POSITION and not page:
            page.next = Position(page.next.commit, 0)  # This is before the event that is written next.
        return page if where is None else page.where(where.matches)

    def follow_stream(self, stream: str, after: int | None, *, batch_size: int, resolve_links: bool) -> Subscription:
        """Read existing events, then subscribe to new ones; see `rxpump.tcp.follow`."""
        return StreamFollowing(self, stream, after, batch_size, resolve_links=resolve_links)

    def follow_all(
        self, after: Position | None, *, batch_size: int, resolve_links: bool, where: EventFilter | None = None
    ) -> Subscription:
        """Read existing events, then subscribe to new ones; see `rxpump.tcp.follow`."""
        return AllFollowing(self, after, batch_size, resolve_links=resolve_links, where=where)

    async def find_stream_end(self, stream: str) -> ServerEnd:
        """Find the end of a stream by its last event, or by a subscription if the stream was soft-deleted."""
        return await find_stream_end(self, stream)

    async def find_all_end(self, after: Position) -> ServerEnd:
        """Find the end of `$all` by its last event."""
        return await find_all_end(self, after)

    async def subscribe(
        self, stream: str | None, *, resolve_links: bool, where: EventFilter | None = None
    ) -> LiveSubscription:
        """Subscribe to new events. The server filters them if it can, otherwise the client does."""
        buffer = None if where is None else await self._filtered_buffer(where, resolve_links=resolve_links)
        if buffer is None:
            buffer = await self._request(Subscribe(stream, resolve_links=resolve_links, **self._bounds))
        buffer.login = self._login
        return LiveSubscription(buffer, self._connections.reads.pending.unsubscribe, where)

    async def create_group(self, stream: str | None, group: str, settings: PersistentSubscriptionSettings) -> None:
        """Create a consumer group."""
        await self._request(CreatePersistent(self._named(stream), group, settings))

    async def update_group(self, stream: str | None, group: str, settings: PersistentSubscriptionSettings) -> None:
        """Replace the settings of a consumer group."""
        await self._request(UpdatePersistent(self._named(stream), group, settings))

    async def delete_group(self, stream: str | None, group: str) -> None:
        """Delete a consumer group."""
        await self._request(DeletePersistent(self._named(stream), group))

    async def replay_parked(self, stream: str | None, group: str, limit: int | None = None) -> None:
        """Replay parked events by a request to the HTTP interface of the connected node.

        A ping is sent first. It waits for the connection, and it fails with NotAuthenticated if the credentials are
        wrong, for which HTTP has the same status as for a missing permission.
        """
        name = self._named(stream)
        if limit is not None:
            raise self._missing(Capability.REPLAY_SOME_PARKED)
        timeout = self._settings.timeout if self._timeout is None else self._timeout
        deadline = Deadline(inf if timeout is None else timeout, asyncio.get_running_loop().time())
        ping = Ping(OPERATION)
        ping.needs_leader = True
        await self._request(ping, deadline)
        try:
            async with asyncio.timeout_at(None if deadline.time == inf else deadline.time):
                await self._replay_parked(name, group)
        except TimeoutError:
            raise OperationTimedOut(OPERATION, deadline.timeout, 1, is_connected=self.is_connected) from None

    async def _replay_parked(self, stream: str, group: str) -> None:
        connection = self._connections.leader
        host, port = await connection.locate_http(self._settings.http_port)
        credentials = self._credentials or connection.credentials
        await replay_parked(stream, group, host=host, port=port, credentials=credentials, settings=self._settings)

    async def connect_group(self, stream: str | None, group: str, buffer_size: int) -> GroupSession:
        """Connect to a consumer group."""
        buffer = await self._request(ConnectPersistent(self._named(stream), group, buffer_size))
        buffer.login = self._login
        return TcpConsumerSession(buffer, self._connections.leader.pending)

    def _named(self, stream: str | None) -> str:
        """Return the name of the stream of a group.

        Raises:
            NotSupported: The group is on `$all`.
        """
        if stream is None:
            raise self._missing(Capability.GROUPS_ON_ALL)
        return stream

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
        """Return a page that the server has filtered, or None if the server cannot apply `where`."""
        asked = self._server_filter(where, resolve_links=resolve_links)
        if asked is None:
            return None
        leader = self._settings.reads_from_leader
        operation = FILTERED_READ_ALL[direction]
        try:
            return await self._request(
                operation(from_position, max_count, asked, resolve_links=resolve_links, require_leader=leader),
                deadline,
            )
        except BadRequest:
            self._connections.reads.note_unfiltering()
        except ReadFailed:
            pass  # The filter can be too complex for the server. After other errors, the read without it also fails.
        return None

    async def _filtered_buffer(self, where: EventFilter, *, resolve_links: bool) -> LiveBuffer | None:
        asked = self._server_filter(where, resolve_links=resolve_links)
        if asked is None:
            return None
        try:
            return await self._request(FilteredSubscribe(asked, resolve_links=resolve_links, **self._bounds))
        except BadRequest:
            self._connections.reads.note_unfiltering()
        return None

    def _server_filter(self, where: EventFilter, *, resolve_links: bool) -> Any | None:
        """Return the filter to send, or None if the connected server does not filter or cannot apply `where`."""
        return server_filter(where, resolve_links=resolve_links) if self._connections.reads.may_filter else None

    @property
    def _bounds(self) -> dict[str, int]:
        settings = self._settings
        return {"max_events": settings.live_buffer_events, "max_bytes": settings.live_buffer_bytes}

    def _deadline(self) -> Deadline | None:
        """Return the deadline of a call that is made now; None for a subscription, a publisher or a relay."""
        return None if self._timeout is None else Deadline(self._timeout, asyncio.get_running_loop().time())

    def _request(self, operation: Operation[_T], deadline: Deadline | None = None) -> Coroutine[Any, Any, _T]:
        """Return a coroutine that sends a request with the credentials of this view. The deadline runs from now on.

        Args:
            operation: The request.
            deadline: Deadline of the call, if this is not its first request. None: a new one begins.
        """
        operation.credentials = self._credentials
        return self._connections.ask(operation, deadline or self._deadline())

    @property
    def _login(self) -> str | None:
        """Login of the user of the requests; None for an anonymous user."""
        return self._connections.reads.login if self._credentials is None else self._credentials.login

    def __repr__(self) -> str:
        user = "" if self._credentials is None else f" as {self._credentials.login}"
        return f"<TcpTransport {self._connections!r}{user}>"


class TcpAppender(Appender):
    """Appends in the order of the calls; the connection and the server keep that order."""

    def __init__(self, transport: TcpTransport, stream: str) -> None:
        self._transport = transport
        self._stream = stream

    async def append(self, events: Sequence[NewEvent], expected_version: int) -> WriteResult:
        """Append events to the stream, after the events of earlier calls."""
        return await self._transport.append(self._stream, events, expected_version)

    def close(self) -> None:
        """Do nothing, because an appender has no resources."""


def _number(start: int | Edge) -> int:
    """Return the number that TCP requests use for a start."""
    if isinstance(start, Edge):
        return 0 if start is START else -1
    return start


def _position(start: Position | Edge) -> Position:
    """Return the position that TCP requests use for a start."""
    if isinstance(start, Edge):
        return FIRST_POSITION if start is START else LAST_POSITION
    return start
