"""Positions in pages of `$all`, filtered or not (docs/protocol/tcp.md, section 4.7).

The commit and prepare positions of an event are equal, except for an event of a transaction, which is committed after
it was prepared.
"""

from __future__ import annotations

from typing import Any, Final

from rxpump.model.positions import LAST_POSITION, Position, StreamDirection
from rxpump.server.store.pages import Page
from rxpump.server.store.reader import Reader
from rxpump.server.store.record import RESERVED_BYTES
from rxpump.server.tcp.request import TOO_MANY_EVENTS, encode
from rxpump.tcp.wire.codes import ReadAllResult
from rxpump.tcp.wire.limits import MAX_PAGE_EVENTS
from rxpump.tcp.wire.schema import ResolvedEvent

_INVALID: Final = "Invalid position."


class CannotRead(Exception):
    """The read must be answered with an error. The argument is the text of the error."""


def starting_position(asked: Any, end: int) -> Position:
    """Return the position at which a read starts; (-1, -1) is the end of the log."""
    position = Position(asked.commit_position, asked.prepare_position)
    return Position(end, end) if position == LAST_POSITION else position


def check_read(asked: Any, position: Position, read: Reader, direction: StreamDirection) -> None:
    """Raise CannotRead if a read requests too many events or starts at a position that does not exist."""
    end = read.log().end
    if asked.max_count > MAX_PAGE_EVENTS:
        raise CannotRead(TOO_MANY_EVENTS)
    if min(position) < 0 or (direction is StreamDirection.BACKWARD and position > (end, end)):
        raise CannotRead(_INVALID)
    if asked.max_count > 0 and read.is_inside_record(position.commit, direction):
        raise CannotRead(f"Log record at actual pos {position.commit} has non-positive length.")


def next_position(position: Position, page: Page, wanted: int, end: int, direction: StreamDirection) -> Position:
    """Return the position of the next page.

    A forward page with fewer events than were requested has passed the whole log, including writes without events. So
    its next page starts at the end of the log.

    Args:
        position: Position of the page.
        page: The page.
        wanted: Number of events that were requested.
        end: End of the log before the page was read.
        direction: Direction of the read.
    """
    then = position
    if page.size:
        last = ResolvedEvent.FromString(page.last_tail)
        commit, prepare = last.commit_position, last.prepare_position
        if direction is StreamDirection.BACKWARD:
            return Position(commit if prepare == commit else commit + RESERVED_BYTES, prepare)
        is_plain = prepare == commit
        then = Position(commit + len(page.last_record), 0) if is_plain else Position(commit, prepare + RESERVED_BYTES)
    is_exhausted = page.size < wanted and not page.cut
    return max(then, Position(end, 0)) if direction is StreamDirection.FORWARD and is_exhausted else then


def no_page(reply: Any, position: Position, result: ReadAllResult, **more: object) -> bytes:
    """Return an encoded reply without events.

    Args:
        reply: Class of the reply.
        position: Position at which the read starts.
        result: Result of the read.
        **more: Further fields of the reply.
    """
    return encode(
        reply(
            commit_position=position.commit,
            prepare_position=position.prepare,
            next_commit_position=-1,
            next_prepare_position=-1,
            result=result,
            **more,
        )
    )
