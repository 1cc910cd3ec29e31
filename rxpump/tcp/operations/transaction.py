"""Start, write and commit a transaction (docs/protocol/tcp.md, sections 3.3, 4.11).

A transaction belongs to the log of the server and not to a connection, so it can be continued on another connection.
Only a commit ends it. Its events are not visible before.

Which requests can be repeated if their outcome is unknown:

    start     yes, because an abandoned transaction does no harm
    write     no, because the server does not check its events, which would be in the transaction twice
    commit    yes, because the server recognizes the ids of the events
"""

from __future__ import annotations

from collections.abc import Sequence

from rxpump.model.new_events import NewEvent
from rxpump.model.positions import Position
from rxpump.model.results import WriteResult
from rxpump.tcp.operations.append import encode_with_events
from rxpump.tcp.operations.write_refusal import write_refusal
from rxpump.tcp.protocol.operation import Operation
from rxpump.tcp.protocol.outcome import Outcome, Success
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.codes import OperationResult
from rxpump.tcp.wire.commands import Command


def _ordering_key(transaction_id: int) -> str:
    return f"transaction {transaction_id}"


def _may_be_unknown(transaction_id: int) -> str:
    """Return a hint for errors: why version 23.10 may not reply, or may reply with PrepareTimeout.

    See docs/protocol/tcp.md, section 4.11.
    """
    return f"the server may have no transaction {transaction_id}"


class TransactionStart(Operation[int]):
    """The request TransactionStart. Its reply contains the id of the transaction.

    The server checks the expected version only at the commit.
    """

    command = Command.TRANSACTION_START
    reply = Command.TRANSACTION_START_COMPLETED

    def __init__(self, stream: str, expected_version: int, *, require_leader: bool) -> None:
        self.needs_leader: bool = require_leader
        self.stream = stream
        self.expected_version = expected_version
        self.payload: bytes = schema.TransactionStart(
            event_stream_id=stream, expected_version=expected_version, require_leader=require_leader
        ).SerializeToString()

    def answer(self, payload: bytes) -> Outcome[int]:
        """Return the id of the transaction, or the error."""
        reply = schema.TransactionStartCompleted.FromString(payload)
        if reply.result == OperationResult.SUCCESS:
            return Success(reply.transaction_id)
        return write_refusal(
            reply.result, reply.message, self.stream, asked=self, expected_version=self.expected_version
        )

    def __str__(self) -> str:
        return f"TransactionStart on {self.stream!r}"


class TransactionWrite(Operation[None]):
    """TransactionWrite. The server accepts every transaction id, even unknown ones.

    `stream` is not sent. It is only used in errors.
    """

    command = Command.TRANSACTION_WRITE
    reply = Command.TRANSACTION_WRITE_COMPLETED
    repeatable = False

    def __init__(self, stream: str, transaction_id: int, events: Sequence[NewEvent], *, require_leader: bool) -> None:
        self.needs_leader: bool = require_leader
        self.stream = stream
        self.transaction_id = transaction_id
        self.ordering_key: str = _ordering_key(transaction_id)
        self.silence_hint: str = _may_be_unknown(transaction_id)
        message = schema.TransactionWrite(transaction_id=transaction_id, require_leader=require_leader)
        self.payload: bytes = encode_with_events(message, events)

    def answer(self, payload: bytes) -> Outcome[None]:
        """Return success, or the error."""
        reply = schema.TransactionWriteCompleted.FromString(payload)
        if reply.result == OperationResult.SUCCESS:
            return Success(None)
        return write_refusal(reply.result, reply.message, self.stream, asked=self, hint=self.silence_hint)

    def __str__(self) -> str:
        return f"TransactionWrite {self.transaction_id} to {self.stream!r}"


class TransactionCommit(Operation[WriteResult]):
    """The request TransactionCommit. The server checks the expected version, and writes all events or none.

    `stream` and `expected_version` are for results and errors.
    """

    command = Command.TRANSACTION_COMMIT
    reply = Command.TRANSACTION_COMMIT_COMPLETED

    def __init__(
        self, stream: str, transaction_id: int, expected_version: int | None, *, require_leader: bool
    ) -> None:
        self.needs_leader: bool = require_leader
        self.stream = stream
        self.transaction_id = transaction_id
        self.expected_version = expected_version
        self.ordering_key: str = _ordering_key(transaction_id)
        self.silence_hint: str = _may_be_unknown(transaction_id)
        self.payload: bytes = schema.TransactionCommit(
            transaction_id=transaction_id, require_leader=require_leader
        ).SerializeToString()

    def answer(self, payload: bytes) -> Outcome[WriteResult]:
        """Return the result of the write, or the error."""
        reply = schema.TransactionCommitCompleted.FromString(payload)
        if reply.result == OperationResult.SUCCESS:
            return Success(self._written(reply))
        return write_refusal(
            reply.result,
            reply.message,
            self.stream,
            asked=self,
            expected_version=self.expected_version,
            hint=self.silence_hint,
        )

    def _written(self, reply: schema.TransactionCommitCompleted) -> WriteResult:
        """Return the result of a commit. Position 0, which a follower sends that forwarded it, becomes None."""
        is_known = reply.HasField("commit_position") and reply.commit_position > 0
        position = Position(reply.commit_position, reply.prepare_position) if is_known else None
        return WriteResult(self.stream, reply.first_event_number, reply.last_event_number, position)

    def __str__(self) -> str:
        return f"TransactionCommit {self.transaction_id} to {self.stream!r}"
