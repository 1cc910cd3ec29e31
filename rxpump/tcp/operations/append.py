"""Append events to a stream as one atomic write."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rxpump.errors import InvalidArgument
from rxpump.model.metrics import RequestKind
from rxpump.model.new_events import NewEvent
from rxpump.model.positions import Position
from rxpump.model.results import WriteResult
from rxpump.tcp.operations.write_refusal import write_refusal
from rxpump.tcp.protocol.operation import Operation
from rxpump.tcp.protocol.outcome import Outcome, Success
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.codes import JSON_CONTENT, OperationResult
from rxpump.tcp.wire.commands import Command
from rxpump.tcp.wire.limits import MAX_FRAME_BYTES
from rxpump.tcp.wire.package import HEADER_BYTES


def encode_with_events(message: Any, events: Sequence[NewEvent]) -> bytes:
    """Add events to the message that writes them, and return the encoded message.

    Raises:
        InvalidArgument: The message does not fit into one frame.
    """
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
    payload: bytes = message.SerializeToString()
    if HEADER_BYTES + len(payload) > MAX_FRAME_BYTES:
        # A server would close the connection at each attempt to send them.
        shown = f"{len(events)} events of {len(payload)} bytes"
        raise InvalidArgument("events", shown, f"{MAX_FRAME_BYTES} bytes in one atomic write, its frame included")
    return payload


class Append(Operation[WriteResult]):
    """The request WriteEvents (docs/protocol/tcp.md, sections 3.3, 4.2 to 4.4).

    It can be repeated, because the server recognizes the ids of the events: forever with an exact expected version,
    and as best effort with ANY.

    Raises:
        InvalidArgument: The events do not fit into one frame.
    """

    command = Command.WRITE_EVENTS
    reply = Command.WRITE_EVENTS_COMPLETED
    kind = RequestKind.APPEND

    def __init__(
        self, stream: str, events: Sequence[NewEvent], expected_version: int, *, require_leader: bool
    ) -> None:
        self.needs_leader: bool = require_leader
        self.stream: str = stream
        self.ordering_key: str = stream
        self.expected_version = expected_version
        message = schema.WriteEvents(
            event_stream_id=stream, expected_version=expected_version, require_leader=require_leader
        )
        self.payload: bytes = encode_with_events(message, events)

    def answer(self, payload: bytes) -> Outcome[WriteResult]:
        """Return the result of the write, or its error."""
        reply = schema.WriteEventsCompleted.FromString(payload)
        if reply.result == OperationResult.SUCCESS:
            commit = reply.commit_position if reply.HasField("commit_position") else -1
            position = Position(commit, reply.prepare_position) if commit >= 0 else None  # -1 for a repeated write
            return Success(WriteResult(self.stream, reply.first_event_number, reply.last_event_number, position))
        return write_refusal(
            reply.result,
            reply.message,
            self.stream,
            asked=self,
            expected_version=self.expected_version,
            current_version=reply.current_version if reply.HasField("current_version") else None,
        )

    def __str__(self) -> str:
        return f"WriteEvents to {self.stream!r}"
