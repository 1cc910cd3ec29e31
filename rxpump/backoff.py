"""Delays between attempts."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from rxpump.errors import InvalidArgument
from rxpump.model import checks


@dataclass(frozen=True, slots=True)
class Backoff:
    """Delays that double from one attempt to the next, each shortened at random.

    The random part lets clients that lost the same server connect again at different times.

    Attributes:
        min_delay: Seconds before the first attempt.
        max_delay: Longest delay in seconds.
        jitter: Largest part of a delay by which it is shortened at random, from 0 (none) to 1 (all of it).
        attempts: Number of attempts. None: no limit.

    Raises:
        InvalidArgument: A value is out of its range.
    """

    min_delay: float = 0.1
    max_delay: float = 10.0
    jitter: float = 0.5
    attempts: int | None = None

    def __post_init__(self) -> None:
        checks.seconds("min_delay", self.min_delay)
        if checks.seconds("max_delay", self.max_delay) < self.min_delay:
            raise InvalidArgument("max_delay", self.max_delay, f"seconds, min_delay ({self.min_delay:g}) or more")
        checks.share("jitter", self.jitter)
        if self.attempts is not None:
            checks.count("attempts", self.attempts, least=0)

    def delay(self, attempt: int, chance: Callable[[], float] = random.random) -> float | None:
        """Return the seconds to wait before an attempt.

        Args:
            attempt: Number of the attempt, from 1.
            chance: Source of random numbers from 0 to 1.

        Returns:
            The delay, or None if the attempt is not allowed any more.
        """
        if self.attempts is not None and attempt > self.attempts:
            return None
        doubled = self.min_delay * 2.0 ** min(attempt - 1, 60)
        return float(min(doubled, self.max_delay) * (1 - self.jitter * chance()))


class Failures:
    """Consecutive failures of an action that is retried.

    Attributes:
        count: Number of failures since the last success.
    """

    __slots__ = ("_backoff", "count")

    def __init__(self, backoff: Backoff) -> None:
        self._backoff = backoff
        self.count: int = 0

    def reset(self) -> None:
        """Reset the count of failures after a success, so that the next delay is the shortest again."""
        self.count = 0

    def next_delay(self) -> float | None:
        """Count a failure, and return the seconds to wait before the next attempt.

        Returns:
            The delay, or None if all attempts are used up.
        """
        self.count += 1
        return self._backoff.delay(self.count)

    def next_endless_delay(self) -> float:
        """Count a failure, and return the seconds to wait; after the last attempt, always the longest delay."""
        return self.next_delay() or self._backoff.max_delay
