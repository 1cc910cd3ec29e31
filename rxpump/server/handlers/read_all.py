"""ReadAllEventsForward and -Backward: a page of `$all` (protocol section 4.7).

An event's commit and prepare position are the same, but for an event of a transaction, whose commit lies
after what it was prepared by.
"""

from __future__ import annotations

from typing import Any, Final

from rxpump.direction import StreamDirection
from rxpump.limits import MAX_PAGE_EVENTS
from rxpump.position import LAST_POSITION, Position
from rxpump.server.access import ALL_STREAM, Permission
from rxpump.server.node import Node
from rxpump.server.request import Request, encode
from rxpump.server.store.pages import Page
from rxpump.server.store.reader import Reader
from rxpump.server.store.record import PLACE_BYTES
from rxpump.wire.codes import ReadAllResult
from rxpump.wire.commands import Command
from rxpump.wire.schema import ReadAllEvents, ReadAllEventsCompleted, ResolvedEvent

_TOO_MANY: Final = f"Read size too big, should be less than {MAX_PAGE_EVENTS} items"
_INVALID: Final = "Invalid position."


def read_all_forward(request: Request, node: Node) -> None:
    """Answer a ReadAllEventsForward."""
    request.reply(Command.READ_ALL_EVENTS_FORWARD_COMPLETED, _read(request, node, StreamDirection.FORWARD))


def read_all_backward(request: Request, node: Node) -> None:
    """Answer a ReadAllEventsBackward."""
    request.reply(Command.READ_ALL_EVENTS_BACKWARD_COMPLETED, _read(request, node, StreamDirection.BACKWARD))


def _read(request: Request, node: Node, direction: StreamDirection) -> bytes:
    read = node.store.read
    asked = request.read(ReadAllEvents)
    position = Position(asked.commit_position, asked.prepare_position)
    if asked.max_count > MAX_PAGE_EVENTS:
        return _nothing(position, ReadAllResult.ERROR, _TOO_MANY)
    end = read.log().end
    if position == LAST_POSITION:
        position = Position(end, end)
    beyond = direction is StreamDirection.BACKWARD and position > (end, end)
    if min(position) < 0 or beyond:
        return _nothing(position, ReadAllResult.ERROR, _INVALID)
    if not node.may(request.user, Permission.READ, ALL_STREAM):
        return _nothing(position, ReadAllResult.ACCESS_DENIED)
    page = _page(read, asked, position, direction)
    if not all(node.may(request.user, Permission.READ, name) for name in page.link_streams if name):
        return _nothing(position, ReadAllResult.ACCESS_DENIED)
    return _completed(position, next_position(position, page, asked.max_count, end, direction), page)


def _page(read: Reader, asked: Any, position: Position, direction: StreamDirection) -> Page:
    place = read.place(position)
    return read.all_page(place, max(0, asked.max_count), direction, resolve_links=asked.resolve_link_tos)


def _completed(position: Position, then: Position, page: Page) -> bytes:
    start = ReadAllEventsCompleted(commit_position=position.commit, prepare_position=position.prepare)
    rest = ReadAllEventsCompleted(next_commit_position=then.commit, next_prepare_position=then.prepare)
    return encode(start) + page.events + encode(rest)


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
            return Position(commit if prepare == commit else commit + PLACE_BYTES, prepare)
        is_plain = prepare == commit
        then = Position(commit + len(page.last_record), 0) if is_plain else Position(commit, prepare + PLACE_BYTES)
    is_exhausted = page.size < wanted and not page.cut
    return max(then, Position(end, 0)) if direction is StreamDirection.FORWARD and is_exhausted else then


def _nothing(position: Position, result: ReadAllResult, error: str | None = None) -> bytes:
    return encode(
        ReadAllEventsCompleted(
            commit_position=position.commit,
            prepare_position=position.prepare,
            next_commit_position=-1,
            next_prepare_position=-1,
            result=result,
            error=error,
        )
    )
