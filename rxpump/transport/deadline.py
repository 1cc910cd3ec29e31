"""Deadline of a call."""

from __future__ import annotations


class Deadline:
    """Deadline of a call.

    Args:
        timeout: Seconds from the call to its deadline; infinite for no deadline.
        since: Time of the call on the clock of the event loop.

    Attributes:
        timeout: Seconds from the call to its deadline; infinite for no deadline.
        time: Time at which the call fails, on the clock of the event loop.
    """

    __slots__ = ("time", "timeout")

    def __init__(self, timeout: float, since: float) -> None:
        self.timeout: float = timeout
        self.time: float = since + timeout

    def __repr__(self) -> str:
        return f"<Deadline after {self.timeout:g} s, at {self.time:.3f}>"
