"""Errors of appends: events that are too large, and appends to several streams of which one has another version."""

from __future__ import annotations

from dataclasses import dataclass

from rxpump.errors.server import ServerError
from rxpump.errors.streams import WrongExpectedVersion


@dataclass(eq=False)
class AppendTooLarge(ServerError):
    """The events of an append are too large for the server.

    Attributes:
        stream: Name of the stream.
        limit: Largest size in bytes that the server accepts, None if it did not name one.
        size: Size of the events in bytes, None if the server did not name it.
    """

    stream: str
    limit: int | None = None
    size: int | None = None

    def __str__(self) -> str:
        return f"the events to append to {self.stream!r} are too large{_sizes(self.size, self.limit)}"


@dataclass(eq=False)
class EventTooLarge(AppendTooLarge):
    """One event of an append is too large for the server.

    Attributes:
        stream: Name of the stream.
        limit: Largest size of an event in bytes that the server accepts.
        size: Size of the event in bytes.
        event_id: Id of the event, as text.
    """

    event_id: str = ""

    def __str__(self) -> str:
        return f"event {self.event_id} to append to {self.stream!r} is too large{_sizes(self.size, self.limit)}"


@dataclass(eq=False)
class ConsistencyCheckFailed(WrongExpectedVersion):
    """Some streams of an append to several streams are not in the expected state. Nothing was written.

    Attributes:
        stream: Name of the first stream that is not as expected.
        expected: Version that was expected of it.
        current: Its version: -1 no events, -5 soft-deleted, -6 tombstoned.
        violations: Every stream that is not as expected.
    """

    violations: tuple[WrongExpectedVersion, ...] = ()

    def __str__(self) -> str:
        return "; ".join(map(str, self.violations)) or super().__str__()


def _sizes(size: int | None, limit: int | None) -> str:
    has = "" if size is None else f", with {size} bytes"
    return has if limit is None else f"{has}; the server accepts {limit} bytes"
