"""What a page of `$all` says about places, whether it was filtered or not (docs/protocol/tcp.md, section 4.7).

An event's commit and prepare position are the same, but for an event of a transaction, whose commit lies
after what it was prepared by.
"""

from __future__ import annotations

from typing import Any, Final

from rxpump.model.limits import MAX_PAGE_EVENTS
from rxpump.model.positions import LAST_POSITION, Position, StreamDirection
from rxpump.server.store.pages import Page
from rxpump.server.store.reader import Reader
from rxpump.server.store.record import RESERVED_BYTES
from rxpump.server.tcp.request import TOO_MANY_EVENTS, encode
from rxpump.tcp.wire.codes import ReadAllResult
from rxpump.tcp.wire.schema import ResolvedEvent

_INVALID: Final = "Invalid position."


class CannotRead(Exception):
    """The answer is an error, with this text."""


def starting_position(asked: Any, end: int) -> Position:
    """Tell where a read begins; (-1, -1) is the end of the log."""
    position = Position(asked.commit_position, asked.prepare_position)
    return Position(end, end) if position == LAST_POSITION else position


def check_read(asked: Any, position: Position, read: Reader, direction: StreamDirection) -> None:
    """Check what is asked for. Raises CannotRead."""
    end = read.log().end
    if asked.max_count > MAX_PAGE_EVENTS:
        raise CannotRead(TOO_MANY_EVENTS)
    if min(position) < 0 or (direction is StreamDirection.BACKWARD and position > (end, end)):
        raise CannotRead(_INVALID)
    if asked.max_count > 0 and read.is_inside_record(position.commit):
        raise CannotRead(f"Log record at actual pos {position.commit} has non-positive length.")


def next_position(position: Position, page: Page, wanted: int, end: int, direction: StreamDirection) -> Position:
    """Tell where to go on; `end` is where the log ended before the page was read.

    Forward, a page that was not filled has passed all that is before `end`, also writes of no events: who
    reads on has come as far as the last commit.
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
    """Encode a `reply` (the class of a message) of this result, to who asked for `position`."""
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
