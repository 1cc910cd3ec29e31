"""Requests that manage users, projections and secondary indexes, each as a call of its own."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any

from rxpump.grpc.caller import Caller
from rxpump.grpc.calls import indexes, projections, users
from rxpump.grpc.calls.read import read_context
from rxpump.grpc.reads.follow import AllFollowing
from rxpump.grpc.reads.reading import AllReading
from rxpump.model.events import Event
from rxpump.model.indexes import IndexDetails, IndexField
from rxpump.model.positions import Edge, Position, StreamDirection
from rxpump.model.projections import ProjectionMode, ProjectionStatistics
from rxpump.model.users import UserDetails
from rxpump.transport import Subscription
from rxpump.transport.administration import IndexRequests, ProjectionRequests, UserRequests


class GrpcUsers(UserRequests):
    """Requests that manage users. An insecure server answers none of them."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def create(self, login: str, password: str, full_name: str, groups: Sequence[str]) -> None:
        """Create a user."""
        await self._caller.request(users.create_user(login, password, full_name, groups))

    async def update(self, login: str, full_name: str, groups: Sequence[str]) -> None:
        """Replace the full name and the groups of a user."""
        await self._caller.request(users.update_user(login, full_name, groups))

    async def delete(self, login: str) -> None:
        """Delete a user."""
        await self._caller.request(users.delete_user(login))

    async def enable(self, login: str) -> None:
        """Let a disabled user log in again."""
        await self._caller.request(users.enable_user(login))

    async def disable(self, login: str) -> None:
        """Refuse the logins of a user."""
        await self._caller.request(users.disable_user(login))

    async def change_password(self, login: str, current: str, new: str) -> None:
        """Replace the password of a user who knows the current one."""
        await self._caller.request(users.change_password(login, current, new))

    async def reset_password(self, login: str, new: str) -> None:
        """Replace the password of a user."""
        await self._caller.request(users.reset_password(login, new))

    async def read(self, login: str) -> UserDetails:
        """Read the details of one user."""
        return await self._caller.request(users.read_user(login))

    async def read_all(self) -> Sequence[UserDetails]:
        """Read the details of all users."""
        return await self._caller.request(users.read_users())

    def __repr__(self) -> str:
        return f"<GrpcUsers by {self._caller!r}>"


class GrpcProjections(ProjectionRequests):
    """Requests that manage projections. A server without projections answers each with NotSupported."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def create(
        self,
        name: str | None,
        query: str,
        mode: ProjectionMode,
        *,
        can_emit: bool,
        tracks_emitted: bool,
        engine_version: int | None,
    ) -> None:
        """Create a projection."""
        operation = projections.create_projection(
            name,
            query,
            mode,
            can_emit=can_emit,
            tracks_emitted=tracks_emitted,
            engine_version=engine_version,
        )
        await self._caller.request(operation)

    async def update(self, name: str, query: str, *, can_emit: bool | None) -> None:
        """Replace the text of a projection."""
        await self._caller.request(projections.update_projection(name, query, can_emit=can_emit))

    async def delete(self, name: str, *, emitted_streams: bool, state_stream: bool, checkpoint_stream: bool) -> None:
        """Delete a projection."""
        operation = projections.delete_projection(
            name,
            emitted_streams=emitted_streams,
            state_stream=state_stream,
            checkpoint_stream=checkpoint_stream,
        )
        await self._caller.request(operation)

    async def enable(self, name: str) -> None:
        """Start a projection."""
        await self._caller.request(projections.enable_projection(name))

    async def disable(self, name: str) -> None:
        """Stop a projection after it has written a checkpoint."""
        await self._caller.request(projections.disable_projection(name))

    async def abort(self, name: str) -> None:
        """Stop a projection without a checkpoint."""
        await self._caller.request(projections.abort_projection(name))

    async def reset(self, name: str) -> None:
        """Let a projection begin again with the first event."""
        await self._caller.request(projections.reset_projection(name))

    async def state(self, name: str, partition: str) -> Any:
        """Return the state of a projection as JSON values."""
        return await self._caller.request(projections.projection_state(name, partition))

    async def result(self, name: str, partition: str) -> Any:
        """Return the result of a projection as JSON values."""
        return await self._caller.request(projections.projection_result(name, partition))

    async def statistics(self, name: str) -> ProjectionStatistics:
        """Read the statistics of one projection."""
        return await self._caller.request(projections.projection_statistics(name))

    async def read_all(self, mode: ProjectionMode | None) -> Sequence[ProjectionStatistics]:
        """Read the statistics of all projections of a mode."""
        return await self._caller.request(projections.all_statistics(mode))

    async def restart_subsystem(self) -> None:
        """Stop and start the part of the server that runs projections."""
        await self._caller.request(projections.restart_projections())

    def __repr__(self) -> str:
        return f"<GrpcProjections by {self._caller!r}>"


class GrpcIndexes(IndexRequests):
    """Reads of secondary indexes, and requests that manage them.

    Args:
        reads: Makes the calls that read.
        leader: Makes the calls that only the leader serves.
    """

    def __init__(self, reads: Caller, leader: Caller) -> None:
        self._reads = reads
        self._leader = leader

    async def read(
        self, index: str, start: Position | Edge, direction: StreamDirection, *, batch_size: int, resolve_links: bool
    ) -> AsyncGenerator[Sequence[Event], None]:
        """Read the events of an index to its end."""
        async with self._reads.attempts(read_context(None)):
            (await self._reads.features()).require_indexes()
        reading = AllReading(
            self._reads, start, direction, batch_size=batch_size, resolve_links=resolve_links, index=index
        )
        async with aclosing(reading.batches()) as batches:
            async for batch in batches:
                yield batch

    def follow(self, index: str, after: Position | None, *, batch_size: int, resolve_links: bool) -> Subscription:
        """Start an attempt to follow the events of an index."""
        return AllFollowing(self._reads, after, batch_size=batch_size, resolve_links=resolve_links, index=index)

    async def create(self, name: str, selected: str, fields: Sequence[IndexField], *, is_started: bool) -> None:
        """Create an index."""
        await self._leader.request(indexes.create_index(name, selected, fields, is_started=is_started))

    async def start(self, name: str) -> None:
        """Start building an index."""
        await self._leader.request(indexes.start_index(name))

    async def stop(self, name: str) -> None:
        """Stop building an index."""
        await self._leader.request(indexes.stop_index(name))

    async def delete(self, name: str) -> None:
        """Delete an index."""
        await self._leader.request(indexes.delete_index(name))

    async def details(self, name: str) -> IndexDetails:
        """Return the description of one index."""
        return await self._leader.request(indexes.get_index(name))

    async def all_details(self) -> Sequence[IndexDetails]:
        """Return the descriptions of all indexes."""
        return await self._leader.request(indexes.list_indexes())

    def __repr__(self) -> str:
        return f"<GrpcIndexes by {self._reads!r}>"
