"""ReadAllEventsForward and -Backward: read a page of `$all` (docs/protocol/tcp.md, section 4.7)."""

from __future__ import annotations

from typing import Any

from rxpump.model.positions import Position, StreamDirection
from rxpump.model.system_names import ALL_STREAM
from rxpump.server.access.access import Permission
from rxpump.server.node import Node
from rxpump.server.store.pages import Page
from rxpump.server.store.reader import Reader
from rxpump.server.tcp.handlers.all_pages import CannotRead, check_read, next_position, no_page, starting_position
from rxpump.server.tcp.request import Request, encode
from rxpump.tcp.wire.codes import ReadAllResult
from rxpump.tcp.wire.commands import Command
from rxpump.tcp.wire.schema import ReadAllEvents, ReadAllEventsCompleted


def read_all_forward(request: Request, node: Node) -> None:
    """Answer a ReadAllEventsForward."""
    request.reply(Command.READ_ALL_EVENTS_FORWARD_COMPLETED, _read(request, node, StreamDirection.FORWARD))


def read_all_backward(request: Request, node: Node) -> None:
    """Answer a ReadAllEventsBackward."""
    request.reply(Command.READ_ALL_EVENTS_BACKWARD_COMPLETED, _read(request, node, StreamDirection.BACKWARD))


def _read(request: Request, node: Node, direction: StreamDirection) -> bytes:
    read = node.store.read
    asked = request.read(ReadAllEvents)
    end = read.log().end
    position = starting_position(asked, end)
    try:
        check_read(asked, position, read, direction)
    except CannotRead as error:
        place = Position(asked.commit_position, asked.prepare_position)
        return no_page(ReadAllEventsCompleted, place, ReadAllResult.ERROR, error=str(error))
    if not node.access.may(request.user, Permission.READ, ALL_STREAM):
        return no_page(ReadAllEventsCompleted, position, ReadAllResult.ACCESS_DENIED)
    page = _page(read, asked, position, direction)
    if not node.access.may_follow(request.user, page.link_streams):
        return no_page(ReadAllEventsCompleted, position, ReadAllResult.ACCESS_DENIED)
    return _completed(position, next_position(position, page, asked.max_count, end, direction), page)


def _page(read: Reader, asked: Any, position: Position, direction: StreamDirection) -> Page:
    place = read.offset(position)
    return read.all_page(place, max(0, asked.max_count), direction, resolve_links=asked.resolve_link_tos)


def _completed(position: Position, then: Position, page: Page) -> bytes:
    start = ReadAllEventsCompleted(commit_position=position.commit, prepare_position=position.prepare)
    rest = ReadAllEventsCompleted(next_commit_position=then.commit, next_prepare_position=then.prepare)
    return encode(start) + page.events + encode(rest)
