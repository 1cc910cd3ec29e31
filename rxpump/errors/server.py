"""Refusals by a server that can be the reply to any request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rxpump.errors.root import RxPumpError


@dataclass(eq=False)
class ServerError(RxPumpError):
    """Base class of refusals: the server received the request and did not do it."""


@dataclass(eq=False)
class BadRequest(ServerError):
    """The server did not understand a request.

    Attributes:
        operation: Description of the request.
        reason: Text of the server.
    """

    operation: str
    reason: str

    def __str__(self) -> str:
        return f"the server refused {self.operation} as a bad request: {self.reason}"


@dataclass(eq=False)
class ServerFailed(ServerError):
    """The server itself failed, for example because its disk is full. Nothing was written.

    Over TCP, only embedded servers send this refusal.

    Attributes:
        operation: Description of the request.
        reason: Text of the server.
    """

    operation: str
    reason: str

    def __str__(self) -> str:
        return f"the server could not execute {self.operation}: {self.reason}"


@dataclass(eq=False)
class NotAuthenticated(ServerError):
    """The server refused the credentials of a user, or a request of an anonymous user.

    Attributes:
        login: Login of the user, "(token)" for a token, None for an anonymous user.
        reason: Text of the server.
    """

    login: str | None
    reason: str

    def __str__(self) -> str:
        return f"{_user(self.login)} was refused: {self.reason}"


@dataclass(eq=False)
class AccessDenied(ServerError):
    """The user does not have the permission for an operation.

    Attributes:
        operation: The refused operation: "read", "write to", "subscribe to", ...
        stream: Name of the stream.
        login: Login of the user, "(token)" for a token, None for an anonymous user.
    """

    operation: str
    stream: str
    login: str | None = None

    def __str__(self) -> str:
        return f"{_user(self.login)} may not {self.operation} {self.stream!r}"


@dataclass(eq=False)
class NotHandled(ServerError):
    """The node does not serve a request now.

    Attributes:
        operation: Description of the request.
    """

    retryable: ClassVar[bool] = True

    operation: str

    def __str__(self) -> str:
        return f"the node did not handle {self.operation}: {type(self).__name__}"


class NotReady(NotHandled):
    """The node is starting or stopping, or the cluster is electing a leader."""


class TooBusy(NotHandled):
    """The node is overloaded."""


class NotLeader(NotHandled):
    """Only the leader serves the request, and the node is a follower. The client then connects to the leader."""


class IsReadOnly(NotHandled):
    """The request is a write, and the node is a read-only replica."""


@dataclass(eq=False)
class ScavengeFailed(ServerError):
    """The server refused to scavenge, or the scavenge ended early.

    Attributes:
        reason: Reason, as the server worded it.
    """

    reason: str

    def __str__(self) -> str:
        return f"the scavenge failed: {self.reason}"


class ScavengeInProgress(ScavengeFailed):
    """Another scavenge is running; a server runs one at a time."""

    retryable: ClassVar[bool] = True


def _user(login: str | None) -> str:
    return "an anonymous user (nobody is logged in)" if login is None else f"user {login!r}"
