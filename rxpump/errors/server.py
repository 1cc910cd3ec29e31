"""A server that says no, whatever it was asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rxpump.errors.root import RxPumpError


@dataclass(eq=False)
class ServerError(RxPumpError):
    """The server answered, and the answer is no."""


@dataclass(eq=False)
class BadRequest(ServerError):
    """The server could not make sense of `operation`; `reason` is its text."""

    operation: str
    reason: str

    def __str__(self) -> str:
        return f"the server calls {self.operation} a bad request: {self.reason}"


@dataclass(eq=False)
class ServerFailed(ServerError):
    """The server could not do `operation`, which was no fault of the request; `reason` is its text.

    An embedded server answers so when its disk is full, say. Nothing was written.
    """

    operation: str
    reason: str

    def __str__(self) -> str:
        return f"the server could not do {self.operation}: {self.reason}"


@dataclass(eq=False)
class NotAuthenticated(ServerError):
    """The server refused the credentials of a user, or a request of an anonymous user.

    Attributes:
        login: Login of the user, "(token)" for a token, None if nobody is logged in.
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
        login: Login of the user, "(token)" for a token, None if nobody is logged in.
    """

    operation: str
    stream: str
    login: str | None = None

    def __str__(self) -> str:
        return f"{_user(self.login)} may not {self.operation} {self.stream!r}"


@dataclass(eq=False)
class NotHandled(ServerError):
    """This node does not take `operation` now."""

    retryable: ClassVar[bool] = True

    operation: str

    def __str__(self) -> str:
        return f"the node did not handle {self.operation}: {type(self).__name__}"


class NotReady(NotHandled):
    """The node is starting, electing or stopping."""


class TooBusy(NotHandled):
    """The node has too much to do."""


class NotLeader(NotHandled):
    """Another node leads; the client goes there by itself when it is told where."""


class IsReadOnly(NotHandled):
    """The node is a read-only replica."""


@dataclass(eq=False)
class ScavengeFailed(ServerError):
    """The server did not scavenge, for `reason`, its text."""

    reason: str

    def __str__(self) -> str:
        return f"the scavenge failed: {self.reason}"


class ScavengeInProgress(ScavengeFailed):
    """One is running already; there is one at a time."""

    retryable: ClassVar[bool] = True


def _user(login: str | None) -> str:
    return "an anonymous user (nobody is logged in)" if login is None else f"user {login!r}"
