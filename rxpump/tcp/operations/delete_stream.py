"""Delete a stream: softly, so that it can be written again, or permanently."""

from __future__ import annotations

from rxpump.model.positions import Position
from rxpump.model.results import DeleteResult
from rxpump.tcp.operations.write_refusal import write_refusal
from rxpump.tcp.protocol.operation import Operation
from rxpump.tcp.protocol.outcome import Outcome, Success
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.codes import OperationResult
from rxpump.tcp.wire.commands import Command


class DeleteStream(Operation[DeleteResult]):
    """The request DeleteStream (docs/protocol/tcp.md, sections 3.3, 4.5).

    It can be repeated, although the server does not recognize a repeated delete. A second soft delete changes
    nothing. A second hard delete is answered with StreamDeleted, which also means that the stream is deleted.
    """

    command = Command.DELETE_STREAM
    reply = Command.DELETE_STREAM_COMPLETED

    def __init__(self, stream: str, expected_version: int, *, hard: bool, require_leader: bool) -> None:
        self.needs_leader: bool = require_leader
        self.stream: str = stream
        self.ordering_key: str = stream
        self.expected_version = expected_version
        self.payload: bytes = schema.DeleteStream(
            event_stream_id=stream,
            expected_version=expected_version,
            require_leader=require_leader,
            hard_delete=hard,
        ).SerializeToString()

    def answer(self, payload: bytes) -> Outcome[DeleteResult]:
        """Return the result of the delete, or its error."""
        reply = schema.DeleteStreamCompleted.FromString(payload)
        if reply.result == OperationResult.SUCCESS:
            is_known = reply.HasField("commit_position") and reply.commit_position >= 0
            position = Position(reply.commit_position, reply.prepare_position) if is_known else None
            return Success(DeleteResult(self.stream, position))
        return write_refusal(
            reply.result,
            reply.message,
            self.stream,
            asked=self,
            doing="delete",
            expected_version=self.expected_version,
            current_version=reply.current_version if reply.HasField("current_version") else None,
        )

    def __str__(self) -> str:
        return f"DeleteStream {self.stream!r}"
