"""Read a page of `$all`, in either direction."""

from __future__ import annotations

import re
from abc import ABC
from typing import Final

from rxpump.errors import AccessDenied, InvalidPosition, ReadFailed, UnexpectedReply
from rxpump.model.metrics import RequestKind
from rxpump.model.pages import AllPage
from rxpump.model.positions import Position, StreamDirection
from rxpump.model.system_names import ALL_STREAM
from rxpump.tcp.protocol.operation import Operation
from rxpump.tcp.protocol.outcome import Failure, Outcome, Success
from rxpump.tcp.records import PositionedEvents, page_events
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.codes import ReadAllResult
from rxpump.tcp.wire.commands import Command

_NO_RECORD: Final = re.compile(
    r"[Ll]og record (at|that ends at) actual|not enough space to read full record|Prefix/suffix length inconsistency"
    r"|greater than writer checkpoint"
)
"""Texts of servers that found no record at a position (docs/protocol/tcp.md, section 4.7)."""


class _ReadAll(Operation[AllPage], ABC):
    """The request ReadAllEvents (docs/protocol/tcp.md, sections 3.4, 4.7)."""

    kind = RequestKind.READ

    def __init__(self, from_position: Position, max_count: int, *, resolve_links: bool, require_leader: bool) -> None:
        self.reply_is_large: bool = max_count > 1
        self.payload: bytes = schema.ReadAllEvents(
            commit_position=from_position.commit,
            prepare_position=from_position.prepare,
            max_count=max_count,
            resolve_link_tos=resolve_links,
            require_leader=require_leader,
        ).SerializeToString()

    def answer(self, payload: bytes) -> Outcome[AllPage]:
        """Return the page, or the error for the result."""
        reply = schema.ReadAllEventsColumns.FromString(payload)
        if reply.result == ReadAllResult.SUCCESS:
            return Success(_page(reply, payload))
        return read_all_refusal(reply.result, reply.error, asked=self)


def read_all_refusal(result: int, error: str, *, asked: object) -> Failure:
    """Return the error for a result other than SUCCESS.

    Args:
        result: Result code of the reply.
        error: Text of the server.
        asked: Operation, which the error names.
    """
    match result:
        case ReadAllResult.NOT_MODIFIED:
            return Failure(UnexpectedReply(str(asked), "NotModified, which is for HTTP"))
        case ReadAllResult.ERROR if _NO_RECORD.search(error):
            return Failure(InvalidPosition(ALL_STREAM, error))
        case ReadAllResult.ERROR:
            return Failure(ReadFailed(ALL_STREAM, error))
        case ReadAllResult.ACCESS_DENIED:
            return Failure(AccessDenied("read", ALL_STREAM))
        case unknown:
            return Failure(UnexpectedReply(str(asked), f"the unknown result {unknown}"))


def _page(reply: schema.ReadAllEventsColumns, payload: bytes) -> AllPage:
    return AllPage(
        page_events(reply, lambda: PositionedEvents(schema.ReadAllEventsCompleted.FromString(payload).events)),
        position=Position(reply.commit_position, reply.prepare_position),
        next_position=Position(reply.next_commit_position, reply.next_prepare_position),
    )


class ReadAllForward(_ReadAll):
    """Read a page, oldest event first. An event at the given position is included."""

    command = Command.READ_ALL_EVENTS_FORWARD
    reply = Command.READ_ALL_EVENTS_FORWARD_COMPLETED


class ReadAllBackward(_ReadAll):
    """Read a page, newest event first. An event at the given position is not included."""

    command = Command.READ_ALL_EVENTS_BACKWARD
    reply = Command.READ_ALL_EVENTS_BACKWARD_COMPLETED


READ_ALL: dict[StreamDirection, type[_ReadAll]] = {
    StreamDirection.FORWARD: ReadAllForward,
    StreamDirection.BACKWARD: ReadAllBackward,
}
