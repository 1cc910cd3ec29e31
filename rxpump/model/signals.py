"""What a catch-up subscription says of itself, between its events, to those who ask with `ops.with_signals()`."""

from __future__ import annotations

from dataclasses import dataclass

from rxpump.errors import RxPumpError
from rxpump.model.positions import Position


@dataclass(frozen=True, slots=True)
class CaughtUp:
    """Every event that was there has been delivered; what follows arrives as it is written."""


@dataclass(frozen=True, slots=True)
class FellBehind:
    """The subscription is no longer live, for `reason`; it reads on from the last event that it delivered."""

    reason: RxPumpError


@dataclass(frozen=True, slots=True)
class Reconnected:
    """The connection was lost and is back; no event was lost with it."""


@dataclass(frozen=True, slots=True)
class Examined:
    """With `where`: everything up to `position` was looked at, and nothing since the last event matches.

    Who keeps this position (for `from_position`) does not have all that looked at again.
    """

    position: Position


Signal = CaughtUp | FellBehind | Reconnected | Examined
