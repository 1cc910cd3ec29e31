"""Deadline of a call."""

from __future__ import annotations

from typing import NamedTuple


class Deadline(NamedTuple):
    """Deadline of a call.

    Attributes:
        timeout: Seconds from the call to its deadline; infinite for no deadline.
        since: Time of the call on the clock of the event loop.
    """

    timeout: float
    since: float

    @property
    def time(self) -> float:
        """Time at which the call fails, on the clock of the event loop."""
        return self.since + self.timeout
