"""The gRPC transport, which makes all calls of a client over connections to one node."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import suppress
from copy import copy
from dataclasses import replace
from typing import ClassVar, Final

from rxpump.backpressure.background_tasks import BackgroundTasks
from rxpump.discovery import Member
from rxpump.discovery.discovery import for_leader
from rxpump.errors import (
    NotSupported,
    PersistentSubscriptionExists,
    PersistentSubscriptionFailed,
    PersistentSubscriptionNotFound,
    SubscriberLimitReached,
)
from rxpump.grpc.administration import GrpcIndexes, GrpcProjections, GrpcUsers
from rxpump.grpc.appends.append_many import append_many
from rxpump.grpc.appends.appends import Appends, GrpcAppender
from rxpump.grpc.caller import Caller
from rxpump.grpc.calls import monitoring
from rxpump.grpc.calls.delete import delete
from rxpump.grpc.calls.gossip import read_gossip
from rxpump.grpc.calls.group_info import all_groups, group_info, groups_of
from rxpump.grpc.calls.groups import create_group, delete_group, update_group
from rxpump.grpc.calls.parked import replay_parked, restart_groups, truncate_parked
from rxpump.grpc.calls.scavenge import start_scavenge, stop_scavenge
from rxpump.grpc.calls.server_info import get_server_info
from rxpump.grpc.channel import Channel, LeaderChannel
from rxpump.grpc.consumer_session import connect_group
from rxpump.grpc.dialer import Dialer, Node
from rxpump.grpc.reads.ends import find_all_end, find_stream_end
from rxpump.grpc.reads.follow import AllFollowing, StreamFollowing
from rxpump.grpc.reads.log_places import start_of_group
from rxpump.grpc.reads.pages import read_all_page, read_event, read_stream_page
from rxpump.grpc.reads.reading import AllReading, StreamReading
from rxpump.grpc.refusals import deleting, managing
from rxpump.model.credentials import AnyCredentials, login_of, within
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
from rxpump.network.node_resolver import NodeResolver
from rxpump.settings import Settings
from rxpump.transport import Appender, Capability, GroupSession, Lack, ServerEnd, Subscription, Transport

_NO_TRANSACTIONS: Final = Lack(
    "the protocol has no message for them",
    "append the events as one write, append to several streams at once (servers from version 25.1), or use TCP",
)


class GrpcTransport(Transport):
    """The gRPC transport.

    Args:
        resolver: Finds the node to connect to.
        dialer: Opens connections.
        settings: Settings of the client.
        runtime: Background tasks of the client.
        on_status: Function that is called with each change of the connection's status.
    """

    protocol: ClassVar[str] = "gRPC"
    limits: ClassVar[Limits] = Limits()
    lacks: ClassVar[Mapping[Capability, Lack]] = {Capability.TRANSACTIONS: _NO_TRANSACTIONS}

    def __init__(
        self,
        resolver: NodeResolver[Node],
        dialer: Dialer,
        settings: Settings,
        runtime: BackgroundTasks,
        on_status: Callable[[Status], None],
    ) -> None:
        super().__init__(runtime, on_status)
        self.login: str | None = login_of(dialer.credentials)
        self._channel = Channel(resolver, dialer, settings, self.telemetry.counting(self.on_status), self.telemetry)
        self._caller = Caller(self._channel, settings, dialer.credentials)
        self._leader_channel: LeaderChannel | None = None
        self._leader: Caller = self._caller
        if not settings.reads_from_leader and (to_leader := resolver.for_leader()) is not None:
            leading = for_leader(settings)
            self._leader_channel = LeaderChannel(self._channel, to_leader, leading)
            self._leader = Caller(self._leader_channel, leading, dialer.credentials)
        self._appends = Appends()

    def as_user(self, credentials: AnyCredentials) -> GrpcTransport:
        """Return a view whose calls carry other credentials."""
        view = copy(self)
        allowed = within(credentials, self.limits)
        view._caller, view._leader = self._caller.as_user(allowed), self._leader.as_user(allowed)
        view.login = login_of(credentials)
        return view

    def with_timeout(self, timeout: float | None) -> GrpcTransport:
        """Return a view whose calls have a deadline."""
        view = copy(self)
        view._caller, view._leader = self._caller.with_timeout(timeout), self._leader.with_timeout(timeout)
        return view

    @property
    def is_connected(self) -> bool:
        """Whether there is a connection that accepts calls now."""
        return self._channel.is_connected

    async def open(self) -> None:
        """Connect."""
        await self._channel.open()

    async def close(self) -> None:
        """Close the connections at once, also for the views of this transport.

        No connection to the leader is opened meanwhile, because the connections for reads refuse new requests.
        """
        channels = [self._channel] if self._leader_channel is None else [self._channel, self._leader_channel]
        await asyncio.gather(*(channel.close() for channel in channels))

    async def settled(self) -> None:
        """Wait until no request is pending."""
        await self._channel.settled()
        if self._leader_channel is not None:
            await self._leader_channel.settled()

    # Writing -------------------------------------------------------------------------------------

    async def append(self, stream: str, events: Sequence[NewEvent], expected_version: int) -> WriteResult:
        """Append events to a stream, by BatchAppend if the server has it."""
        return await self._appends.append(self._leader, stream, events, expected_version)

    def appender(self, stream: str) -> Appender:
        """Return an appender to a stream that keeps the order of its appends."""
        return GrpcAppender(self._appends, self._leader, stream)

    async def append_many(
        self, events: Mapping[str, Sequence[NewEvent]], expected_versions: Mapping[str, int]
    ) -> Mapping[str, WriteResult]:
        """Append events to several streams, by AppendRecords if the server has it, otherwise by AppendSession."""
        return await append_many(self._leader, events, expected_versions)

    async def delete_stream(self, stream: str, expected_version: int, *, hard: bool) -> DeleteResult:
        """Delete a stream, by Tombstone if `hard`, otherwise by Delete."""
        async with deleting(self._leader, stream, expected_version):
            return await self._leader.request(delete(stream, expected_version, hard=hard))

    # Reading -------------------------------------------------------------------------------------

    async def read_event(self, stream: str, number: int | Edge, *, resolve_links: bool) -> Event:
        """Read one event, by a backward read because a forward read can return a later event."""
        return await read_event(self._caller, stream, number, resolve_links=resolve_links)

    def read_stream(
        self, stream: str, start: int | Edge, direction: StreamDirection, *, batch_size: int, resolve_links: bool
    ) -> AsyncGenerator[Sequence[Event], None]:
        """Read all events by one call."""
        reading = StreamReading(
            self._caller, stream, start, direction, batch_size=batch_size, resolve_links=resolve_links
        )
        return reading.batches()

    def read_all(
        self,
        start: Position | Edge,
        direction: StreamDirection,
        *,
        batch_size: int,
        resolve_links: bool,
        where: EventFilter | None = None,
    ) -> AsyncGenerator[Sequence[Event], None]:
        """Read all events by one call."""
        reading = AllReading(
            self._caller, start, direction, batch_size=batch_size, resolve_links=resolve_links, where=where
        )
        return reading.batches()

    async def read_stream_page(
        self, stream: str, start: int | Edge, max_count: int, direction: StreamDirection, *, resolve_links: bool
    ) -> StreamPage:
        """Read a number of events."""
        return await read_stream_page(self._caller, stream, start, max_count, direction, resolve_links=resolve_links)

    async def read_all_page(
        self,
        start: Position | Edge,
        max_count: int,
        direction: StreamDirection,
        *,
        resolve_links: bool,
        where: EventFilter | None = None,
    ) -> AllPage:
        """Read a number of events."""
        return await read_all_page(
            self._caller, start, max_count, direction, resolve_links=resolve_links, where=where
        )

    # Following -----------------------------------------------------------------------------------

    def follow_stream(self, stream: str, after: int | None, *, batch_size: int, resolve_links: bool) -> Subscription:
        """Start an attempt to follow a stream; see `rxpump.grpc.reads.follow`."""
        return StreamFollowing(self._caller, stream, after, batch_size=batch_size, resolve_links=resolve_links)

    def follow_all(
        self, after: Position | None, *, batch_size: int, resolve_links: bool, where: EventFilter | None = None
    ) -> Subscription:
        """Start an attempt to follow `$all`; see `rxpump.grpc.reads.follow`."""
        return AllFollowing(self._caller, after, batch_size=batch_size, resolve_links=resolve_links, where=where)

    async def find_stream_end(self, stream: str) -> ServerEnd:
        """Find the end of a stream by its last event. `last` is None for a stream that was soft-deleted."""
        return await find_stream_end(self._caller, stream)

    async def find_all_end(self, after: Position) -> ServerEnd:
        """Find the end of `$all` by its last event."""
        return await find_all_end(self._caller, after)

    # Consumer groups -----------------------------------------------------------------------------

    async def create_group(self, stream: str | None, group: str, settings: PersistentSubscriptionSettings) -> None:
        """Create a consumer group."""
        if stream is None:
            settings = replace(settings, start_from=await start_of_group(self._leader, settings.start))
        exists, failed = PersistentSubscriptionExists, PersistentSubscriptionFailed
        async with managing(self._leader, stream, group, found=exists, missing=failed):
            await self._leader.request(create_group(stream, group, settings))

    async def update_group(self, stream: str | None, group: str, settings: PersistentSubscriptionSettings) -> None:
        """Replace the settings of a consumer group."""
        failed, missing = PersistentSubscriptionFailed, PersistentSubscriptionNotFound
        async with managing(self._leader, stream, group, found=failed, missing=missing):
            await self._leader.request(update_group(stream, group, settings))

    async def delete_group(self, stream: str | None, group: str) -> None:
        """Delete a consumer group."""
        await self._leader.request(delete_group(stream, group))

    async def connect_group(self, stream: str | None, group: str, buffer_size: int) -> GroupSession:
        """Connect to a consumer group."""
        full, missing = SubscriberLimitReached, PersistentSubscriptionNotFound
        async with managing(self._leader, stream, group, found=full, missing=missing):
            return await connect_group(self._leader, stream, group, buffer_size)

    async def replay_parked(self, stream: str | None, group: str, limit: int | None = None) -> None:
        """Deliver parked events of a consumer group again, at most `limit`."""
        await self._leader.request(replay_parked(stream, group, limit))

    async def truncate_parked(self, stream: str | None, group: str, limit: int | None = None) -> None:
        """Remove parked events of a consumer group, at most `limit`."""
        await self._leader.request(truncate_parked(stream, group, limit))

    async def group_details(self, stream: str | None, group: str) -> GroupDetails:
        """Read the details of one consumer group."""
        return await self._leader.request(group_info(stream, group))

    async def list_groups(self) -> Sequence[GroupDetails]:
        """Read the details of all consumer groups."""
        return await self._leader.request(all_groups())

    async def list_groups_of(self, stream: str | None) -> Sequence[GroupDetails]:
        """Read the details of the consumer groups of a stream."""
        try:
            return await self._leader.request(groups_of(stream))
        except PersistentSubscriptionNotFound:  # The stream has no group.
            return ()

    async def restart_groups(self) -> None:
        """Stop and start all consumer groups."""
        await self._leader.request(restart_groups())

    # Server --------------------------------------------------------------------------------------

    async def ping(self) -> None:
        """Request the methods of the server, because the protocol has no message for a ping."""
        with suppress(NotSupported):  # This reply of a server before version 21.10 is enough.
            await self._caller.request(get_server_info())

    async def scavenge(self) -> ScavengeResult:
        """Start a scavenge of the connected node."""
        return await self._caller.request(start_scavenge())

    async def stop_scavenge(self, id: str) -> ScavengeResult:
        """Stop a scavenge of the connected node."""
        return await self._caller.request(stop_scavenge(id))

    async def server_info(self) -> ServerInfo:
        """Read the version and the methods of the connected node."""
        return await self._caller.request(get_server_info())

    async def members(self) -> Sequence[Member]:
        """Read the members of the cluster from the gossip of the connected node."""
        return await self._caller.request(read_gossip())

    async def statistics(self) -> Mapping[str, str]:
        """Read the statistics of the connected node."""
        messages = await self._caller.first(monitoring.CONTEXT, monitoring.stats_request())
        return monitoring.statistics(messages)

    @property
    def users(self) -> GrpcUsers:
        """Requests that manage users."""
        return GrpcUsers(self._leader)

    @property
    def projections(self) -> GrpcProjections:
        """Requests that manage projections."""
        return GrpcProjections(self._leader)

    @property
    def indexes(self) -> GrpcIndexes:
        """Reads of secondary indexes, and requests that manage them."""
        return GrpcIndexes(self._caller, self._leader)

    def __repr__(self) -> str:
        return f"<GrpcTransport {self._caller!r}>"
