"""Pauses between the attempts of a stream that goes on by itself: a subscription, a consumer or a relay.

Such a stream makes another attempt for as long as one can succeed. The log says why it delivers nothing
(`rxpump/failure_log.py`), because its subscribers see nothing of it.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from rxpump.backoff import Backoff, Failures
from rxpump.failure_log import FailureLog

LASTING_SECONDS: Final = 60.0
"""Seconds after which an attempt that was ready has worked, even if there was nothing to deliver."""


class Retries:
    """Waits between attempts, and logs why each failed.

    Args:
        backoff: Pauses between attempts.
        log: Logger of the lines.
        name: The stream, as the subject of a sentence.
    """

    def __init__(self, backoff: Backoff, log: logging.Logger, name: str) -> None:
        self._failures = Failures(backoff)
        self._log = FailureLog(log, name)
        self._loop = asyncio.get_running_loop()
        self._ready_at: float | None = None

    def note_ready(self) -> None:
        """Record that the attempt could deliver something from now on."""
        self._ready_at = self._loop.time()

    def note_progress(self) -> None:
        """Record that the attempt has delivered something."""
        self._log.worked(self._loop.time())

    def reset(self) -> None:
        """Record that the attempt has succeeded, so that the next pause is the shortest again."""
        self.note_progress()
        self._failures.reset()

    async def wait_after(self, error: Exception) -> None:
        """Wait until the next attempt may begin.

        Args:
            error: Failure of the last attempt.
        """
        now = self._loop.time()
        if self._ready_at is not None and now - self._ready_at > LASTING_SECONDS:
            self._log.forget()
        self._ready_at = None
        delay = self._failures.next_endless_delay()
        self._log.failed(error, delay, now)
        await asyncio.sleep(delay)

    def __repr__(self) -> str:
        return f"<Retries after {self._failures.count} failures, {self._log!r}>"
