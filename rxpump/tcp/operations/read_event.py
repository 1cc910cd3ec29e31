"""Read one event by its number."""

from __future__ import annotations

from rxpump.errors import (
    AccessDenied,
    EventNotFound,
    ReadFailed,
    StreamDeleted,
    StreamNotFound,
    UnexpectedReply,
)
from rxpump.model.events import Event
from rxpump.model.metrics import RequestKind
from rxpump.tcp.protocol.operation import Operation
from rxpump.tcp.protocol.outcome import Failure, Outcome, Success
from rxpump.tcp.records import indexed_event
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.codes import ReadEventResult
from rxpump.tcp.wire.commands import Command


class ReadEvent(Operation[Event]):
    """The request ReadEvent (docs/protocol/tcp.md, sections 3.4, 4.6). Number -1 is the last event of the stream."""

    command = Command.READ_EVENT
    reply = Command.READ_EVENT_COMPLETED
    kind = RequestKind.READ

    def __init__(self, stream: str, number: int, *, resolve_links: bool, require_leader: bool) -> None:
        self.stream = stream
        self.number = number
        self.payload: bytes = schema.ReadEvent(
            event_stream_id=stream,
            event_number=number,
            resolve_link_tos=resolve_links,
            require_leader=require_leader,
        ).SerializeToString()

    def answer(self, payload: bytes) -> Outcome[Event]:
        """Return the event, or the error for the result."""
        reply = schema.ReadEventCompleted.FromString(payload)
        match reply.result:
            case ReadEventResult.SUCCESS:
                # Success without an event means that no metadata was ever set (docs/protocol/tcp.md, section 4.6).
                found = reply.event.HasField("event") or reply.event.HasField("link")
                if not found:
                    return Failure(EventNotFound(self.stream, self.number))
                return Success(indexed_event(reply.event))
            case ReadEventResult.NOT_FOUND:
                return Failure(EventNotFound(self.stream, self.number))
            case ReadEventResult.NO_STREAM:
                return Failure(StreamNotFound(self.stream))
            case ReadEventResult.STREAM_DELETED:
                return Failure(StreamDeleted(self.stream))
            case ReadEventResult.ERROR:
                return Failure(ReadFailed(self.stream, reply.error))
            case ReadEventResult.ACCESS_DENIED:
                return Failure(AccessDenied("read", self.stream))
            case unknown:
                return Failure(UnexpectedReply(str(self), f"the unknown result {unknown}"))

    def __str__(self) -> str:
        return f"ReadEvent {self.number}@{self.stream!r}"
