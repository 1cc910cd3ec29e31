"""Transactions of several requests (docs/protocol/tcp.md, section 4.11).

The start of a transaction and each of its events only reserve positions in the log; the first position is the id of
the transaction. Nothing is checked or stored before the commit, which works like an append. The events are stored
where the commit is, and keep the reserved positions as their prepare positions. A repeated commit is detected by the
ids of its events. If the events are no longer in memory, it is answered from the table `transactions`.
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
    """A change that reserves positions in the log: one for a transaction, or one for each of its new events."""

    number: int = 1

    @property
    def weight(self) -> int:
        """Cost of the change."""
        return 1

    def apply(self, log: WriteTransaction) -> Sequence[int]:
        """Reserve the positions."""
        return log.reserve_positions(self.number)

    def __str__(self) -> str:
        return f"the reservation of {self.number} positions in the log"


class CommitRequest(NamedTuple):
    """A change that commits transaction `id`: it appends the events to the stream, all of them or none."""

    id: int
    stream: str
    expected_version: int
    prepared: Sequence[Prepared]
    strictness: Strictness = Strictness.LENIENT

    @property
    def weight(self) -> int:
        """Cost of the change: one, and one for each event."""
        return 1 + len(self.prepared)

    def apply(self, log: WriteTransaction) -> AppendResult:
        """Check the expected version, and write the events unless they are already in the stream."""
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
                log.flushed_connection().execute(
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
