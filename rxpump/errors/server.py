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
class NotAuthenticated(ServerError):
    """The credentials of `login` were refused; `reason` is the server's text.

    `login` is None where a request was refused under whatever credentials its connection has, "(token)" for a token.
    """

    login: str | None
    reason: str

    def __str__(self) -> str:
        who = "the connection's user" if self.login is None else f"user {self.login!r}"
        return f"{who} was refused: {self.reason}"


@dataclass(eq=False)
class AccessDenied(ServerError):
    """This user may not do `operation` (read, write to, subscribe to) with `stream`."""

    operation: str
    stream: str

    def __str__(self) -> str:
        return f"this user may not {self.operation} {self.stream!r}"


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
