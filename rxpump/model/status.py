"""What a client's connection is doing."""

from __future__ import annotations

from dataclasses import dataclass

from rxpump.errors import RxPumpError


@dataclass(frozen=True, slots=True)
class Idle:
    """Nothing was asked of it yet."""


@dataclass(frozen=True, slots=True)
class Connecting:
    """Dialling `address` (tcp://host:port)."""

    address: str


@dataclass(frozen=True, slots=True)
class Connected:
    """The node at `address` takes requests."""

    address: str


@dataclass(frozen=True, slots=True)
class Reconnecting:
    """There is no connection, for `reason`; attempt number `attempt` is made in `delay` seconds."""

    attempt: int
    delay: float
    reason: RxPumpError


@dataclass(frozen=True, slots=True)
class Closed:
    """It is over: asked for (`reason` None), or given up for `reason`."""

    reason: RxPumpError | None = None


Status = Idle | Connecting | Connected | Reconnecting | Closed
