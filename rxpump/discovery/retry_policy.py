"""Pauses between rounds of requests for gossip, which are repeated until a node can be chosen."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Final

from rxpump.backoff import Backoff
from rxpump.errors import InvalidArgument
from rxpump.model import checks

KEEP_RETRYING: Final = -1
"""Value of `retries_per_node` for no limit."""


class DiscoveryRetryPolicy:
    """Pauses between rounds of requests for gossip to all nodes, with the arguments of photon-pump.

    The pause after the n-th round without a usable node is n times `retry_interval` times `multiplier`, at most
    `max_interval`. A random number of seconds, up to `jitter`, is added or subtracted.

    Args:
        retries_per_node: Rounds without a usable node before the client gives up; KEEP_RETRYING (-1): no limit.
        retry_interval: Seconds that the pause grows by in each round, if `multiplier` is 1.
        jitter: Largest random change of a pause in seconds.
        multiplier: Factor of `retry_interval`.
        max_interval: Longest pause in seconds.
        max_retry_interval: Another name of `max_interval`.

    Raises:
        InvalidArgument: A value is out of its range.
    """

    def __init__(
        self,
        retries_per_node: int = 3,
        retry_interval: float = 0.5,
        jitter: float = 0.5,
        multiplier: float = 1.5,
        max_interval: float = 60.0,
        *,
        max_retry_interval: float | None = None,
    ) -> None:
        if retries_per_node != KEEP_RETRYING or isinstance(retries_per_node, bool):
            checks.count("retries_per_node", retries_per_node, least=0)
        self.retries_per_node: int = retries_per_node
        self.retry_interval: float = checks.seconds("retry_interval", retry_interval)
        self.jitter: float = checks.seconds("jitter", jitter, least=0)
        self.multiplier: float = _factor(multiplier)
        longest = max_interval if max_retry_interval is None else max_retry_interval
        self.max_interval: float = checks.seconds("max_retry_interval", longest)

    @property
    def max_retry_interval(self) -> float:
        """Longest pause in seconds."""
        return self.max_interval

    def delay(self, round: int, chance: Callable[[], float] = random.random) -> float | None:
        """Return the seconds to wait after the n-th round in a row without a usable node.

        Args:
            round: Number of the round, from 1.
            chance: Function that returns a random number from 0 to 1.

        Returns:
            The pause, or None if the client gives up.
        """
        if self.retries_per_node != KEEP_RETRYING and round >= self.retries_per_node:
            return None
        pause = self.retry_interval * self.multiplier * round + self.jitter * (2 * chance() - 1)
        return min(max(pause, 0.0), self.max_interval)

    def as_backoff(self) -> Backoff:
        """Return the same pauses as a policy for connecting to a single node."""
        shortest = self.retry_interval * self.multiplier
        return Backoff(
            min_delay=min(shortest, self.max_interval),
            max_delay=self.max_interval,
            jitter=min(1.0, self.jitter / shortest),
            attempts=None if self.retries_per_node == KEEP_RETRYING else self.retries_per_node,
        )

    def __repr__(self) -> str:
        return (
            f"DiscoveryRetryPolicy(retries_per_node={self.retries_per_node}, retry_interval={self.retry_interval:g}, "
            f"jitter={self.jitter:g}, multiplier={self.multiplier:g}, max_interval={self.max_interval:g})"
        )


def _factor(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < 1e9:
        raise InvalidArgument("multiplier", value, "a number over 0")
    return value
