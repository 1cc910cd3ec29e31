"""When to try again: what a keeper remembers of the attempts before.

    a connection held          begin anew
    a request was settled      begin anew with the waits, but not with the hints
    the first hint since       follow it at once: a follower has said where the leader is
    anything else              wait, longer each time, as the policy says

A connection holds once it has outlived a heartbeat interval. A node that takes us in and drops us at once
is as good as none, and nodes that send us round in circles are electing.
"""

from __future__ import annotations

from rxpump.backoff import Backoff, Failures


class ReconnectPolicy:
    """Counts the attempts that came to nothing; times in seconds."""

    def __init__(self, policy: Backoff, holds_after: float) -> None:
        self._failures = Failures(policy)
        self._holds_after = holds_after
        self._may_follow = True

    @property
    def attempts(self) -> int:
        """Number of attempts that failed in a row."""
        return self._failures.count

    def lasted(self, seconds: float) -> None:
        """Note how long a connection was there."""
        if seconds >= self._holds_after:
            self._failures.reset()
            self._may_follow = True

    def settled(self) -> None:
        """Note that a request was settled: coming back was of use, however short the connection was."""
        self._failures.reset()

    def wait(self, *, is_hint: bool) -> float | None:
        """How long to wait before the next attempt; None: the policy gives up."""
        if is_hint and self._may_follow:
            self._may_follow = False
            return 0.0
        return self._failures.next_delay()

    def __repr__(self) -> str:
        return f"<ReconnectPolicy after {self.attempts} attempts>"
