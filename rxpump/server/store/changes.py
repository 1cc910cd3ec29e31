"""Changes of the log and their results."""

from __future__ import annotations

from typing import NamedTuple, Protocol, TypeVar

from rxpump.server.store.append_rule import StreamDeleted, Unanswered, WrongVersion
from rxpump.server.store.write_transaction import WriteTransaction

REPEATED_POSITION = -1
"""Position in the result of an append that was a repetition."""

T_co = TypeVar("T_co", covariant=True)


class Change(Protocol[T_co]):
    """A change that can be applied in a transaction; `str()` describes it for the log of errors."""

    @property
    def weight(self) -> int:
        """Approximate cost of the change, in written events."""

    def apply(self, log: WriteTransaction) -> T_co:
        """Apply the change and return its result. After an exception the transaction must be rolled back."""


class Appended(NamedTuple):
    """Result of an append: the events have the numbers `first` to `last`.

    `position` is `REPEATED_POSITION` if the events were already there, and nothing was written.
    """

    first: int
    last: int
    position: int


class NotCommitted(NamedTuple):
    """Result of a change that the store could not write, for example because the disk is full."""

    reason: str


AppendResult = Appended | WrongVersion | StreamDeleted | Unanswered
