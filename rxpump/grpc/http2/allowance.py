"""Limit the rate of frames that are cheap to send and costly to handle."""

from __future__ import annotations


class Allowance:
    """A token bucket.

    Args:
        size: Number of uses that can be made at once.
        rate: Number of uses a second that can be made in the long run.
        now: Current time in seconds on any one clock.
    """

    __slots__ = ("_left", "_rate", "_since", "_size")

    def __init__(self, size: float, rate: float, now: float) -> None:
        self._size = self._left = float(size)
        self._rate = rate
        self._since = now

    def use(self, now: float) -> bool:
        """Make one use if one is left.

        Returns:
            Whether a use was left.
        """
        self._left = min(self._size, self._left + (now - self._since) * self._rate)
        self._since = now
        if self._left < 1:
            return False
        self._left -= 1
        return True

    def __repr__(self) -> str:
        return f"<Allowance {self._left:g} of {self._size:g} left>"
