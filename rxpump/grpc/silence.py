"""Limit the silence of a server that works on a call for a long time.

A server that searches its log for events that match a filter sends nothing until it finds one. It can search longer
than a request may take. So the limit applies to the silence of the whole connection, and each frame that arrives
shows that the server works. After half of the time the client sends a PING, which every server acknowledges at once.
"""

from __future__ import annotations

import asyncio
from typing import Protocol


class SilenceLimit:
    """Limit of the silence of a server.

    Args:
        seconds: Longest silence.
        now: Current time in seconds, on the same clock as the other times.

    Attributes:
        deadline: Time at which the server has been silent for too long.
        next_tick: Time of the next call of `tick`.
        is_over: Whether the server has been silent for too long.
    """

    def __init__(self, seconds: float, now: float) -> None:
        self.deadline: float = now + seconds
        self.next_tick: float = now + seconds / 2
        self.is_over: bool = False
        self._seconds = seconds
        self._received_at = now
        self._has_asked = False

    def note_received(self, at: float) -> None:
        """Begin the limit again at a time at which bytes were received."""
        if at > self._received_at:
            self._received_at = at
            self.deadline = at + self._seconds
            self.next_tick = at + self._seconds / 2
            self._has_asked = False

    def tick(self, now: float) -> bool:
        """Apply the time. Return whether a PING must be sent now.

        The server has half of the time for its answer, also if this method was called late.
        """
        if now < self.next_tick:
            return False
        if self._has_asked:
            self.is_over = True
            return False
        self._has_asked = True
        self.deadline = self.next_tick = max(self.deadline, now + self._seconds / 2)
        return True

    def __repr__(self) -> str:
        return f"<SilenceLimit of {self._seconds:g} s, until {self.deadline:g}>"


class PingableCall(Protocol):
    """The parts of a call that `SilenceWatch` uses: the time of the last bytes, and a ping."""

    @property
    def received_at(self) -> float:
        """Time at which the connection last received bytes."""

    def ping(self) -> None:
        """Send a PING, which the server acknowledges."""


class SilenceWatch:
    """Lets a time limit end only when a connection has received no bytes for some time.

    Args:
        limit: The time limit, which is running.
        ends_at: Time at which it ends if the server is silent from now on.
        seconds: Longest silence.
        call: Call during which the limit is moved.
    """

    def __init__(self, limit: asyncio.Timeout, ends_at: float, seconds: float, call: PingableCall) -> None:
        self._loop = asyncio.get_running_loop()
        self._limit = limit
        self._call = call
        self._silence = SilenceLimit(seconds, ends_at - seconds)
        self._timer = self._loop.call_at(self._silence.next_tick, self._tick)
        limit.reschedule(None)

    def stop(self) -> None:
        """Let the limit end at its current time, whatever is received."""
        self._timer.cancel()
        if not self._limit.expired():
            self._limit.reschedule(self._silence.deadline)

    def _tick(self) -> None:
        self._silence.note_received(self._call.received_at)
        if self._silence.tick(self._loop.time()):
            self._call.ping()
        if self._silence.is_over:
            self._limit.reschedule(self._silence.deadline)
            return
        self._timer = self._loop.call_at(self._silence.next_tick, self._tick)

    def __repr__(self) -> str:
        return f"<SilenceWatch of {self._call!r}, {self._silence!r}>"
