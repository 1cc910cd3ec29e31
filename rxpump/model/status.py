"""States of the connection of a client, as `client.status` emits them."""

from __future__ import annotations

from dataclasses import dataclass

from rxpump.errors import RxPumpError


@dataclass(frozen=True, slots=True)
class Idle:
    """`connect()` was not called yet."""


@dataclass(frozen=True, slots=True)
class Connecting:
    """A connection is being made.

    Attributes:
        address: Address of the node, as tcp://host:port.
    """

    address: str


@dataclass(frozen=True, slots=True)
class Connected:
    """The connection is open, and requests are sent.

    Attributes:
        address: Address of the node, as tcp://host:port.
    """

    address: str


@dataclass(frozen=True, slots=True)
class Reconnecting:
    """The connection was lost, and the client waits before the next attempt.

    Attributes:
        attempt: Number of the next attempt, from 1.
        delay: Seconds until that attempt.
        reason: Why the connection was lost, or why the last attempt failed.
    """

    attempt: int
    delay: float
    reason: RxPumpError


@dataclass(frozen=True, slots=True)
class Closed:
    """The connection is closed, and no attempt follows.

    Attributes:
        reason: Why the client stopped trying to connect; None if the program closed the client.
    """

    reason: RxPumpError | None = None


Status = Idle | Connecting | Connected | Reconnecting | Closed
