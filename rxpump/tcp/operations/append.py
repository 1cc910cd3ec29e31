"""Append events to a stream, all or none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rxpump.errors import InvalidArgument
from rxpump.model.limits import MAX_FRAME_BYTES
from rxpump.model.new_events import NewEvent
from rxpump.model.positions import Position
from rxpump.model.results import WriteResult
from rxpump.tcp.operations.operation import Operation
from rxpump.tcp.operations.write_refusal import write_refusal
from rxpump.tcp.protocol.outcome import Outcome, Success
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.codes import JSON_CONTENT, OperationResult
from rxpump.tcp.wire.commands import Command
from rxpump.tcp.wire.package import HEADER_BYTES


def add_events(message: Any, events: Sequence[NewEvent]) -> None:
    """Put events into the message that writes them."""
    add = message.events.add
    for event in events:
        add(
            event_id=event.id_bytes,
            event_type=event.type,
            data_content_type=JSON_CONTENT if event.is_json else 0,
            metadata_content_type=0,
            data=event.data,
            metadata=event.metadata or None,
        )


def check_size(payload: bytes, events: Sequence[NewEvent]) -> None:
    """Refuse what no frame can hold. Raises InvalidArgument."""
    if HEADER_BYTES + len(payload) > MAX_FRAME_BYTES:
        # The server would close the connection, and close it again each time this is repeated.
        shown = f"{len(events)} events of {len(payload)} bytes"
        raise InvalidArgument("events", shown, f"{MAX_FRAME_BYTES} bytes in one atomic write, its frame included")


class Append(Operation[WriteResult]):
    """WriteEvents (docs/protocol/tcp.md, sections 3.3, 4.2 to 4.4).

    Repeatable, because the events carry their ids: the server recognises a write that it has done, for
    ever under an exact expected version, as best effort under ANY. Raises InvalidArgument for events that no
    frame can hold.
    """

    command = Command.WRITE_EVENTS
    reply = Command.WRITE_EVENTS_COMPLETED

    def __init__(
        self, stream: str, events: Sequence[NewEvent], expected_version: int, *, require_leader: bool
    ) -> None:
        self.stream: str = stream
        self.lane: str = stream
        self.expected_version = expected_version
        message = schema.WriteEvents(
            event_stream_id=stream, expected_version=expected_version, require_leader=require_leader
        )
        add_events(message, events)
        self.payload: bytes = message.SerializeToString()
        check_size(self.payload, events)

    def answer(self, payload: bytes) -> Outcome[WriteResult]:
        """What was written, or why not."""
        reply = schema.WriteEventsCompleted.FromString(payload)
        if reply.result == OperationResult.SUCCESS:
            return Success(self._written(reply))
        return write_refusal(
            reply.result,
            reply.message,
            self.stream,
            asked=self,
            expected_version=self.expected_version,
            current_version=reply.current_version if reply.HasField("current_version") else None,
        )

    def _written(self, reply: schema.WriteEventsCompleted) -> WriteResult:
        """A write recognised as done before says -1 for its position, which is no place to start from."""
        is_known = reply.HasField("commit_position") and reply.commit_position >= 0
        position = Position(reply.commit_position, reply.prepare_position) if is_known else None
        return WriteResult(self.stream, reply.first_event_number, reply.last_event_number, position)

    def __str__(self) -> str:
        return f"WriteEvents to {self.stream!r}"
