"""What changes the log: a change knows how to make itself in a transaction that somebody else ends."""

from __future__ import annotations

from typing import NamedTuple, Protocol, TypeVar

from rxpump.server.store.append_rule import StreamDeleted, Unanswered, WrongVersion
from rxpump.server.store.write_transaction import WriteTransaction

REPEATED_POSITION = -1

T_co = TypeVar("T_co", covariant=True)


class Change(Protocol[T_co]):
    """Something to be written; str() tells what, for a log of errors."""

    @property
    def weight(self) -> int:
        """How much work it is, about: as much as writing so many events."""

    def apply(self, log: WriteTransaction) -> T_co:
        """Decide on it and write it. After an exception the transaction must be rolled back."""


class Appended(NamedTuple):
    """The events are in the stream as `first` to `last`; -1 as `position`: they were there before."""

    first: int
    last: int
    position: int


class NotCommitted(NamedTuple):
    """The store could not write (disk full, ...), for `reason`; nothing of the change is there."""

    reason: str


AppendResult = Appended | WrongVersion | StreamDeleted | Unanswered
