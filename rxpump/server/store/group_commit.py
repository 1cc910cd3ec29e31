"""Group commit: changes that arrive during a commit share the next transaction.

One fsync serves all changes of a transaction. Changes are applied in the order of their arrival, and each has its own
result, which is returned after the commit. If a transaction fails, each of its changes is tried in a transaction of
its own, so that a failing change does not affect the others. A change that fails alone has the result NotCommitted.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from rxpump.server.store.append_rule import BY_RECENT_IDS
from rxpump.server.store.appender import AppendRequest
from rxpump.server.store.changes import AppendResult, Change, NotCommitted
from rxpump.server.store.failures import STORE_FAILURES, FailureLog, describe
from rxpump.server.store.log_state import LogState
from rxpump.server.store.record import Written
from rxpump.server.store.write_transaction import WriteTransaction

_log = logging.getLogger("rxpump.server")

Outcome = AppendResult | NotCommitted
"""Result of an append."""


class Commit(NamedTuple):
    """The results of the changes of one transaction, and the events that it wrote, in the order of the log."""

    outcomes: list[Any]
    written: list[Written]


class GroupCommit:
    """Applies and commits changes.

    Args:
        connection: Connection to the database, on which nothing else writes.
        clock: Returns the Unix time in nanoseconds.

    Attributes:
        count: Number of committed transactions.
        access_changes: Number of committed transactions that changed permissions of users. It is counted before the
            result is passed to any caller.
    """

    def __init__(self, connection: sqlite3.Connection, clock: Callable[[], int] = time.time_ns) -> None:
        self._connection = connection
        self._clock = clock
        self._failures = FailureLog(clock)
        self._state: LogState | None = None  # after the last transaction; None if that failed, or before the first
        self.count: int = 0
        self.access_changes: int = 0

    def commit(self, changes: Sequence[Change[Any]]) -> Commit:
        """Apply and commit changes.

        Returns:
            The results, and the events, which are durable.
        """
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
        before, self._state = self._state, None
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            log = WriteTransaction(self._connection, self._clock, before)
            if len(changes) > 1:
                _look_up_ids(log, changes)
            outcomes = [change.apply(log) for change in changes]
            log.close()
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise
        self._state = log.state
        self._failures.succeeded()
        self.count += 1
        self.access_changes += log.changes_access
        return Commit(outcomes, log.written)


def _look_up_ids(log: WriteTransaction, changes: Sequence[Change[Any]]) -> None:
    """Look up the ids by which repeated appends are recognized, for all changes together."""
    ids = [
        change.events[0].event_id
        for change in changes
        if isinstance(change, AppendRequest) and change.expected_version in BY_RECENT_IDS and change.events
    ]
    if ids:
        log.inserts.look_up(ids)
