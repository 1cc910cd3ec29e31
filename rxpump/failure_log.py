"""Log lines about an action that is repeated until it succeeds, such as connecting.

The program sees nothing of such an action, or only if it observes the status of the client. The log says why a
connection or a stream does not work, and when it works again.
"""

from __future__ import annotations

import logging
from typing import Final

QUIET_SECONDS: Final = 10.0
"""Seconds of failures after which they are a warning. An election of a leader is mostly shorter."""


class FailureLog:
    """Logs consecutive failures of an action.

    The line of a failure has the level INFO. It has the level WARNING if the action has failed for QUIET_SECONDS, and
    again each time this duration has doubled, so that the log stays short. After a warning, the next success is a
    warning, too, so that a log without INFO contains the end of the failures.

    Args:
        log: Logger of the lines.
        name: What fails, as the subject of a sentence.
    """

    def __init__(self, log: logging.Logger, name: str) -> None:
        self._log = log
        self._name = name
        self._failing_since: float | None = None
        self._warns_after = QUIET_SECONDS

    def failed(self, error: Exception, delay: float, now: float) -> None:
        """Log a failure.

        Args:
            error: Reason of the failure.
            delay: Seconds until the action is repeated.
            now: Time in seconds, on any clock.
        """
        if self._failing_since is None:
            self._failing_since = now
        failing = now - self._failing_since
        if failing < self._warns_after:
            self._log.info("%s: %s; next attempt in %.3f s", self._name, error, delay)
        else:
            self._warns_after = 2 * failing
            self._log.warning(
                "%s has failed for %.0f s: %s; next attempt in %.3f s", self._name, failing, error, delay
            )

    def worked(self, now: float) -> None:
        """End the failures, because the action has succeeded.

        Args:
            now: Time in seconds, on the same clock.
        """
        if self._failing_since is None:
            return
        if self._warns_after > QUIET_SECONDS:
            self._log.warning("%s works again after %.0f s", self._name, now - self._failing_since)
        self.forget()

    def forget(self) -> None:
        """End the failures, and log nothing of it."""
        self._failing_since, self._warns_after = None, QUIET_SECONDS

    def __repr__(self) -> str:
        state = "works" if self._failing_since is None else "fails"
        return f"<FailureLog: {self._name} {state}>"
