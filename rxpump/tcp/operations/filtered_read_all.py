"""Read a page of `$all` through a filter of the server."""

from __future__ import annotations

from abc import ABC
from typing import Any, ClassVar

from rxpump.model.metrics import RequestKind
from rxpump.model.pages import AllPage
from rxpump.model.positions import Position, StreamDirection
from rxpump.tcp.operations.read_all import read_all_refusal
from rxpump.tcp.protocol.operation import Operation
from rxpump.tcp.protocol.outcome import Failure, Outcome, Redirect, Retry, Success
from rxpump.tcp.records import PositionedEvents, page_events
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.codes import ReadAllResult
from rxpump.tcp.wire.commands import Command
from rxpump.tcp.wire.limits import MAX_PAGE_EVENTS
from rxpump.tcp.wire.package import Package


class _FilteredReadAll(Operation[AllPage], ABC):
    """The request FilteredReadAllEvents (docs/protocol/tcp.md, sections 3.4, 4.7), of servers from version 20 on.

    `filter` is a Filter message. The server examines at most `MAX_PAGE_EVENTS` events, and returns at most
    `max_count` of them. If the user may not read `$all`, its reply has the command `denial`, that of the reply to an
    unfiltered read.
    """

    denial: ClassVar[Command]
    kind = RequestKind.READ

    def __init__(
        self, from_position: Position, max_count: int, filter: Any, *, resolve_links: bool, require_leader: bool
    ) -> None:
        self._from_position = from_position
        self.reply_is_large: bool = max_count > 1
        self.payload: bytes = schema.FilteredReadAllEvents(
            commit_position=from_position.commit,
            prepare_position=from_position.prepare,
            max_count=max_count,
            max_search_window=MAX_PAGE_EVENTS,
            resolve_link_tos=resolve_links,
            require_leader=require_leader,
            filter=filter,
        ).SerializeToString()

    def answer(self, payload: bytes) -> Outcome[AllPage]:
        """Return the page, or the error."""
        reply = schema.FilteredReadAllEventsColumns.FromString(payload)
        if reply.result == ReadAllResult.SUCCESS:
            return Success(self._page(reply, payload))
        return read_all_refusal(reply.result, reply.error, asked=self)

    def refusal(self, package: Package) -> Failure | Retry | Redirect:
        """Interpret the reply to an unfiltered read as a refusal."""
        if package.command == self.denial:
            reply = schema.ReadAllEventsCompleted.FromString(package.payload)
            return read_all_refusal(reply.result, reply.error, asked=self)
        return super().refusal(package)

    def _page(self, reply: schema.FilteredReadAllEventsColumns, payload: bytes) -> AllPage:
        """Return the page of a reply.

        An empty page whose next position equals its start is regarded as the last page, even if the server does not
        mark it so, because a request for the next page would return the same page.
        """
        following = Position(reply.next_commit_position, reply.next_prepare_position)
        whole = schema.FilteredReadAllEventsCompleted
        events = page_events(reply, lambda: PositionedEvents(whole.FromString(payload).events))
        return AllPage(
            events,
            position=Position(reply.commit_position, reply.prepare_position),
            next_position=following,
            is_last=reply.is_end_of_stream or (not events and following == self._from_position),
            examined=self._examined(following),
        )

    def _examined(self, following: Position) -> Position | None:
        """Return the position up to which the server has examined all events, or None if it is not known.

        `following` is the position of the next page.
        """
        return None


class FilteredReadAllForward(_FilteredReadAll):
    """Read a page, oldest event first. An event at the given position is included."""

    command = Command.FILTERED_READ_ALL_EVENTS_FORWARD
    reply = Command.FILTERED_READ_ALL_EVENTS_FORWARD_COMPLETED
    denial = Command.READ_ALL_EVENTS_FORWARD_COMPLETED

    def _examined(self, following: Position) -> Position | None:
        """Return `following` if no event can be at that position, which is after a record without a transaction."""
        return following if following.prepare == 0 and following.commit > 0 else None


class FilteredReadAllBackward(_FilteredReadAll):
    """Read a page, newest event first. An event at the given position is not included."""

    command = Command.FILTERED_READ_ALL_EVENTS_BACKWARD
    reply = Command.FILTERED_READ_ALL_EVENTS_BACKWARD_COMPLETED
    denial = Command.READ_ALL_EVENTS_BACKWARD_COMPLETED


FILTERED_READ_ALL: dict[StreamDirection, type[_FilteredReadAll]] = {
    StreamDirection.FORWARD: FilteredReadAllForward,
    StreamDirection.BACKWARD: FilteredReadAllBackward,
}
