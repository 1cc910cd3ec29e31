"""Group commit: appends that arrive while a transaction is being committed share the next one.

One fsync so serves as many appends as there are. Each append is decided by itself, in the order of
arrival, and is answered only after COMMIT. If a transaction fails, each of its appends gets one of its
own, so that a broken one spoils nothing but itself; an append that fails alone becomes NotCommitted.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

from rxpump.server.store.appender import Appender, AppendRequest, AppendResult

_log = logging.getLogger("rxpump.server")


class NotCommitted(NamedTuple):
    """The store could not write (disk full, ...), for `reason`; nothing of the append is there."""

    reason: str


Outcome = AppendResult | NotCommitted


class GroupCommit:
    """Commits what it is given through `connection`, which is its own to write on.

    `count` is the number of transactions committed. Use it from one running loop.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._appender = Appender(connection)
        self.count = 0

    def commit(self, requests: Sequence[AppendRequest]) -> list[Outcome]:
        """Decide and write `requests`, durable on return."""
        try:
            return self._transaction(requests)
        except Exception as error:
            if len(requests) > 1:
                return [outcome for request in requests for outcome in self.commit([request])]
            _log.exception("an append to %r failed", requests[0].stream)
            return [NotCommitted(str(error))]

    def _transaction(self, requests: Sequence[AppendRequest]) -> list[Outcome]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            outcomes: list[Outcome] = [self._appender.append(request) for request in requests]
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise
        self.count += 1
        return outcomes
