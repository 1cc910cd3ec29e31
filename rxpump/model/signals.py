"""Signals, which a subscription with `ops.with_signals()` emits between its events."""

from __future__ import annotations

from dataclasses import dataclass

from rxpump.errors import RxPumpError
from rxpump.model.positions import Position


@dataclass(frozen=True, slots=True)
class CaughtUp:
    """The subscription has delivered every event that exists, and delivers new ones as they are written."""


@dataclass(frozen=True, slots=True)
class FellBehind:
    """The subscription is no longer live, and continues with reads after the last event that it delivered.

    Attributes:
        reason: Why it is no longer live, for example that the connection was lost.
    """

    reason: RxPumpError


@dataclass(frozen=True, slots=True)
class Reconnected:
    """The connection was lost and is restored. No event was lost."""


@dataclass(frozen=True, slots=True)
class Examined:
    """A filtered subscription has examined the log up to a position, and no event since the last one matches.

    A program that resumes from this position (`from_position`) does not examine that part of the log again.

    Attributes:
        position: Position up to which the log was examined.
    """

    position: Position


Signal = CaughtUp | FellBehind | Reconnected | Examined
