"""A server that says no about a stream."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rxpump.errors.server import ServerError
from rxpump.model.positions import Position


@dataclass(eq=False)
class StreamNotFound(ServerError):
    """`stream` has no events: never written, or soft-deleted."""

    stream: str

    def __str__(self) -> str:
        return f"stream {self.stream!r} does not exist"


@dataclass(eq=False)
class StreamDeleted(ServerError):
    """`stream` was deleted; for writes and reads of a tombstoned stream this is for good."""

    stream: str

    def __str__(self) -> str:
        return f"stream {self.stream!r} is deleted"


@dataclass(eq=False)
class EventNotFound(ServerError):
    """`stream` has no readable event `number`: past its end, truncated or expired."""

    stream: str
    number: int

    def __str__(self) -> str:
        return f"stream {self.stream!r} has no event {self.number}"


@dataclass(eq=False)
class ReadFailed(ServerError):
    """The server could not serve a read of `stream`; `reason` is its text."""

    stream: str
    reason: str

    def __str__(self) -> str:
        return f"reading {self.stream!r} failed: {self.reason}"


@dataclass(eq=False)
class WrongExpectedVersion(ServerError):
    """`stream` was expected at version `expected` and is at `current` (-1: no events; None: not told).

    `expected` is None for a transaction that was begun elsewhere, and continued without saying what it expects.
    """

    stream: str
    expected: int | None
    current: int | None

    def __str__(self) -> str:
        expected = "another version" if self.expected is None else f"version {self.expected}"
        current = "not told" if self.current is None else self.current
        return f"stream {self.stream!r} was expected at {expected}; its version is {current}"


@dataclass(eq=False)
class SubscriptionDropped(ServerError):
    """The server ended a subscription to `stream`, for `reason`, in a way that allows another."""

    retryable: ClassVar[bool] = True

    stream: str
    reason: str

    def __str__(self) -> str:
        return f"the subscription to {self.stream!r} was dropped: {self.reason}"


@dataclass(eq=False)
class StreamRolledBack(ServerError):
    """The server lost events of `stream` that a subscription has seen: it was emptied, or restored from a backup.

    Attributes:
        stream: Name of the stream, `$all` for the whole database.
        last_seen: Where the subscription stands: the number of an event, or a Position for the whole database.
        current: The last number (-1: no events), or the last Position, that the server has.
    """

    stream: str
    last_seen: int | Position
    current: int | Position

    def __str__(self) -> str:
        return (
            f"the subscription to {self.stream!r} has seen event {_shown(self.last_seen)}, and the server's last is "
            f"{_shown(self.current)}: it was emptied, or restored from a backup"
        )


def _shown(place: int | Position) -> str:
    return f"{place.commit}/{place.prepare}" if isinstance(place, Position) else str(place)


@dataclass(eq=False)
class InvalidTransaction(ServerError):
    """The transaction behind a write to `stream` is not one that the server knows."""

    stream: str

    def __str__(self) -> str:
        return f"the server knows no such transaction on {self.stream!r}"


@dataclass(eq=False)
class OutcomeUnknown(ServerError):
    """A write to `stream` may or may not have happened; `reason` is the server's text.

    See docs/protocol/tcp.md, section 4.4.
    """

    retryable: ClassVar[bool] = True

    stream: str
    reason: str

    def __str__(self) -> str:
        return f"it is not known whether the write to {self.stream!r} happened: {self.reason}"


class PrepareTimeout(OutcomeUnknown):
    """The cluster did not prepare the write in time.

    Version 23.10 answers so also where it does not know the transaction; `reason` mentions that.
    """


class CommitTimeout(OutcomeUnknown):
    """The cluster did not commit the write in time."""


class ForwardTimeout(OutcomeUnknown):
    """A follower forwarded the write and heard nothing from the leader."""
