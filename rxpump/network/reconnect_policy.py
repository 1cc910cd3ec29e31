"""Decide how long to wait before the next attempt to connect.

    connection lasted                no delay, and hints are followed again
    a request was settled            no delay
    the first hint since then        no delay: a follower has named the leader
    otherwise                        the delays of the policy, each longer than the one before

A connection has lasted if it was open for a heartbeat interval. This rule prevents fast loops with a node that closes
each connection at once, and with nodes that name each other as the leader during an election.
"""

from __future__ import annotations

from rxpump.backoff import Backoff, Failures


class ReconnectPolicy:
    """Delays between attempts to connect. Times are in seconds."""

    def __init__(self, policy: Backoff, holds_after: float) -> None:
        self._failures = Failures(policy)
        self._holds_after = holds_after
        self._may_follow = True

    @property
    def attempts(self) -> int:
        """Attempts that failed in a row."""
        return self._failures.count

    def lasted(self, seconds: float) -> None:
        """Reset the delays if a connection was open long enough to count as stable."""
        if seconds >= self._holds_after:
            self._failures.reset()
            self._may_follow = True

    def settled(self) -> None:
        """Reset the delays, because a request was completed. So the connection was useful, even if it was short."""
        self._failures.reset()

    def wait(self, *, is_hint: bool) -> float | None:
        """Return the delay before the next attempt, or None if the policy allows none.

        Args:
            is_hint: Whether the next attempt goes to a leader that a node has named. The first such attempt has no
                delay.
        """
        if is_hint and self._may_follow:
            self._may_follow = False
            return 0.0
        return self._failures.next_delay()

    def __repr__(self) -> str:
        return f"<ReconnectPolicy after {self.attempts} attempts>"
