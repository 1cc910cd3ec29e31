"""Limit the silence of a server that works on a call for a long time.

A large message can take longer than a request may take, if the connection is slow. So the limit applies to the
silence of the call: each part of a message that arrives or is sent shows that the connection works.

A server that searches its log for events that match a filter sends nothing until it finds one, which can also take
long. Then the limit applies to the silence of the whole connection, and each frame that arrives shows that the server
works. After half of the time the client sends a PING, which every server acknowledges at once.
"""

from __future__ import annotations

import asyncio
from typing import Protocol


class SilenceLimit:
    """Limit of the silence of a server.

    Args:
        seconds: Longest silence.
        now: Current time in seconds, on the same clock as the other times.
        ends_at: Time at which the limit ends if the server is silent from now on. It can have begun earlier.

    Attributes:
        deadline: Time at which the server has been silent for too long.
        next_tick: Time of the next call of `tick`.
        is_over: Whether the server has been silent for too long.
    """

    def __init__(self, seconds: float, now: float, ends_at: float) -> None:
        self.deadline: float = ends_at
        self.next_tick: float = (now + ends_at) / 2
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

        The server has half of the time that was left for its answer, also if this method was called late.
        """
        if now < self.next_tick:
            return False
        if self._has_asked:
            self.is_over = True
            return False
        self._has_asked = True
        self.deadline = self.next_tick = max(self.deadline, now + self.deadline - self.next_tick)
        return True

    def __repr__(self) -> str:
        return f"<SilenceLimit of {self._seconds:g} s, until {self.deadline:g}>"


class PingableCall(Protocol):
    """The parts of a call that `SilenceWatch` uses: the bytes that arrive and leave, and a ping."""

    @property
    def data_at(self) -> float:
        """Time at which bytes of messages of the call last arrived."""

    @property
    def pending_bytes(self) -> int:
        """Bytes of requests that are not sent yet."""

    @property
    def received_at(self) -> float:
        """Time at which the connection last received bytes."""

    def ping(self) -> None:
        """Send a PING, which the server acknowledges."""


class SilenceWatch:
    """Lets a time limit end only when a call, or in a search its connection, has been silent for some time.

    Args:
        limit: The time limit, which is running.
        ends_at: Time at which it ends if the server is silent from now on.
        seconds: Longest silence.
        call: Call during which the limit is moved.
        is_search: Whether the server searches for events, so that any bytes of the connection count.
    """

    def __init__(
        self, limit: asyncio.Timeout, ends_at: float, seconds: float, call: PingableCall, *, is_search: bool
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._limit = limit
        self._call = call
        self._is_search = is_search
        self._pending_bytes = call.pending_bytes
        self._silence = SilenceLimit(seconds, self._loop.time(), ends_at)
        self._timer = self._loop.call_at(self._silence.next_tick, self._tick)
        limit.reschedule(None)

    def stop(self) -> None:
        """Stop moving the limit. It ends at its current time, even if more bytes arrive."""
        self._timer.cancel()
        if not self._limit.expired():
            self._limit.reschedule(self._silence.deadline)

    def note_received(self) -> None:
        """Begin the limit again at the time of the last bytes. It is now if bytes were sent since the last look."""
        if self._call.pending_bytes < self._pending_bytes:
            self._silence.note_received(self._loop.time())
        self._pending_bytes = self._call.pending_bytes
        self._silence.note_received(self._call.received_at if self._is_search else self._call.data_at)

    def _tick(self) -> None:
        self.note_received()
        if self._silence.tick(self._loop.time()) and self._is_search:
            self._call.ping()
        if self._silence.is_over:
            self._limit.reschedule(self._silence.deadline)
            return
        self._timer = self._loop.call_at(self._silence.next_tick, self._tick)

    def __repr__(self) -> str:
        return f"<SilenceWatch of {self._call!r}, {self._silence!r}>"
