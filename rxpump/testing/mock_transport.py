"""A transport without input and output, for tests of programs that use rxpump."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Final

from rxpump.errors import (
    InvalidArgument,
    InvalidTransaction,
    StreamDeleted,
)
from rxpump.model.events import Event
from rxpump.model.filters import EventFilter
from rxpump.model.group_details import GroupDetails
from rxpump.model.group_settings import PersistentSubscriptionSettings
from rxpump.model.new_events import NewEvent
from rxpump.model.pages import AllPage, StreamPage
from rxpump.model.positions import Edge, Position, StreamDirection
from rxpump.model.results import DeleteResult, WriteResult
from rxpump.model.system_names import ALL_STREAM
from rxpump.testing.mock_appender import MockAppender
from rxpump.testing.mock_base import MockBase
from rxpump.testing.mock_subscription import MockAllSubscription, MockStreamSubscription
from rxpump.transport import Appender, GroupSession, ServerEnd, Subscription

_MAX_APPEND_BYTES: Final = 64 * 1024 * 1024


class MockTransport(MockBase):
    """An event store in memory that answers requests without input and output.

    It behaves like a server: appends, deletes, reads, subscriptions, transactions and consumer groups have the
    results and errors of the other transports. Access control lists apply to the views that `as_user` returns. There
    are no projections and no `$maxAge`. There is no clock: a test calls `expire_deliveries` instead of the timeout
    `message_timeout_seconds`.

    Args:
        runtime: Background tasks of the client.
        on_status: Function that is called with each change of the connection's status.
        settings: Settings, of which it uses `live_buffer_events` and `live_buffer_bytes`.
        users: Password by login, for `as_user`. None: every login and password is accepted.

    Example:
        transport = MockTransport()
        client = mock_client(transport)
    """

    # For tests ---------------------------------------------------------------------------

    def expire_deliveries(self, stream: str, group: str) -> None:
        """Deliver the events again that a group has delivered and no consumer has acknowledged.

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

    # Writing -------------------------------------------------------------------------------------

    async def append(self, stream: str, events: Sequence[NewEvent], expected_version: int) -> WriteResult:
        """Append events."""
        size = sum(event.size for event in events)
        if size > _MAX_APPEND_BYTES:
            shown = f"{len(events)} events of {size} bytes"
            raise InvalidArgument("events", shown, f"{_MAX_APPEND_BYTES} bytes in one atomic write")
        append, needs = self._log.append, ("write to", stream)
        return await self._write(f"Append to {stream!r}", lambda: append(stream, events, expected_version), needs)

    def appender(self, stream: str) -> Appender:
        """Return an appender; requests are executed in the order of the calls."""
        return MockAppender(self, stream)

    async def append_many(
        self, events: Mapping[str, Sequence[NewEvent]], expected_versions: Mapping[str, int]
    ) -> Mapping[str, WriteResult]:
        """Append events to several streams."""
        append = self._log.append_many
        needs = [("write to", stream) for stream in events]
        return await self._write("Append to several streams", lambda: append(events, expected_versions), *needs)

    async def delete_stream(self, stream: str, expected_version: int, *, hard: bool) -> DeleteResult:
        """Delete a stream."""
        delete = self._log.delete
        needs = "delete", stream
        return await self._write(f"Delete {stream!r}", lambda: delete(stream, expected_version, hard=hard), needs)

    async def start_transaction(self, stream: str, expected_version: int) -> int:
        """Start a transaction."""

        def start() -> int:
            id = len(self._transactions)
            self._transactions[id] = expected_version, []
            return id

        return await self._request("TransactionStart", start, ("write to", stream))

    async def write_transaction(self, stream: str, transaction_id: int, events: Sequence[NewEvent]) -> None:
        """Add events to a transaction."""
        await self._request(
            "TransactionWrite",
            lambda: self._transaction(stream, transaction_id)[1].extend(events),
            is_repeatable=False,
        )

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
        return await self._request(
            f"Read of {stream!r}", lambda: read(stream, number, resolve_links=resolve_links), ("read", stream)
        )

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
            f"Read of {stream!r}",
            lambda: read(stream, start, max_count, direction, resolve_links=resolve_links),
            ("read", stream),
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
            "Read of $all",
            lambda: read(start, max_count, direction, resolve_links=resolve_links),
            ("read", ALL_STREAM),
        )
        return page if where is None else page.where(where.matches)

    # Following -----------------------------------------------------------------------------------

    def follow_stream(self, stream: str, after: int | None, *, batch_size: int, resolve_links: bool) -> Subscription:
        """Follow a stream."""
        return MockStreamSubscription(
            self._log,
            self._connection,
            stream,
            after,
            batch_size,
            self._settings,
            lambda: self._check("subscribe to", stream),
            resolve_links=resolve_links,
        )

    def follow_all(
        self, after: Position | None, *, batch_size: int, resolve_links: bool, where: EventFilter | None = None
    ) -> Subscription:
        """Follow `$all`."""
        return MockAllSubscription(
            self._log,
            self._connection,
            after,
            batch_size,
            self._settings,
            lambda: self._check("subscribe to", ALL_STREAM),
            resolve_links=resolve_links,
            where=where,
        )

    async def find_stream_end(self, stream: str) -> ServerEnd:
        """Find the last event of a stream."""

        def find() -> ServerEnd:
            found = self._log.stream(stream)
            if found.is_tombstoned:
                raise StreamDeleted(stream)
            return ServerEnd(found.last, found.last if found.first <= found.last else None)

        return await self._request(f"Read of {stream!r}", find, ("read", stream))

    async def find_all_end(self, after: Position) -> ServerEnd:
        """Find the last event of `$all`."""
        page = await self.read_all_page(Edge.END, 1, StreamDirection.BACKWARD, resolve_links=False)
        return ServerEnd(self._log.last, page[0].position if page else None)

    # Consumer groups -----------------------------------------------------------------------------

    async def create_group(self, stream: str | None, group: str, settings: PersistentSubscriptionSettings) -> None:
        """Create a group."""
        needs = "create persistent subscriptions of", _shown(stream)
        create = self._groups.create
        await self._request("CreateGroup", lambda: create(stream, group, settings), needs, is_repeatable=False)

    async def update_group(self, stream: str | None, group: str, settings: PersistentSubscriptionSettings) -> None:
        """Replace the settings of a group, and drop its consumers."""
        needs = "update persistent subscriptions of", _shown(stream)
        await self._request("UpdateGroup", lambda: self._groups.update(stream, group, settings), needs)

    async def delete_group(self, stream: str | None, group: str) -> None:
        """Delete a group."""
        needs = "delete persistent subscriptions of", _shown(stream)
        delete = self._groups.delete
        await self._request("DeleteGroup", lambda: delete(stream, group), needs, is_repeatable=False)

    async def connect_group(self, stream: str | None, group: str, buffer_size: int) -> GroupSession:
        """Connect to a group."""
        find, connection = self._groups.find, self._connection
        needs = "subscribe to", _shown(stream)
        return await self._request(
            "ConnectGroup", lambda: find(stream, group).connect(connection, buffer_size), needs
        )

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

    def _transaction(self, stream: str, id: int) -> tuple[int, list[NewEvent]]:
        if id not in self._transactions:
            raise InvalidTransaction(stream)
        return self._transactions[id]

    def __repr__(self) -> str:
        return f"<MockTransport {self._connection!r}, {len(self._log.events)} events>"


def _shown(stream: str | None) -> str:
    return ALL_STREAM if stream is None else stream
