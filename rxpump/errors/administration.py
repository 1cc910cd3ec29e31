"""Refused requests that manage users, projections, indexes and scavenges."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rxpump.errors.server import NotHandled, ScavengeFailed, ServerError


@dataclass(eq=False)
class UserNotFound(ServerError):
    """There is no user of that login.

    Attributes:
        login: Login of the user.
    """

    login: str

    def __str__(self) -> str:
        return f"there is no user {self.login!r}"


@dataclass(eq=False)
class UserConflict(ServerError):
    """The user exists already, or was changed by another request at the same time.

    Attributes:
        login: Login of the user.
        reason: Text of the server.
    """

    login: str
    reason: str

    def __str__(self) -> str:
        return f"user {self.login!r} exists already, or is being changed: {self.reason}"


@dataclass(eq=False)
class ProjectionError(ServerError):
    """The server refused a request that is about a projection.

    Attributes:
        projection: Name of the projection.
        reason: Text of the server.
    """

    problem: ClassVar[str] = "cannot be used"

    projection: str
    reason: str

    def __str__(self) -> str:
        return f"projection {self.projection!r} {self.problem}: {self.reason}"


class ProjectionNotFound(ProjectionError):
    """There is no projection of that name."""

    problem: ClassVar[str] = "does not exist"


class ProjectionExists(ProjectionError):
    """There is a projection of that name already."""

    problem: ClassVar[str] = "exists already"


class ProjectionFailed(ProjectionError):
    """The state of the projection does not allow the request, for example to delete a running projection."""

    problem: ClassVar[str] = "refused the request"


@dataclass(eq=False)
class IndexNotFound(ServerError):
    """There is no index of that name.

    Attributes:
        index: Name of the index.
    """

    index: str

    def __str__(self) -> str:
        return f"there is no index {self.index!r}"


@dataclass(eq=False)
class IndexExists(ServerError):
    """There is another index of that name already.

    Attributes:
        index: Name of the index.
    """

    index: str

    def __str__(self) -> str:
        return f"there is an index {self.index!r} already"


@dataclass(eq=False)
class IndexesNotReady(NotHandled):
    """The server is still building its indexes.

    Attributes:
        operation: Name of the operation.
        current: Position in the log that the indexes have reached.
        target: Position in the log that they must reach.
    """

    current: int
    target: int

    def __str__(self) -> str:
        return f"the node did not handle {self.operation}: its indexes are at {self.current} of {self.target}"


@dataclass(eq=False)
class ScavengeNotFound(ScavengeFailed):
    """There is no scavenge of that id to stop.

    Attributes:
        reason: Text of the server.
        running: Id of the scavenge that runs, None if none does.
    """

    running: str | None = None

    def __str__(self) -> str:
        running = "no scavenge runs" if self.running is None else f"scavenge {self.running} runs"
        return f"the scavenge was not found: {self.reason}; {running}"
