"""An append: events for the end of a stream, all or none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from rxpump.server.store.append_rule import Append, Repeated, decide
from rxpump.server.store.changes import REPEATED_POSITION, Appended, AppendResult
from rxpump.server.store.undelete import Undelete
from rxpump.server.store.write_transaction import WriteTransaction
from rxpump.server.strictness import Strictness


class AppendRequest(NamedTuple):
    """`events` (NewEvent messages) for the end of `stream`, all or none."""

    stream: str
    expected_version: int
    events: Sequence[Any]
    strictness: Strictness = Strictness.LENIENT

    @property
    def weight(self) -> int:
        """How much work it is: its events, and itself."""
        return 1 + len(self.events)

    def apply(self, log: WriteTransaction) -> AppendResult:
        """Decide on it, and write what is new of it."""
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
