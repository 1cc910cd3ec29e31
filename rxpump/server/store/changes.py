"""Changes of the log and their results."""

from __future__ import annotations

from enum import Enum
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


class TimedOut(Enum):
    """Part of a replicated write that took too long."""

    PREPARE = "Prepare phase timeout."
    """The commit of a transaction waited for the nodes of the cluster."""

    COMMIT = "Commit phase timeout."
    """A write waited for the nodes of the cluster."""

    FORWARD = "Forward timeout."
    """A write waited for the leader, to which a follower had forwarded it."""


class NotCommitted(NamedTuple):
    """Result of a change that the store could not write, for example because the disk is full.

    Attributes:
        reason: Reason why the change was not written.
        timed_out: For a change that too few nodes of a cluster confirmed in time, the part that took too long. Such
            a change may still be committed later.
    """

    reason: str
    timed_out: TimedOut | None = None


AppendResult = Appended | WrongVersion | StreamDeleted | Unanswered
