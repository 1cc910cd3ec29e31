"""Read a page of a stream, in either direction."""

from __future__ import annotations

from abc import ABC

from rxpump.errors import AccessDenied, ReadFailed, StreamDeleted, StreamNotFound, UnexpectedReply
from rxpump.model.metrics import RequestKind
from rxpump.model.pages import StreamPage
from rxpump.model.positions import StreamDirection
from rxpump.tcp.protocol.operation import Operation
from rxpump.tcp.protocol.outcome import Failure, Outcome, Success
from rxpump.tcp.records import IndexedEvents, page_events
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.codes import ReadStreamResult
from rxpump.tcp.wire.commands import Command


class _ReadStream(Operation[StreamPage], ABC):
    """The request ReadStreamEvents (docs/protocol/tcp.md, sections 3.4, 4.6)."""

    kind = RequestKind.READ

    def __init__(
        self, stream: str, from_event: int, max_count: int, *, resolve_links: bool, require_leader: bool
    ) -> None:
        self.stream = stream
        self.reply_is_large: bool = max_count > 1
        self.payload: bytes = schema.ReadStreamEvents(
            event_stream_id=stream,
            from_event_number=from_event,
            max_count=max_count,
            resolve_link_tos=resolve_links,
            require_leader=require_leader,
        ).SerializeToString()

    def answer(self, payload: bytes) -> Outcome[StreamPage]:
        """Return the page, or the error for the result."""
        reply = schema.ReadStreamEventsColumns.FromString(payload)
        match reply.result:
            case ReadStreamResult.SUCCESS:
                return Success(self._page(reply, payload))
            case ReadStreamResult.NO_STREAM:
                return Failure(StreamNotFound(self.stream))
            case ReadStreamResult.STREAM_DELETED:
                return Failure(StreamDeleted(self.stream))
            case ReadStreamResult.NOT_MODIFIED:
                return Failure(UnexpectedReply(str(self), "NotModified, which is for HTTP"))
            case ReadStreamResult.ERROR:
                return Failure(ReadFailed(self.stream, reply.error))
            case ReadStreamResult.ACCESS_DENIED:
                return Failure(AccessDenied("read", self.stream))
            case unknown:
                return Failure(UnexpectedReply(str(self), f"the unknown result {unknown}"))

    def _page(self, reply: schema.ReadStreamEventsColumns, payload: bytes) -> StreamPage:
        return StreamPage(
            page_events(reply, lambda: IndexedEvents(schema.ReadStreamEventsCompleted.FromString(payload).events)),
            stream=self.stream,
            next_event_number=reply.next_event_number,
            last_event_number=reply.last_event_number,
            is_end_of_stream=reply.is_end_of_stream,
        )

    def __str__(self) -> str:
        return f"{super().__str__()} of {self.stream!r}"


class ReadStreamForward(_ReadStream):
    """Read a page from an event number upward, oldest event first."""

    command = Command.READ_STREAM_EVENTS_FORWARD
    reply = Command.READ_STREAM_EVENTS_FORWARD_COMPLETED


class ReadStreamBackward(_ReadStream):
    """Read a page from an event number downward, newest event first; -1 is the last event."""

    command = Command.READ_STREAM_EVENTS_BACKWARD
    reply = Command.READ_STREAM_EVENTS_BACKWARD_COMPLETED


READ_STREAM: dict[StreamDirection, type[_ReadStream]] = {
    StreamDirection.FORWARD: ReadStreamForward,
    StreamDirection.BACKWARD: ReadStreamBackward,
}
