"""Requests that manage users, projections and secondary indexes; each kind is an optional part of a transport."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Sequence
from typing import Any

from rxpump.model.events import Event
from rxpump.model.indexes import IndexDetails, IndexField
from rxpump.model.positions import Edge, Position, StreamDirection
from rxpump.model.projections import ProjectionMode, ProjectionStatistics
from rxpump.model.users import UserDetails
from rxpump.transport.sessions import Subscription


class UserRequests(ABC):
    """Requests that manage users. Each raises UserNotFound for an unknown login."""

    @abstractmethod
    async def create(self, login: str, password: str, full_name: str, groups: Sequence[str]) -> None:
        """Create a user.

        Raises:
            UserConflict: There is a user of this login.
        """

    @abstractmethod
    async def update(self, login: str, full_name: str, groups: Sequence[str]) -> None:
        """Replace the full name and the groups of a user."""

    @abstractmethod
    async def delete(self, login: str) -> None:
        """Delete a user."""

    @abstractmethod
    async def enable(self, login: str) -> None:
        """Let a disabled user log in again."""

    @abstractmethod
    async def disable(self, login: str) -> None:
        """Refuse the logins of a user."""

    @abstractmethod
    async def change_password(self, login: str, current: str, new: str) -> None:
        """Replace the password of a user who knows the current one.

        Raises:
            AccessDenied: `current` is not the current password.
        """

    @abstractmethod
    async def reset_password(self, login: str, new: str) -> None:
        """Replace the password of a user."""

    @abstractmethod
    async def read(self, login: str) -> UserDetails:
        """Read the details of one user."""

    @abstractmethod
    async def read_all(self) -> Sequence[UserDetails]:
        """Read the details of all users."""


class ProjectionRequests(ABC):
    """Requests that manage projections. Each raises ProjectionNotFound for an unknown name."""

    @abstractmethod
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
        """Create a projection, which starts at once.

        Args:
            name: Name of the projection; None for a one-time projection, which the server names.
            query: Text of the projection, in JavaScript.
            mode: How long the projection runs.
            can_emit: Whether a continuous projection may write events.
            tracks_emitted: Whether the server records the streams that it writes, so that `delete` can delete them.
            engine_version: Version of the engine that runs the projection; None for the one that the server chooses.

        Raises:
            ProjectionExists: There is a projection of this name.
            ProjectionFailed: The query is refused.
            NotSupported: The server is too old for one of the arguments.
        """

    @abstractmethod
    async def update(self, name: str, query: str, *, can_emit: bool | None) -> None:
        """Replace the text of a projection.

        Args:
            name: Name of the projection.
            query: Text of the projection.
            can_emit: Whether it may write events; None to leave that as it is.
        """

    @abstractmethod
    async def delete(self, name: str, *, emitted_streams: bool, state_stream: bool, checkpoint_stream: bool) -> None:
        """Delete a disabled projection, and those of its streams that the arguments select.

        Raises:
            ProjectionFailed: The projection is running.
        """

    @abstractmethod
    async def enable(self, name: str) -> None:
        """Start a projection."""

    @abstractmethod
    async def disable(self, name: str) -> None:
        """Stop a projection after it has written a checkpoint."""

    @abstractmethod
    async def abort(self, name: str) -> None:
        """Stop a projection without writing a checkpoint. It later continues from its previous checkpoint."""

    @abstractmethod
    async def reset(self, name: str) -> None:
        """Let a projection begin again with the first event."""

    @abstractmethod
    async def state(self, name: str, partition: str) -> Any:
        """Return the state of a projection as JSON values; `partition` is empty for that of the whole projection."""

    @abstractmethod
    async def result(self, name: str, partition: str) -> Any:
        """Return the result of a projection as JSON values; arguments as in `state`."""

    @abstractmethod
    async def statistics(self, name: str) -> ProjectionStatistics:
        """Read the statistics of one projection."""

    @abstractmethod
    async def read_all(self, mode: ProjectionMode | None) -> Sequence[ProjectionStatistics]:
        """Read the statistics of all projections of a mode; None for those of every mode."""

    @abstractmethod
    async def restart_subsystem(self) -> None:
        """Stop and start the part of the server that runs projections."""


class IndexRequests(ABC):
    """Reads of secondary indexes, and requests that manage them. Each raises IndexNotFound for an unknown name."""

    @abstractmethod
    def read(
        self, index: str, start: Position | Edge, direction: StreamDirection, *, batch_size: int, resolve_links: bool
    ) -> AsyncGenerator[Sequence[Event], None]:
        """Read the events of an index to its end (backward: to its first event); arguments as in `read_all`.

        `index` has the prefix of the server: `$idx-all`, `$idx-ce-<category>`, `$idx-et-<type>`, `$idx-user-<name>`.
        The other methods take the names that users gave, without a prefix.
        """

    @abstractmethod
    def follow(self, index: str, after: Position | None, *, batch_size: int, resolve_links: bool) -> Subscription:
        """Start an attempt to follow the events of an index; arguments as in `read` and `follow_all`."""

    @abstractmethod
    async def create(self, name: str, selected: str, fields: Sequence[IndexField], *, is_started: bool) -> None:
        """Create an index of the events that a function selects.

        Args:
            name: Name of the index.
            selected: Text of a JavaScript function that returns whether an event belongs to the index; empty for all.
            fields: Fields by which the events can be looked up.
            is_started: Whether the server starts to build the index.

        Raises:
            IndexExists: There is another index of this name.
            NotSupported: The server is too old for an option of a field.
        """

    @abstractmethod
    async def start(self, name: str) -> None:
        """Start building an index that was stopped."""

    @abstractmethod
    async def stop(self, name: str) -> None:
        """Stop building an index."""

    @abstractmethod
    async def delete(self, name: str) -> None:
        """Delete an index."""

    @abstractmethod
    async def details(self, name: str) -> IndexDetails:
        """Return the description of one index."""

    @abstractmethod
    async def all_details(self) -> Sequence[IndexDetails]:
        """Return the descriptions of all indexes that users created."""
