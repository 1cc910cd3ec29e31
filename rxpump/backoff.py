"""How long to wait before trying again."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from rxpump.errors import InvalidArgument
from rxpump.model import checks


@dataclass(frozen=True, slots=True)
class Backoff:
    """Delays that double from `min_delay` up to `max_delay` (seconds), each shortened by chance.

    `jitter` is the share of a delay that chance may take off (0: none, 1: all of it), so that many
    clients that lost one server do not come back in step. `attempts` is how often to try again; None: for ever.
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
        """Seconds to wait before `attempt` (from 1), or None when it is one too many."""
        if self.attempts is not None and attempt > self.attempts:
            return None
        doubled = self.min_delay * 2.0 ** min(attempt - 1, 60)
        return float(min(doubled, self.max_delay) * (1 - self.jitter * chance()))
