"""A transport without input and output, for tests of programs that use rxpump."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from copy import copy
from math import inf
from typing import ClassVar, Final, TypeVar

from rxpump.backpressure.background_tasks import BackgroundTasks
from rxpump.errors import (
    ClientClosed,
    ConnectionClosed,
    InvalidArgument,
    InvalidTransaction,
    StreamDeleted,
)
from rxpump.model.credentials import AnyCredentials, within
from rxpump.model.events import Event
from rxpump.model.filters import EventFilter
from rxpump.model.group_details import GroupDetails
from rxpump.model.group_settings import PersistentSubscriptionSettings
from rxpump.model.new_events import NewEvent
from rxpump.model.pages import AllPage, StreamPage
from rxpump.model.positions import Edge, Position, StreamDirection
from rxpump.model.results import DeleteResult, WriteResult
from rxpump.model.status import Status
from rxpump.settings import Settings
from rxpump.testing.memory_log import MemoryLog
from rxpump.testing.mock_appender import MockAppender
from rxpump.testing.mock_connection import ADDRESS, MockConnection
from rxpump.testing.mock_groups import MockGroups
from rxpump.testing.mock_subscription import MockAllSubscription, MockStreamSubscription
from rxpump.transport import Appender, Capability, GroupSession, Lack, Limits, ServerEnd, Subscription, Transport

_T = TypeVar("_T")

_MAX_APPEND_BYTES: Final = 64 * 1024 * 1024
_LIMITS: Final = Limits(
    page_events=4096,
    ack_ids=2000,
    login_bytes=127,
    token_bytes=32_767,
    event_bytes=16 * 1024 * 1024 - 10_000,
    record_bytes=16 * 1024 * 1024,
)

_HAS: Final = (
    Capability.PING,
    Capability.TRANSACTIONS,
    Capability.MULTI_STREAM_APPEND,
    Capability.GROUPS_ON_ALL,
    Capability.GROUP_INFO,
    Capability.REPLAY_PARKED,
    Capability.REPLAY_SOME_PARKED,
    Capability.TRUNCATE_PARKED,
    Capability.RESTART_GROUPS,
)
_NOT_IMPLEMENTED: Final = Lack("the mock has only events and consumer groups", "use rxpump.server.EmbeddedServer")


class MockTransport(Transport):
    """An event store in memory that answers requests without input and output.

    It behaves as a server does towards a program: appends, deletes, reads, subscriptions, transactions and consumer
    groups have the results and errors of the other transports. It does not check credentials and permissions, and
    has no projections, no `$maxAge`, and no clock: `expire_deliveries` is what `message_timeout_seconds` is for.

    Args:
        runtime: Background tasks of the client.
        on_status: Function that is called with each change of the connection's status.
        settings: Settings, of which it uses `live_buffer_events`.

    Example:
        transport = MockTransport()
        client = mock_client(transport)
    """

    protocol: ClassVar[str] = "Mock"
    limits: ClassVar[Limits] = _LIMITS
    lacks: ClassVar[Mapping[Capability, Lack]] = {each: _NOT_IMPLEMENTED for each in Capability if each not in _HAS}

    def __init__(
        self,
        runtime: BackgroundTasks | None = None,
        on_status: Callable[[Status], None] = lambda status: None,
        *,
        settings: Settings | None = None,
    ) -> None:
        super().__init__(BackgroundTasks("mock") if runtime is None else runtime, on_status)
        self._settings = Settings() if settings is None else settings
        self._log = MemoryLog()
        self._groups = MockGroups(self._log)
        self._transactions: dict[int, tuple[int, list[NewEvent]]] = {}
        self._connection = MockConnection(lambda status: self.on_status(status))
        self._timeout: float | None = None

    # The side of the test ------------------------------------------------------------------------

    def lose_connection(self, reason: str = "the test ended it") -> None:
        """Lose the connection. Subscriptions and group sessions end; requests wait for `restore_connection`.

        Args:
            reason: Reason in the errors and in the status.
        """
        self._connection.lose(reason)
        self._groups.end(ConnectionClosed(ADDRESS, reason))

    def restore_connection(self) -> None:
        """Make a new connection after `lose_connection`. Do nothing if there is a connection.

        Raises:
            NotConnected: The transport was not opened, or is closed.
        """
        self._connection.restore()

    def expire_deliveries(self, stream: str, group: str) -> None:
        """Deliver again what a group has delivered and no consumer has acknowledged.

        Raises:
            PersistentSubscriptionNotFound: There is no such group.
        """
        self._groups.find(stream, group).expire_deliveries()
        self._connection.changes.notify()

    def parked(self, stream: str, group: str) -> list[tuple[Event, str]]:
        """Return the parked events of a group, each with the reason.

        Raises:
            PersistentSubscriptionNotFound: There is no such group.
        """
        found = self._groups.find(stream, group)
        return [(found.event(message), reason) for message, reason in found.parked]

    @property
    def waiting(self) -> int:
        """Number of coroutines that wait for an event, a delivery or a connection."""
        return self._connection.changes.count

    # Connection ----------------------------------------------------------------------------------

    def as_user(self, credentials: AnyCredentials) -> MockTransport:
        """Return a view; the mock checks the length of credentials only."""
        within(credentials, self.limits)
        return copy(self)

    def with_timeout(self, timeout: float | None) -> MockTransport:
        """Return a view whose requests have a deadline."""
        view = copy(self)
        view._timeout = inf if timeout is None else timeout
        return view

    @property
    def is_connected(self) -> bool:
        """Whether there is a connection that accepts requests now."""
        return self._connection.is_connected

    async def open(self) -> None:
        """Connect."""
        self._connection.open()

    async def close(self) -> None:
        """Close the connection, also for the views of this transport."""
        self._connection.close()
        self._groups.end(ClientClosed(ADDRESS, "the client was closed"))

    async def settled(self) -> None:
        """Wait until no request is pending."""
        await self._connection.settled()

    async def ping(self) -> None:
        """Wait for a reply."""
        await self._request("Ping", lambda: None)

    # Writing -------------------------------------------------------------------------------------

    async def append(self, stream: str, events: Sequence[NewEvent], expected_version: int) -> WriteResult:
        """Append events."""
        size = sum(event.size for event in events)
        if size > _MAX_APPEND_BYTES:
            shown = f"{len(events)} events of {size} bytes"
            raise InvalidArgument("events", shown, f"{_MAX_APPEND_BYTES} bytes in one atomic write")
        return await self._write(f"Append to {stream!r}", lambda: self._log.append(stream, events, expected_version))

    def appender(self, stream: str) -> Appender:
        """Return an appender; requests are executed in the order of the calls."""
        return MockAppender(self, stream)

    async def append_many(
        self, events: Mapping[str, Sequence[NewEvent]], expected_versions: Mapping[str, int]
    ) -> Mapping[str, WriteResult]:
        """Append events to several streams."""
        append = self._log.append_many
        return await self._write("Append to several streams", lambda: append(events, expected_versions))

    async def delete_stream(self, stream: str, expected_version: int, *, hard: bool) -> DeleteResult:
        """Delete a stream."""
        delete = self._log.delete
        return await self._write(f"Delete {stream!r}", lambda: delete(stream, expected_version, hard=hard))

    async def start_transaction(self, stream: str, expected_version: int) -> int:
        """Start a transaction."""

        def start() -> int:
            id = len(self._transactions)
            self._transactions[id] = expected_version, []
            return id

        return await self._request("TransactionStart", start)

    async def write_transaction(self, stream: str, transaction_id: int, events: Sequence[NewEvent]) -> None:
        """Add events to a transaction."""
        await self._request("TransactionWrite", lambda: self._transaction(stream, transaction_id)[1].extend(events))

    async def commit_transaction(self, stream: str, transaction_id: int, expected_version: int | None) -> WriteResult:
        """Write the events of a transaction."""

        def commit() -> WriteResult:
            expected, events = self._transaction(stream, transaction_id)
            return self._log.append(stream, events, expected)

        return await self._write("TransactionCommit", commit)

    # Reading -------------------------------------------------------------------------------------

    async def read_event(self, stream: str, number: int | Edge, *, resolve_links: bool) -> Event:
        """Read one event."""
        read = self._log.event
        return await self._request(f"Read of {stream!r}", lambda: read(stream, number, resolve_links=resolve_links))

    async def read_stream(
        self, stream: str, start: int | Edge, direction: StreamDirection, *, batch_size: int, resolve_links: bool
    ) -> AsyncGenerator[Sequence[Event], None]:
        """Read the stream in pages."""
        while True:
            page = await self.read_stream_page(stream, start, batch_size, direction, resolve_links=resolve_links)
            yield page
            if page.is_last:
                return
            start = page.next

    async def read_all(
        self,
        start: Position | Edge,
        direction: StreamDirection,
        *,
        batch_size: int,
        resolve_links: bool,
        where: EventFilter | None = None,
    ) -> AsyncGenerator[Sequence[Event], None]:
        """Read `$all` in pages."""
        while True:
            page = await self.read_all_page(start, batch_size, direction, resolve_links=resolve_links, where=where)
            yield page
            if page.is_last:
                return
            start = page.next

    async def read_stream_page(
        self, stream: str, start: int | Edge, max_count: int, direction: StreamDirection, *, resolve_links: bool
    ) -> StreamPage:
        """Read one page of a stream."""
        read = self._log.stream_page
        return await self._request(
            f"Read of {stream!r}", lambda: read(stream, start, max_count, direction, resolve_links=resolve_links)
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
        """Read one page of `$all`."""
        read = self._log.all_page
        page = await self._request(
            "Read of $all", lambda: read(start, max_count, direction, resolve_links=resolve_links)
        )
        return page if where is None else page.where(where.matches)

    # Following -----------------------------------------------------------------------------------

    def follow_stream(self, stream: str, after: int | None, *, batch_size: int, resolve_links: bool) -> Subscription:
        """Follow a stream."""
        most = self._settings.live_buffer_events
        return MockStreamSubscription(
            self._log, self._connection, stream, after, batch_size, most, resolve_links=resolve_links
        )

    def follow_all(
        self, after: Position | None, *, batch_size: int, resolve_links: bool, where: EventFilter | None = None
    ) -> Subscription:
        """Follow `$all`."""
        most = self._settings.live_buffer_events
        return MockAllSubscription(
            self._log, self._connection, after, batch_size, most, resolve_links=resolve_links, where=where
        )

    async def find_stream_end(self, stream: str) -> ServerEnd:
        """Find where a stream ends."""

        def find() -> ServerEnd:
            found = self._log.stream(stream)
            if found.is_tombstoned:
                raise StreamDeleted(stream)
            return ServerEnd(found.last, found.last if found.first <= found.last else None)

        return await self._request(f"Read of {stream!r}", find)

    async def find_all_end(
        self, after: Position, *, batch_size: int, resolve_links: bool, where: EventFilter | None = None
    ) -> ServerEnd:
        """Find where `$all` ends."""
        count = 1 if where is None else batch_size
        page = await self.read_all_page(
            Edge.END, count, StreamDirection.BACKWARD, resolve_links=resolve_links, where=where
        )
        return ServerEnd(self._log.last, page[0].position if page else None)

    # Consumer groups -----------------------------------------------------------------------------

    async def create_group(self, stream: str | None, group: str, settings: PersistentSubscriptionSettings) -> None:
        """Create a group."""
        await self._request("CreateGroup", lambda: self._groups.create(stream, group, settings))

    async def update_group(self, stream: str | None, group: str, settings: PersistentSubscriptionSettings) -> None:
        """Replace the settings of a group, and drop its consumers."""
        await self._request("UpdateGroup", lambda: self._groups.update(stream, group, settings))

    async def delete_group(self, stream: str | None, group: str) -> None:
        """Delete a group."""
        await self._request("DeleteGroup", lambda: self._groups.delete(stream, group))

    async def connect_group(self, stream: str | None, group: str, buffer_size: int) -> GroupSession:
        """Connect to a group."""
        find, connection = self._groups.find, self._connection
        return await self._request("ConnectGroup", lambda: find(stream, group).connect(connection, buffer_size))

    async def replay_parked(self, stream: str | None, group: str, limit: int | None = None) -> None:
        """Deliver the parked events of a group again."""
        await self._write("ReplayParked", lambda: self._groups.find(stream, group).replay_parked(limit))

    async def truncate_parked(self, stream: str | None, group: str, limit: int | None = None) -> None:
        """Remove the parked events of a group."""
        await self._request("TruncateParked", lambda: self._groups.find(stream, group).truncate_parked(limit))

    async def group_details(self, stream: str | None, group: str) -> GroupDetails:
        """Return the state of a group."""
        return await self._request("GetInfo", lambda: self._groups.find(stream, group).details())

    async def list_groups(self) -> Sequence[GroupDetails]:
        """Return the states of all groups."""
        return await self._request("List", self._groups.details)

    async def list_groups_of(self, stream: str | None) -> Sequence[GroupDetails]:
        """Return the states of the groups of one stream."""
        return await self._request("List", lambda: self._groups.details_of(stream))

    async def restart_groups(self) -> None:
        """Drop the consumers of all groups."""
        await self._request("RestartGroups", self._groups.restart)

    # ---------------------------------------------------------------------------------------------

    async def _request(self, operation: str, execute: Callable[[], _T]) -> _T:
        timeout = None if self._timeout == inf else self._timeout
        return await self._connection.request(operation, timeout, execute)

    async def _write(self, operation: str, execute: Callable[[], _T]) -> _T:
        """Execute a request that changes what others wait for."""
        result = await self._request(operation, execute)
        self._connection.changes.notify()
        return result

    def _transaction(self, stream: str, id: int) -> tuple[int, list[NewEvent]]:
        if id not in self._transactions:
            raise InvalidTransaction(stream)
        return self._transactions[id]

    def __repr__(self) -> str:
        return f"<MockTransport {self._connection!r}, {len(self._log.events)} events>"
