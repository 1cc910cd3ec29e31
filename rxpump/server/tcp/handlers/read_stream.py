"""ReadStreamEventsForward and -Backward: read a page of a stream (docs/protocol/tcp.md, section 4.6)."""

from __future__ import annotations

from typing import Any, Final

from rxpump.model.positions import StreamDirection
from rxpump.server.access.access import Permission
from rxpump.server.access.users import User
from rxpump.server.node import Node
from rxpump.server.store import stream_window
from rxpump.server.store.pages import Page
from rxpump.server.store.reader import Reader
from rxpump.server.store.stored_stream import StoredStream
from rxpump.server.tcp.request import TOO_MANY_EVENTS, Request, checked_name, checked_number, encode
from rxpump.tcp.wire.codes import ReadStreamResult
from rxpump.tcp.wire.commands import Command
from rxpump.tcp.wire.limits import MAX_PAGE_EVENTS
from rxpump.tcp.wire.schema import ReadStreamEvents, ReadStreamEventsCompleted

_TOO_FEW: Final = "maxCount should be positive.\nParameter name: maxCount"
_BEFORE_START: Final = "fromEventNumber should be non negative.\nParameter name: fromEventNumber"


def read_stream_forward(request: Request, node: Node) -> None:
    """Answer a ReadStreamEventsForward."""
    payload = _read(request, node, StreamDirection.FORWARD)
    request.reply(Command.READ_STREAM_EVENTS_FORWARD_COMPLETED, payload)


def read_stream_backward(request: Request, node: Node) -> None:
    """Answer a ReadStreamEventsBackward."""
    payload = _read(request, node, StreamDirection.BACKWARD)
    request.reply(Command.READ_STREAM_EVENTS_BACKWARD_COMPLETED, payload)


def _read(request: Request, node: Node, direction: StreamDirection) -> bytes:
    read = node.store.read
    asked = request.read(ReadStreamEvents)
    checked_name(asked.event_stream_id)
    checked_number(asked.from_event_number)
    refusal = _refusal(node, asked, request.user, direction)
    if refusal is not None:
        return _nothing(read, *refusal)
    stream = read.stream(asked.event_stream_id)
    if stream is None:
        return _nothing(read, ReadStreamResult.NO_STREAM)
    if stream.is_tombstoned or stream.is_soft_deleted:
        gone = ReadStreamResult.STREAM_DELETED if stream.is_tombstoned else ReadStreamResult.NO_STREAM
        return _nothing(read, gone, last=stream.last)
    page, then = _page(read, stream, asked, direction)
    if not node.access.may_follow(request.user, page.link_streams):
        return _nothing(read, ReadStreamResult.ACCESS_DENIED)
    trailer = ReadStreamEventsCompleted(
        result=ReadStreamResult.SUCCESS,
        next_event_number=then.next_event_number,
        last_event_number=stream.last,
        is_end_of_stream=then.is_end_of_stream,
        last_commit_position=read.log().last_commit,
        error="",
    )
    return page.events + encode(trailer)


def _refusal(node: Node, asked: Any, user: User, direction: StreamDirection) -> tuple[ReadStreamResult, str] | None:
    if asked.max_count > MAX_PAGE_EVENTS:
        return ReadStreamResult.ERROR, TOO_MANY_EVENTS
    if not node.access.may(user, Permission.READ, asked.event_stream_id):
        return ReadStreamResult.ACCESS_DENIED, ""
    if direction is StreamDirection.FORWARD and asked.from_event_number < 0:
        return ReadStreamResult.ERROR, _BEFORE_START
    if asked.max_count <= 0:
        return ReadStreamResult.ERROR, _TOO_FEW
    return None


def _page(
    read: Reader, stream: StoredStream, asked: Any, direction: StreamDirection
) -> tuple[Page, stream_window.Continuation]:
    span = (asked.from_event_number, asked.max_count)
    bounds = (stream.last, stream.first_kept)
    make_window, go_on = _WINDOWS[direction]
    page = read.stream_page(stream, make_window(*span, *bounds), direction, resolve_links=asked.resolve_link_tos)
    return page, go_on(*span, page.last_number, page.cut, *bounds)


_WINDOWS: Final = {
    StreamDirection.FORWARD: (stream_window.forward, stream_window.after_forward),
    StreamDirection.BACKWARD: (stream_window.backward, stream_window.after_backward),
}


def _nothing(read: Reader, result: ReadStreamResult, error: str = "", last: int = -1) -> bytes:
    return encode(
        ReadStreamEventsCompleted(
            result=result,
            next_event_number=-1,
            last_event_number=last,
            is_end_of_stream=True,
            last_commit_position=read.log().last_commit,
            error=error,
        )
    )
