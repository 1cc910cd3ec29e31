"""Refusals that concern one stream."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from rxpump.errors.server import ServerError
from rxpump.model.positions import FIRST_POSITION, ExpectedVersion, Position, position_text


@dataclass(eq=False)
class StreamNotFound(ServerError):
    """A stream has no events, because it was never written or was soft-deleted.

    Attributes:
        stream: Name of the stream.
    """

    stream: str

    def __str__(self) -> str:
        return f"stream {self.stream!r} does not exist"


@dataclass(eq=False)
class StreamDeleted(ServerError):
    """A stream was deleted permanently (tombstoned): it cannot be read or written again.

    Attributes:
        stream: Name of the stream.
    """

    stream: str

    def __str__(self) -> str:
        return f"stream {self.stream!r} is deleted"


@dataclass(eq=False)
class EventNotFound(ServerError):
    """A stream has no visible event of this number: it is past the end, truncated or expired.

    Attributes:
        stream: Name of the stream.
        number: Number of the event.
    """

    stream: str
    number: int

    def __str__(self) -> str:
        return f"stream {self.stream!r} has no event {self.number}"


@dataclass(eq=False)
class ReadFailed(ServerError):
    """The server failed to read a stream.

    Attributes:
        stream: Name of the stream, `$all` for the whole log.
        reason: Text of the server.
    """

    stream: str
    reason: str

    def __str__(self) -> str:
        return f"reading {self.stream!r} failed: {self.reason}"


class InvalidPosition(ReadFailed):
    """The server has no record at the position from which `$all` was read.

    The position is one of another server, or the log was truncated since (see LogTruncated).
    """


_EXPECTED: Final[dict[int | None, str]] = {
    None: "at another version",
    ExpectedVersion.ANY: "at any version",
    ExpectedVersion.NO_STREAM: "not to exist",
    ExpectedVersion.STREAM_EXISTS: "to exist",
}
"""Text for expected versions that are not the number of an event."""

_CURRENT: Final[dict[int | None, str]] = {
    None: "its version is unknown",
    -1: "it has no events",
    -5: "it was soft-deleted",
    -6: "it was deleted permanently",
}
"""Text for versions of a stream that are not the number of an event."""


@dataclass(eq=False)
class WrongExpectedVersion(ServerError):
    """A stream is not at the version that the writer expected. Nothing was written.

    Attributes:
        stream: Name of the stream.
        expected: Version that the writer expected. None for a transaction that was continued without one.
        current: Number of the last event; -1 if the stream has no events, None if the server did not name it.
    """

    stream: str
    expected: int | None
    current: int | None

    def __str__(self) -> str:
        expected = _EXPECTED.get(self.expected, f"at version {self.expected}")
        current = _CURRENT.get(self.current, f"its version is {self.current}")
        return f"stream {self.stream!r} was expected {expected}; {current}"


@dataclass(eq=False)
class SubscriptionDropped(ServerError):
    """The server ended a subscription; subscribing again can succeed.

    Attributes:
        stream: Name of the stream, `$all` for the whole log.
        reason: Text of the server.
    """

    retryable: ClassVar[bool] = True

    stream: str
    reason: str

    def __str__(self) -> str:
        return f"the subscription to {self.stream!r} was dropped: {self.reason}"


@dataclass(eq=False)
class StreamRolledBack(ServerError):
    """The server no longer has events that a subscription has delivered: it was emptied or restored from a backup.

    A subscription cannot take back an event that it has delivered, so it fails. Undo your work for the events after
    `resume_after`, and subscribe again after it: `client.stream(name, error.resume_after + 1)`, or
    `client.stream_all(error.resume_after)`. `ops.retry_with_backoff` does this if its `retry_on` accepts the error.

    Attributes:
        stream: Name of the stream, `$all` for the whole log.
        last_seen: Number of the last event that was delivered, or its Position for the whole log. With a filter, it
            can be the Position of a later event that did not match.
        current: Number of the last event that the server has (-1 if none), or its Position for the whole log.
        resume_after: Number or Position of the newest delivered event that the server is known to have; -1 or
            Position(0, 0) for the start. The subscription stores the ids of the first and the last event of each of
            the latest batches, 256 ids at most. So events between this one and the first lost one can be delivered
            again. None if the server has none of these events, and the subscription did not begin at the start.
    """

    stream: str
    last_seen: int | Position
    current: int | Position
    resume_after: int | Position | None = None

    def __str__(self) -> str:
        return f"{self._cause()}; {self._remedy()}"

    def _cause(self) -> str:
        return (
            f"the subscription to {self.stream!r} has delivered event {_shown(self.last_seen)}, and the last event "
            f"of the server is {_shown(self.current)}: the server was emptied, or restored from a backup"
        )

    def _remedy(self) -> str:
        place = self.resume_after
        if place is None:
            return "undo your work for the lost events, and subscribe again after the newest that the server has"
        if place in (-1, FIRST_POSITION):
            return "undo your work for all its events, and subscribe again from the start"
        return f"undo your work for the events after {_shown(place)}, and subscribe again after {_shown(place)}"


class LogTruncated(StreamRolledBack):
    """The log of the server was truncated: another event is at the place of the last delivered event.

    For `$all`, it is also possible that no event begins at that position.

    A cluster discards the end of the log of a leader that was lost before its followers had received it. Events that
    were delivered may be gone, and others may have taken their place.
    """

    def _cause(self) -> str:
        there = (
            "where another event is now"
            if self.current == self.last_seen
            else f"which is no position any more, and the log ends at {_shown(self.current)}"
        )
        return (
            f"the log of the server was truncated: the subscription to {self.stream!r} has reached "
            f"{_shown(self.last_seen)}, {there}"
        )


def _shown(place: int | Position) -> str:
    return position_text(place) if isinstance(place, Position) else str(place)


@dataclass(eq=False)
class InvalidTransaction(ServerError):
    """The server has no transaction with the id that a write names.

    Attributes:
        stream: Name of the stream.
    """

    stream: str

    def __str__(self) -> str:
        return f"the server has no such transaction on {self.stream!r}"


@dataclass(eq=False)
class OutcomeUnknown(ServerError):
    """The events may or may not have been written (docs/protocol/tcp.md, section 4.4).

    Attributes:
        stream: Name of the stream.
        reason: Text of the server.
    """

    retryable: ClassVar[bool] = True

    stream: str
    reason: str

    def __str__(self) -> str:
        return f"it is not known whether the write to {self.stream!r} happened: {self.reason}"


class ServerTimeout(OutcomeUnknown):
    """A stage of the write took longer than the cluster waits for it.

    Attributes:
        stream: Name of the stream.
        reason: Text of the server.
        stage: Stage that took too long: "prepare", "commit" or "forward"; None if the server did not name it.
    """

    stage: ClassVar[str | None] = None


class PrepareTimeout(ServerTimeout):
    """The cluster did not prepare the write in time.

    Version 23.10 also sends this reply over TCP if it has no such transaction; `reason` mentions this.
    """

    stage: ClassVar[str | None] = "prepare"


class CommitTimeout(ServerTimeout):
    """The cluster did not commit the write in time."""

    stage: ClassVar[str | None] = "commit"


class ForwardTimeout(ServerTimeout):
    """A follower forwarded the write to the leader and received no reply in time."""

    stage: ClassVar[str | None] = "forward"
