"""FilteredReadAllEventsForward and -Backward: read a page of the events of `$all` that match a filter.

See docs/protocol/tcp.md, sections 3.4 and 4.7. A page can examine fewer events than its search window. The client
then requests the next page, as after any page that does not reach the end.
"""

from __future__ import annotations

from typing import Any

from rxpump.model.positions import Position, StreamDirection
from rxpump.model.system_names import ALL_STREAM
from rxpump.server.access.access import Permission
from rxpump.server.node import Node
from rxpump.server.store.filtered_pages import FilteredPage, filtered_page
from rxpump.server.store.filters import BadFilter
from rxpump.server.store.pages import Page
from rxpump.server.store.regex_matcher import TooCostly
from rxpump.server.tcp.filter_message import read_filter
from rxpump.server.tcp.handlers.all_pages import CannotRead, check_read, next_position, no_page, starting_position
from rxpump.server.tcp.request import BadPayload, Request, encode
from rxpump.tcp.wire.codes import ReadAllResult
from rxpump.tcp.wire.commands import Command
from rxpump.tcp.wire.schema import FilteredReadAllEvents, FilteredReadAllEventsCompleted, ReadAllEventsCompleted


def filtered_read_all_forward(request: Request, node: Node) -> None:
    """Answer a FilteredReadAllEventsForward."""
    _answer(
        request,
        node,
        StreamDirection.FORWARD,
        Command.FILTERED_READ_ALL_EVENTS_FORWARD_COMPLETED,
        Command.READ_ALL_EVENTS_FORWARD_COMPLETED,
    )


def filtered_read_all_backward(request: Request, node: Node) -> None:
    """Answer a FilteredReadAllEventsBackward."""
    _answer(
        request,
        node,
        StreamDirection.BACKWARD,
        Command.FILTERED_READ_ALL_EVENTS_BACKWARD_COMPLETED,
        Command.READ_ALL_EVENTS_BACKWARD_COMPLETED,
    )


def _answer(request: Request, node: Node, direction: StreamDirection, reply: Command, denial: Command) -> None:
    """Answer a read. If access is denied, use the reply to an unfiltered read (docs/protocol/tcp.md, section 2)."""
    asked = request.read(FilteredReadAllEvents)
    end = node.store.read.log().end
    position = starting_position(asked, end)
    if not node.access.may(request.user, Permission.READ, ALL_STREAM):
        request.reply(denial, no_page(ReadAllEventsCompleted, position, ReadAllResult.ACCESS_DENIED))
        return
    try:
        check_read(asked, position, node.store.read, direction)
        page = _page(node, asked, position, direction)
    except CannotRead as error:
        failed = {"is_end_of_stream": False, "error": str(error)}
        request.reply(reply, no_page(FilteredReadAllEventsCompleted, position, ReadAllResult.ERROR, **failed))
        return
    if node.access.may_follow(request.user, page.link_streams):
        request.reply(reply, _completed(position, page, end, direction))
    else:
        request.reply(denial, no_page(ReadAllEventsCompleted, position, ReadAllResult.ACCESS_DENIED))


def _page(node: Node, asked: Any, position: Position, direction: StreamDirection) -> FilteredPage:
    count = max(0, asked.max_count)
    window = asked.max_search_window if asked.max_search_window > 0 else count
    try:
        return filtered_page(
            node.store.read,
            node.store.read.offset(position),
            direction,
            read_filter(asked.filter, node.strictness),
            count=count,
            window=window if count else 0,
            resolve_links=asked.resolve_link_tos,
        )
    except BadFilter as error:
        raise BadPayload(str(error)) from error
    except TooCostly as error:
        raise CannotRead("the regex takes too long to search") from error


def _completed(position: Position, page: FilteredPage, end: int, direction: StreamDirection) -> bytes:
    examined = Page(page.events, page.examined, page.last_record, page.last_tail, cut=not page.is_end)
    then = next_position(position, examined, page.examined + 1, end, direction)
    start = FilteredReadAllEventsCompleted(commit_position=position.commit, prepare_position=position.prepare)
    rest = FilteredReadAllEventsCompleted(
        next_commit_position=then.commit,
        next_prepare_position=then.prepare,
        is_end_of_stream=page.is_end,
        result=ReadAllResult.SUCCESS,
    )
    return encode(start) + page.events + encode(rest)
