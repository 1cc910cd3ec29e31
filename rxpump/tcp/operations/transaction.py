"""An explicit transaction in its three steps (docs/protocol/tcp.md, sections 3.3, 4.11).

A transaction is a place in the server's log, and knows nothing of connections: it can be written to and committed
on another one. Nothing ends it but its commit; one that is not committed is never seen.

What may be repeated after an unknown outcome differs by step. A start: what it may have begun before is left
behind. A commit: the server recognises it by the ids of its events, as any write. A write into a transaction is
taken unseen, each time it comes, so it is not repeated: its events could be in the transaction twice.
"""

from __future__ import annotations

from collections.abc import Sequence

from rxpump.model.new_events import NewEvent
from rxpump.model.positions import Position
from rxpump.model.results import WriteResult
from rxpump.tcp.operations.append import add_events, check_size
from rxpump.tcp.operations.operation import Operation
from rxpump.tcp.operations.write_refusal import write_refusal
from rxpump.tcp.protocol.outcome import Outcome, Success
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.codes import OperationResult
from rxpump.tcp.wire.commands import Command


def _lane(transaction_id: int) -> str:
    return f"transaction {transaction_id}"


def _may_be_unknown(transaction_id: int) -> str:
    """Explain why a server of version 23.10 does not answer, or answers with PrepareTimeout.

    See docs/protocol/tcp.md, section 4.11.
    """
    return f"the server may not know transaction {transaction_id}"


class TransactionStart(Operation[int]):
    """Answered with the transaction's id; the expected version is looked at only by the commit."""

    command = Command.TRANSACTION_START
    reply = Command.TRANSACTION_START_COMPLETED

    def __init__(self, stream: str, expected_version: int, *, require_leader: bool) -> None:
        self.stream = stream
        self.expected_version = expected_version
        self.payload: bytes = schema.TransactionStart(
            event_stream_id=stream, expected_version=expected_version, require_leader=require_leader
        ).SerializeToString()

    def answer(self, payload: bytes) -> Outcome[int]:
        """The transaction's id, or why there is none."""
        reply = schema.TransactionStartCompleted.FromString(payload)
        if reply.result == OperationResult.SUCCESS:
            return Success(reply.transaction_id)
        return write_refusal(
            reply.result, reply.message, self.stream, asked=self, expected_version=self.expected_version
        )

    def __str__(self) -> str:
        return f"TransactionStart on {self.stream!r}"


class TransactionWrite(Operation[None]):
    """Taken unseen, whatever the id. `stream` is for errors."""

    command = Command.TRANSACTION_WRITE
    reply = Command.TRANSACTION_WRITE_COMPLETED
    repeatable = False

    def __init__(self, stream: str, transaction_id: int, events: Sequence[NewEvent], *, require_leader: bool) -> None:
        self.stream = stream
        self.transaction_id = transaction_id
        self.lane: str = _lane(transaction_id)
        self.silence: str = _may_be_unknown(transaction_id)
        message = schema.TransactionWrite(transaction_id=transaction_id, require_leader=require_leader)
        add_events(message, events)
        self.payload: bytes = message.SerializeToString()
        check_size(self.payload, events)

    def answer(self, payload: bytes) -> Outcome[None]:
        """Whether it was taken."""
        reply = schema.TransactionWriteCompleted.FromString(payload)
        if reply.result == OperationResult.SUCCESS:
            return Success(None)
        return write_refusal(reply.result, reply.message, self.stream, asked=self, hint=self.silence)

    def __str__(self) -> str:
        return f"TransactionWrite {self.transaction_id} to {self.stream!r}"


class TransactionCommit(Operation[WriteResult]):
    """Checks the version that was expected at the start, and writes everything as one write, or nothing.

    `stream` and `expected_version` are for results and errors.
    """

    command = Command.TRANSACTION_COMMIT
    reply = Command.TRANSACTION_COMMIT_COMPLETED

    def __init__(
        self, stream: str, transaction_id: int, expected_version: int | None, *, require_leader: bool
    ) -> None:
        self.stream = stream
        self.transaction_id = transaction_id
        self.expected_version = expected_version
        self.lane: str = _lane(transaction_id)
        self.silence: str = _may_be_unknown(transaction_id)
        self.payload: bytes = schema.TransactionCommit(
            transaction_id=transaction_id, require_leader=require_leader
        ).SerializeToString()

    def answer(self, payload: bytes) -> Outcome[WriteResult]:
        """What was written, or why not."""
        reply = schema.TransactionCommitCompleted.FromString(payload)
        if reply.result == OperationResult.SUCCESS:
            return Success(self._written(reply))
        return write_refusal(
            reply.result,
            reply.message,
            self.stream,
            asked=self,
            expected_version=self.expected_version,
            hint=self.silence,
        )

    def _written(self, reply: schema.TransactionCommitCompleted) -> WriteResult:
        """Zero is no event's position: that is what a commit forwarded by a follower says."""
        is_known = reply.HasField("commit_position") and reply.commit_position > 0
        position = Position(reply.commit_position, reply.prepare_position) if is_known else None
        return WriteResult(self.stream, reply.first_event_number, reply.last_event_number, position)

    def __str__(self) -> str:
        return f"TransactionCommit {self.transaction_id} to {self.stream!r}"
