"""Places in a stream and in the log of all events, and the directions in which both are read."""

from __future__ import annotations

from enum import Enum, IntEnum
from typing import Final, NamedTuple, overload


class Position(NamedTuple):
    """Position of an event in the log, `$all`; positions are ordered (docs/protocol/tcp.md, section 4.1).

    Use only positions that the server sent: the position of an event, or the next position of a page.

    Attributes:
        commit: Where the transaction that contains the event was committed.
        prepare: Where the event itself was written.
    """

    commit: int
    prepare: int


@overload
def position_text(position: Position) -> str: ...
@overload
def position_text(position: Position | None) -> str | None: ...
def position_text(position: Position | None) -> str | None:
    """Return a position as `commit/prepare`; None if there is none."""
    return None if position is None else f"{position.commit}/{position.prepare}"


class Edge(Enum):
    """The start or the end of a stream or of the log at the time when the server handles the request."""

    START = "start"
    END = "end"


START: Final = Edge.START
END: Final = Edge.END

FIRST_POSITION: Final = Position(0, 0)
"""Position before all events."""

LAST_POSITION: Final = Position(-1, -1)
"""Position after all events. The server uses the end of its log in its place."""


class StreamDirection(Enum):
    """Direction of a read: FORWARD from the oldest event, BACKWARD from the newest. Other spellings are aliases."""

    FORWARD = "forward"
    BACKWARD = "backward"

    Forward = FORWARD
    Backward = BACKWARD
    forward = FORWARD
    backward = BACKWARD


class ExpectedVersion(IntEnum):
    """Versions that a writer can expect of a stream; a number from 0 is the number of its last event.

    With an exact number or NO_STREAM, the server recognizes a repeated write by its event ids forever. With ANY and
    STREAM_EXISTS it does so as best effort (docs/protocol/tcp.md, section 4.2).
    """

    ANY = -2
    NO_STREAM = -1
    STREAM_EXISTS = -4

    Any = ANY
    StreamMustNotExist = NO_STREAM
    StreamMustExist = STREAM_EXISTS
