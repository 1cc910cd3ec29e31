"""Is the other side alive? One watchdog, the same at both ends (docs/protocol/tcp.md, section 4.13).

    LISTENING ──interval over, nothing heard──▶ ASKED ──timeout over, nothing heard──▶ DEAD
        ▲  └──interval over, something heard──┐   │
        └─────────────────────────────────────┴───┴──timeout over, something heard

Anything that arrives is a sign of life, not only the answer to a heartbeat. So is anything that the other side takes
after it had to wait, because a heartbeat waits behind it. To hear is to set a flag, so it costs nothing per package;
the clock is looked at only when a deadline passes.
"""

from __future__ import annotations

from enum import Enum


class Pulse(Enum):
    """What is known of the other side."""

    LISTENING = "listening"
    ASKED = "asked"
    DEAD = "dead"


class Heartbeat:
    """Watches one connection. Times are seconds on any one clock."""

    __slots__ = ("_heard", "deadline", "interval", "pulse", "timeout")

    def __init__(self, interval: float, timeout: float, now: float) -> None:
        self.interval: float = interval
        self.timeout: float = timeout
        self.pulse: Pulse = Pulse.LISTENING
        self.deadline: float = now + interval
        self._heard = False

    def heard(self) -> None:
        """Note that something arrived, or that the other side took something that was waiting for it."""
        self._heard = True

    def tick(self, now: float) -> Pulse | None:
        """Let time pass. ASKED: send a heartbeat request now. DEAD: close. None: nothing to do."""
        if now < self.deadline or self.pulse is Pulse.DEAD:
            return None
        if self._heard:
            self._heard = False
            self.pulse = Pulse.LISTENING
            self.deadline = now + self.interval
            return None
        if self.pulse is Pulse.LISTENING:
            self.pulse = Pulse.ASKED
            self.deadline = now + self.timeout
        else:
            self.pulse = Pulse.DEAD
            self.deadline = float("inf")
        return self.pulse

    def __repr__(self) -> str:
        return f"<Heartbeat {self.pulse.value}, every {self.interval:g} s, {self.timeout:g} s to answer>"
