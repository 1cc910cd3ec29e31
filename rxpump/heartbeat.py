"""Watch whether the other side of a connection is alive, for each protocol and at both ends.

    LISTENING ──interval over, no bytes──▶ ASKED ──timeout over, no bytes──▶ DEAD
        ▲  └──interval over, bytes arrived─┐   │
        └──────────────────────────────────┴───┴──timeout over, bytes arrived

Every byte that arrives shows that the other side is alive, not only the answer to a heartbeat. So does every waiting
byte that the other side accepts, because a heartbeat would wait behind it (docs/protocol/tcp.md, section 4.13).
`note_bytes` only sets fields, because it is called for every package. The clock is read only when a deadline passes.
"""

from __future__ import annotations

import math
from enum import Enum


class Pulse(Enum):
    """State of the other side."""

    LISTENING = "listening"
    ASKED = "asked"
    DEAD = "dead"


class Heartbeat:
    """Watchdog of one connection.

    Args:
        interval: Seconds of silence after which a heartbeat is requested from the other side.
        timeout: Seconds of further silence after which it is regarded as dead. Infinite: it never is, and heartbeats
            are requested in each interval.
        now: Current time in seconds, on the same clock as the times passed to `tick`.

    Attributes:
        interval: Seconds of silence after which a heartbeat is requested from the other side.
        timeout: Seconds of further silence after which it is regarded as dead.
        pulse: State of the other side.
        deadline: Time of the next call of `tick`, or infinity.
    """

    __slots__ = ("_has_received", "_received_at", "deadline", "interval", "pulse", "timeout")

    def __init__(self, interval: float, timeout: float, now: float) -> None:
        self.interval: float = interval
        self.timeout: float = timeout
        self.pulse: Pulse = Pulse.LISTENING
        self.deadline: float = now + interval
        self._has_received = False
        self._received_at: float | None = None

    def note_bytes(self, at: float | None = None) -> None:
        """Start the interval again, because bytes arrived from the other side, or it accepted waiting bytes.

        Args:
            at: Current time. None: the interval starts at the next call of `tick`, so it can be twice as long.
        """
        self._has_received = True
        self._received_at = at

    def tick(self, now: float) -> Pulse | None:
        """Apply the time.

        Returns:
            ASKED if a heartbeat must be sent now, DEAD if the connection must be closed now, or None.
        """
        if now < self.deadline or self.pulse is Pulse.DEAD:
            return None
        if self._has_received:
            self._has_received = False
            self.pulse = Pulse.LISTENING
            self.deadline = (now if self._received_at is None else self._received_at) + self.interval
            if now < self.deadline:
                return None
        if self.timeout == math.inf:  # The other side is never regarded as dead.
            self.deadline = now + self.interval
            return Pulse.ASKED
        if self.pulse is Pulse.LISTENING:
            self.pulse = Pulse.ASKED
            self.deadline = now + self.timeout
        else:
            self.pulse = Pulse.DEAD
            self.deadline = float("inf")
        return self.pulse

    def __repr__(self) -> str:
        return f"<Heartbeat {self.pulse.value}, every {self.interval:g} s, {self.timeout:g} s to answer>"
