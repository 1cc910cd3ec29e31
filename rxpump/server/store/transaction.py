"""Transactions over several requests (docs/protocol/tcp.md, section 4.11).

A transaction that is started is nothing but places taken in the log: one for it, which is its id, and one
for each event that it is told. Nothing is checked or stored before its commit, which is like an append.
Then its events lie in the log where the commit is; that each has a place from before is in its position.
A commit that is repeated is decided like any append, by the ids of its events; once those are no longer at
hand, by what is stored of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rxpump.server.store.append_rule import Append, Repeated, decide
from rxpump.server.store.changes import REPEATED_POSITION, Appended, AppendResult
from rxpump.server.store.checksum import row_checksum
from rxpump.server.store.undelete import Undelete
from rxpump.server.store.write_transaction import Prepared, WriteTransaction
from rxpump.server.strictness import Strictness


class ReservePositions(NamedTuple):
    """Places in the log, for a transaction (1) or for `number` events of one."""

    number: int = 1

    @property
    def weight(self) -> int:
        """How much work it is."""
        return 1

    def apply(self, log: WriteTransaction) -> Sequence[int]:
        """Take them."""
        return log.reserve_positions(self.number)

    def __str__(self) -> str:
        return f"the taking of {self.number} places in the log"


class CommitRequest(NamedTuple):
    """The events of transaction `id` for the end of `stream`, all or none."""

    id: int
    stream: str
    expected_version: int
    prepared: Sequence[Prepared]
    strictness: Strictness = Strictness.LENIENT

    @property
    def weight(self) -> int:
        """How much work it is: its events, and itself."""
        return 1 + len(self.prepared)

    def apply(self, log: WriteTransaction) -> AppendResult:
        """Decide on it, and write what is new of it."""
        stream = log.stream(self.stream)
        ids = [event.event_id for event, _ in self.prepared]
        decision = decide(self.expected_version, ids, stream, self.strictness)
        match decision:
            case Append(first):
                last = first + len(self.prepared) - 1
                undelete = Undelete.of_write(log, stream)
                position = log.commit(stream, self.prepared)
                if undelete is not None:
                    undelete.complete(log)
                checksum = row_checksum((self.id, first, last), self.stream)
                log.connection.execute(
                    "INSERT OR REPLACE INTO transactions VALUES (?, ?, ?, ?, ?)",
                    (self.id, self.stream, first, last, checksum),
                )
                return Appended(first, last, position)
            case Repeated(first, last):
                return Appended(first, last, REPEATED_POSITION)
            case _:
                return decision

    def __str__(self) -> str:
        return f"the commit of a transaction on {self.stream!r}"
