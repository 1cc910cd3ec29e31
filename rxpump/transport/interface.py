"""The base class of transports. `rxpump.transport` describes the guarantees of its methods."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from typing import ClassVar

from rxpump.backpressure.background_tasks import BackgroundTasks
from rxpump.discovery.member import Member
from rxpump.errors import NotSupported
from rxpump.model.credentials import AnyCredentials
from rxpump.model.events import Event
from rxpump.model.filters import EventFilter
from rxpump.model.group_details import GroupDetails
from rxpump.model.group_settings import PersistentSubscriptionSettings
from rxpump.model.limits import Limits
from rxpump.model.new_events import NewEvent
from rxpump.model.pages import AllPage, StreamPage
from rxpump.model.positions import Edge, Position, StreamDirection
from rxpump.model.results import DeleteResult, ScavengeResult, WriteResult
from rxpump.model.server_info import ServerInfo
from rxpump.model.status import Status
from rxpump.telemetry import Telemetry
from rxpump.transport.administration import IndexRequests, ProjectionRequests, UserRequests
from rxpump.transport.capabilities import Capability, Lack
from rxpump.transport.sessions import Appender, GroupSession, ServerEnd, Subscription


class Transport(ABC):
    """One shared connection to one event store.

    Attributes:
        protocol: Name of the protocol in messages.
        limits: Limits of the protocol.
        lacks: Capabilities that the protocol does not have, each with the reason.
        runtime: Background tasks of the client.
        on_status: Function that is called with each change of the connection's status.
        telemetry: Counters of the client, which all views of the transport share.
        login: Login that requests carry; None if they carry a token or no credentials.
    """

    protocol: ClassVar[str]
    limits: ClassVar[Limits]
    lacks: ClassVar[Mapping[Capability, Lack]] = {}

    def __init__(self, runtime: BackgroundTasks, on_status: Callable[[Status], None]) -> None:
        self.runtime = runtime
        self.on_status = on_status
        self.telemetry: Telemetry = Telemetry()
        self.login: str | None = None

    @property
    def capabilities(self) -> frozenset[Capability]:
        """Optional features that this transport has."""
        return frozenset(Capability) - self.lacks.keys()

    def require(self, capability: Capability) -> None:
        """Raise NotSupported if the transport lacks `capability`.

        A transport has a capability if any server has it over this protocol. The request raises NotSupported if the
        connected server does not have it, and names the version that does.
        """
        if capability in self.lacks:
            raise self._missing(capability)

    # Connection ----------------------------------------------------------------------------------

    @abstractmethod
    def as_user(self, credentials: AnyCredentials) -> Transport:
        """Return a view of this transport whose requests carry other credentials.

        Raises:
            InvalidArgument: The credentials are longer than the protocol allows.
        """

    @abstractmethod
    def with_timeout(self, timeout: float | None) -> Transport:
        """Return a view of this transport for calls: each of its requests has a deadline.

        Without this, a request waits for a connection as long as the reconnect policy allows, and then for a reply
        as long as the `timeout` of the settings allows on any one connection. That suits subscriptions, publishers
        and relays, which have no end.

        Args:
            timeout: Seconds from the call to its deadline, with or without a connection. None: no deadline.
        """

    @property
    @abstractmethod
    def is_connected(self) -> bool:
        """Whether there is a connection that accepts requests now."""

    @abstractmethod
    async def open(self) -> None:
        """Connect, and return when the server accepts requests.

        Raises:
            ConnectionFailed: No node was reached in time.
            NotAuthenticated: The server refused the credentials.
        """

    @abstractmethod
    async def close(self) -> None:
        """Close the connection. Requests that are not answered end with ClientClosed."""

    @abstractmethod
    async def settled(self) -> None:
        """Wait until no request is pending."""

    # Writing -------------------------------------------------------------------------------------

    @abstractmethod
    async def append(self, stream: str, events: Sequence[NewEvent], expected_version: int) -> WriteResult:
        """Append events to a stream as one atomic write; return when they are durable.

        Raises:
            InvalidArgument: The protocol cannot carry so many bytes in one write.
            WrongExpectedVersion: The stream is at another version. Nothing was written.
            StreamDeleted: The stream was deleted permanently.
            AccessDenied: The user may not write to the stream.
        """

    @abstractmethod
    def appender(self, stream: str) -> Appender:
        """Return an appender to one stream, which keeps the order of appends that are in flight together."""

    async def append_many(
        self, events: Mapping[str, Sequence[NewEvent]], expected_versions: Mapping[str, int]
    ) -> Mapping[str, WriteResult]:
        """Append events to several streams atomically; return each result. Needs Capability.MULTI_STREAM_APPEND.

        Args:
            events: Events for each stream, at least one.
            expected_versions: Version that a stream must have; ANY for a stream that is not named. A stream without
                events is only checked.

        Raises:
            InvalidArgument: The protocol cannot carry the metadata of an event.
            ConsistencyCheckFailed: A stream is at another version. Nothing was written.
            WrongExpectedVersion: The same, from a server that names only one stream.
            StreamDeleted: A stream was deleted permanently.
            AppendTooLarge: The server does not accept so many bytes in one write.
        """
        raise self._missing(Capability.MULTI_STREAM_APPEND)

    @abstractmethod
    async def delete_stream(self, stream: str, expected_version: int, *, hard: bool) -> DeleteResult:
        """Delete a stream: permanently if `hard`, otherwise so that it can be written again."""

    async def start_transaction(self, stream: str, expected_version: int) -> int:
        """Start a transaction and return its id. Needs Capability.TRANSACTIONS."""
        raise self._missing(Capability.TRANSACTIONS)

    async def write_transaction(self, stream: str, transaction_id: int, events: Sequence[NewEvent]) -> None:
        """Add events to a transaction. If it fails, it is unknown whether they were added."""
        raise self._missing(Capability.TRANSACTIONS)

    async def commit_transaction(self, stream: str, transaction_id: int, expected_version: int | None) -> WriteResult:
        """Write the events of a transaction. `expected_version` is that of its start, for errors; None if unknown."""
        raise self._missing(Capability.TRANSACTIONS)

    # Reading -------------------------------------------------------------------------------------

    @abstractmethod
    async def read_event(self, stream: str, number: int | Edge, *, resolve_links: bool) -> Event:
        """Read one event; END is the last one.

        Raises:
            EventNotFound: The stream has no such event, or it can no longer be read.
            StreamNotFound: The stream has no events.
            StreamDeleted: The stream was deleted permanently.
        """

    @abstractmethod
    def read_stream(
        self, stream: str, start: int | Edge, direction: StreamDirection, *, batch_size: int, resolve_links: bool
    ) -> AsyncGenerator[Sequence[Event], None]:
        """Read a stream to its end (backward: to its first event).

        Args:
            stream: Name of the stream.
            start: Number of the first event to return; END, only backward, for the last one.
            direction: Order of the events.
            batch_size: Largest number of events in a batch.
            resolve_links: Whether to return the targets of links.

        Yields:
            Batches of events; some may be empty.

        Raises:
            StreamNotFound: The stream has no events.
            StreamDeleted: The stream was deleted permanently.
        """

    @abstractmethod
    def read_all(
        self,
        start: Position | Edge,
        direction: StreamDirection,
        *,
        batch_size: int,
        resolve_links: bool,
        where: EventFilter | None = None,
    ) -> AsyncGenerator[Sequence[Event], None]:
        """Read `$all` to its end (backward: to its first event).

        Args:
            start: Position of the first event to return; backward, the first is the event before this position. START
                and END are the ends of `$all`.
            direction: Order of the events.
            batch_size: Largest number of events in a batch.
            resolve_links: Whether to return the targets of links.
            where: Filter that the events must match. The server applies it if it can.

        Yields:
            Batches of events; some may be empty.
        """

    @abstractmethod
    async def read_stream_page(
        self, stream: str, start: int | Edge, max_count: int, direction: StreamDirection, *, resolve_links: bool
    ) -> StreamPage:
        """Read at most `max_count` events of a stream; arguments and errors as in `read_stream`.

        `StreamPage.last_event_number` is None if the protocol does not have it.
        """

    @abstractmethod
    async def read_all_page(
        self,
        start: Position | Edge,
        max_count: int,
        direction: StreamDirection,
        *,
        resolve_links: bool,
        where: EventFilter | None = None,
    ) -> AllPage:
        """Read at most `max_count` events of `$all`; arguments as in `read_all`."""

    # Following -----------------------------------------------------------------------------------

    @abstractmethod
    def follow_stream(self, stream: str, after: int | None, *, batch_size: int, resolve_links: bool) -> Subscription:
        """Return a new attempt to follow a stream, which need not exist. Nothing is sent before the first `next`.

        Args:
            stream: Name of the stream.
            after: Number of the event after which to start, -1 for the first event of the stream; None to start with
                the events that are written after the confirmation.
            batch_size: Largest number of existing events in a batch.
            resolve_links: Whether to deliver the targets of links.
        """

    @abstractmethod
    def follow_all(
        self, after: Position | None, *, batch_size: int, resolve_links: bool, where: EventFilter | None = None
    ) -> Subscription:
        """Return a new attempt to follow `$all`; arguments as in `follow_stream` and `read_all`."""

    @abstractmethod
    async def find_stream_end(self, stream: str) -> ServerEnd:
        """Find the last event of a stream on the server; -1 for a stream that does not exist."""

    @abstractmethod
    async def find_all_end(self, after: Position) -> ServerEnd:
        """Find the last event of `$all` on the server.

        Args:
            after: Place of the last event that the caller has. `last` is only lower if the server has lost that
                event.
        """

    # Consumer groups -----------------------------------------------------------------------------

    @abstractmethod
    async def create_group(self, stream: str | None, group: str, settings: PersistentSubscriptionSettings) -> None:
        """Create a consumer group of a stream; None is `$all` (Capability.GROUPS_ON_ALL).

        Raises:
            PersistentSubscriptionExists: There is such a group.
            PersistentSubscriptionFailed: The server refused the stream or a setting.
        """

    @abstractmethod
    async def update_group(self, stream: str | None, group: str, settings: PersistentSubscriptionSettings) -> None:
        """Replace the settings of a consumer group. Connected consumers are dropped, and can reconnect.

        Raises:
            PersistentSubscriptionNotFound: There is no such group.
        """

    @abstractmethod
    async def delete_group(self, stream: str | None, group: str) -> None:
        """Delete a consumer group.

        Raises:
            PersistentSubscriptionNotFound: There is no such group.
        """

    @abstractmethod
    async def connect_group(self, stream: str | None, group: str, buffer_size: int) -> GroupSession:
        """Connect to a consumer group.

        Args:
            stream: Name of the stream; None is `$all`.
            group: Name of the group.
            buffer_size: Largest number of events that the server delivers ahead of their acknowledgement.

        Raises:
            PersistentSubscriptionNotFound: There is no such group.
            SubscriberLimitReached: The group has all the consumers it may have.
        """

    async def replay_parked(self, stream: str | None, group: str, limit: int | None = None) -> None:
        """Deliver the `limit` oldest parked events of a group again (None: all). Return when the server has begun.

        Needs Capability.REPLAY_PARKED, and Capability.REPLAY_SOME_PARKED for a `limit`.
        """
        raise self._missing(Capability.REPLAY_PARKED)

    async def truncate_parked(self, stream: str | None, group: str, limit: int | None = None) -> None:
        """Remove the `limit` oldest parked events of a group (None: all). Needs Capability.TRUNCATE_PARKED."""
        raise self._missing(Capability.TRUNCATE_PARKED)

    async def group_details(self, stream: str | None, group: str) -> GroupDetails:
        """Return the state of a group. Needs Capability.GROUP_INFO.

        Raises:
            PersistentSubscriptionNotFound: There is no such group.
        """
        raise self._missing(Capability.GROUP_INFO)

    async def list_groups(self) -> Sequence[GroupDetails]:
        """Return the states of all groups. Needs Capability.GROUP_INFO."""
        raise self._missing(Capability.GROUP_INFO)

    async def list_groups_of(self, stream: str | None) -> Sequence[GroupDetails]:
        """Return the states of the groups of one stream (None: `$all`), if any. Needs Capability.GROUP_INFO."""
        raise self._missing(Capability.GROUP_INFO)

    async def restart_groups(self) -> None:
        """Stop and start all groups of the server. Needs Capability.RESTART_GROUPS."""
        raise self._missing(Capability.RESTART_GROUPS)

    # Server --------------------------------------------------------------------------------------

    async def ping(self) -> None:
        """Wait for a reply of the server."""
        raise self._missing(Capability.PING)

    async def scavenge(self) -> ScavengeResult:
        """Remove events that can no longer be read from the files of the node. Needs Capability.SCAVENGE."""
        raise self._missing(Capability.SCAVENGE)

    async def stop_scavenge(self, id: str) -> ScavengeResult:
        """Stop a scavenge. Needs Capability.STOP_SCAVENGE.

        Raises:
            ScavengeNotFound: No scavenge of this id is running.
        """
        raise self._missing(Capability.STOP_SCAVENGE)

    async def server_info(self) -> ServerInfo:
        """Return the version and the features of the connected node. Needs Capability.SERVER_INFO."""
        raise self._missing(Capability.SERVER_INFO)

    async def members(self) -> Sequence[Member]:
        """Return the members of the cluster from the connected node. Needs Capability.MEMBERS."""
        raise self._missing(Capability.MEMBERS)

    async def statistics(self) -> Mapping[str, str]:
        """Return the statistics of the connected node by name. Needs Capability.STATISTICS."""
        raise self._missing(Capability.STATISTICS)

    @property
    def users(self) -> UserRequests:
        """Requests that manage users. Needs Capability.USERS."""
        raise self._missing(Capability.USERS)

    @property
    def projections(self) -> ProjectionRequests:
        """Requests that manage projections. Needs Capability.PROJECTIONS."""
        raise self._missing(Capability.PROJECTIONS)

    @property
    def indexes(self) -> IndexRequests:
        """Reads of secondary indexes, and requests that manage them. Needs Capability.INDEXES."""
        raise self._missing(Capability.INDEXES)

    def _missing(self, capability: Capability) -> NotSupported:
        """Return the error for a method that the transport does not override."""
        lack = self.lacks[capability]
        return NotSupported(capability.value, self.protocol, lack.reason, lack.alternative)
