"""Failures of the store itself, such as a full disk or a damaged file."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Mapping
from typing import Final

from rxpump.server.errors import DamagedRecord

_log = logging.getLogger("rxpump.server")

_QUIET: Final = 60 * 1_000_000_000  # nanoseconds until the same failure is logged again

STORE_FAILURES: Final = (sqlite3.Error, DamagedRecord)
"""Exceptions that a store raises when it cannot be read or written."""

_DESCRIPTIONS: Final[Mapping[int, str]] = {
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_READONLY: "the file of the store, or its disk, has become read-only",
    sqlite3.SQLITE_IOERR: "the disk of the store cannot be read or written",
    sqlite3.SQLITE_CORRUPT: "the file of the store is damaged; `rxpump check` lists the lost events",
    sqlite3.SQLITE_NOTADB: "the file of the store is damaged; `rxpump check` lists the lost events",
}


def primary_code(error: sqlite3.Error) -> int:
    """Return the primary result code of an SQLite error; 0 for an error that Python's module raised itself."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def describe(failure: BaseException) -> str:
    """Return a sentence for the user about a failure."""
    if isinstance(failure, sqlite3.Error):
        description = _DESCRIPTIONS.get(primary_code(failure))
        if description is not None:
            return f"{description} ({failure})"
    return str(failure)


class FailureLog:
    """Logs the start and the end of a period in which the store cannot be written, instead of each failed write.

    Args:
        clock: Returns the Unix time in nanoseconds.
    """

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._failing: str | None = None
        self._logged: dict[str, int] = {}

    def failed(self, reason: str) -> None:
        """Log that nothing can be written because of `reason`, unless the same was logged in the last minute."""
        now = self._clock()
        if reason in self._logged and now - self._logged[reason] < _QUIET:
            return
        self._logged = {logged: time for logged, time in self._logged.items() if now - time < _QUIET}
        self._logged[reason] = now
        self._failing = reason
        _log.error("the store cannot be written: %s", reason)

    def succeeded(self) -> None:
        """Log that the store can be written again, if a failure was logged before."""
        if self._failing is not None:
            self._failing = None
            _log.warning("the store can be written again")

    def __repr__(self) -> str:
        return f"<FailureLog, {self._failing or 'no failure'}>"
