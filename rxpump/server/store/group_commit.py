"""Group commit: changes that arrive while a transaction is being committed share the next one.

One fsync so serves as many changes as there are. Each is decided by itself, in the order of arrival,
and is answered only after COMMIT. If a transaction fails, each of its changes gets one of its own, so
that a broken one spoils nothing but itself; a change that fails alone becomes NotCommitted.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from rxpump.server.store.changes import AppendResult, Change, NotCommitted
from rxpump.server.store.failures import STORE_FAILURES, FailureLog, describe
from rxpump.server.store.record import Written
from rxpump.server.store.write_transaction import WriteTransaction

_log = logging.getLogger("rxpump.server")

Outcome = AppendResult | NotCommitted
"""What becomes of an append."""


class Commit(NamedTuple):
    """What became of each change, and all that was written, in the order of the log."""

    outcomes: list[Any]
    written: list[Written]


class GroupCommit:
    """Commits what it is given through `connection`, which is its own to write on.

    `clock` tells the Unix time in nanoseconds. `count` is the number of transactions committed, and
    `access_changes` that of those after which somebody may do what they might not, or the reverse: it is
    counted after the commit, and before anybody is told of that.
    """

    def __init__(self, connection: sqlite3.Connection, clock: Callable[[], int] = time.time_ns) -> None:
        self._connection = connection
        self._clock = clock
        self._failures = FailureLog(clock)
        self.count: int = 0
        self.access_changes: int = 0

    def commit(self, changes: Sequence[Change[Any]]) -> Commit:
        """Decide and write `changes`, durable on return."""
        try:
            return self._transaction(changes)
        except Exception as error:
            if len(changes) > 1:
                return self._one_by_one(changes)
            reason = describe(error)
            if isinstance(error, STORE_FAILURES):
                self._failures.failed(reason)
            else:
                _log.exception("%s failed", changes[0])
            return Commit([NotCommitted(reason)], [])

    def _one_by_one(self, changes: Sequence[Change[Any]]) -> Commit:
        commits = [self.commit([change]) for change in changes]
        return Commit(
            [commit.outcomes[0] for commit in commits], [each for commit in commits for each in commit.written]
        )

    def _transaction(self, changes: Sequence[Change[Any]]) -> Commit:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            log = WriteTransaction(self._connection, self._clock)
            outcomes = [change.apply(log) for change in changes]
            log.close()
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise
        self._failures.succeeded()
        self.count += 1
        self.access_changes += log.changes_access
        return Commit(outcomes, log.written)
