"""The change that appends events to a stream."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rxpump.server.store.append_rule import Append, Repeated, decide
from rxpump.server.store.changes import REPEATED_POSITION, Appended, AppendResult
from rxpump.server.store.new_event import Writable
from rxpump.server.store.undelete import Undelete
from rxpump.server.store.write_transaction import WriteTransaction
from rxpump.server.strictness import Strictness


class AppendRequest(NamedTuple):
    """A change that appends events to a stream, all of them or none."""

    stream: str
    expected_version: int
    events: Sequence[Writable]
    strictness: Strictness = Strictness.LENIENT

    @property
    def weight(self) -> int:
        """Cost of the change: one, and one for each event."""
        return 1 + len(self.events)

    def apply(self, log: WriteTransaction) -> AppendResult:
        """Check the expected version, and write the events unless they are already in the stream."""
        stream = log.stream(self.stream)
        decision = decide(self.expected_version, [event.event_id for event in self.events], stream, self.strictness)
        match decision:
            case Append(first):
                undelete = Undelete.of_write(log, stream)
                position = log.write(stream, self.events)
                if undelete is not None:
                    undelete.complete(log)
                return Appended(first, first + len(self.events) - 1, position)
            case Repeated(first, last):
                return Appended(first, last, REPEATED_POSITION)
            case _:
                return decision

    def __str__(self) -> str:
        return f"an append to {self.stream!r}"
