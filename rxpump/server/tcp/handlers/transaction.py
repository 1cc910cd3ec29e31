"""TransactionStart, -Write and -Commit (docs/protocol/tcp.md, section 4.11).

Only a start and a commit need a permission. A write to an unknown transaction is acknowledged and lost, and so is a
write after a commit, whatever the result of that commit. A repeated commit therefore decides about the same events as
the first one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from rxpump.discovery.member import NodeState
from rxpump.model.positions import ExpectedVersion
from rxpump.server.access.access import Permission
from rxpump.server.errors import StoreError
from rxpump.server.node import Node
from rxpump.server.store.append_rule import StreamDeleted, Unanswered, WrongVersion
from rxpump.server.store.changes import REPEATED_POSITION, Appended, AppendResult, NotCommitted, TimedOut
from rxpump.server.store.transaction import CommitRequest, ReservePositions
from rxpump.server.strictness import Strictness
from rxpump.server.tcp.request import (
    NO_NUMBER,
    TIMEOUTS,
    TOO_LARGE,
    BadPayload,
    Request,
    checked_event,
    checked_name,
    checked_version,
    encode,
    has_room,
)
from rxpump.server.transactions import Transaction
from rxpump.tcp.wire.codes import OperationResult
from rxpump.tcp.wire.commands import Command
from rxpump.tcp.wire.schema import (
    TransactionCommit,
    TransactionCommitCompleted,
    TransactionStart,
    TransactionStartCompleted,
    TransactionWrite,
    TransactionWriteCompleted,
)

Places = asyncio.Future[Sequence[int] | NotCommitted]
Committed = asyncio.Future[AppendResult | NotCommitted]

_OF_TRANSACTIONS: Final = (ExpectedVersion.ANY, ExpectedVersion.NO_STREAM)
_NO_TRANSACTION: Final = -1
_NOWHERE: Final = 0


def transaction_start(request: Request, node: Node) -> Places | None:
    """Answer a TransactionStart when its id is reserved. The expected version is checked at the commit."""
    message = request.read(TransactionStart)
    stream = checked_name(message.event_stream_id)
    expected = checked_version(message.expected_version, _OF_TRANSACTIONS)

    def reply(id: int, result: OperationResult, text: str | None = None) -> None:
        completed = TransactionStartCompleted(transaction_id=id, result=result, message=text)
        request.reply(Command.TRANSACTION_START_COMPLETED, encode(completed))

    def answer(taken: Places) -> None:
        match taken.result():
            case NotCommitted(_, TimedOut() as part):
                reply(_NO_TRANSACTION, TIMEOUTS[part], part.value)
            case NotCommitted(reason):
                request.fail(reason)
            case places:
                node.transactions.start(places[0], stream, expected)
                reply(places[0], OperationResult.SUCCESS)

    if not node.access.may(request.user, Permission.WRITE, stream):
        reply(_NO_TRANSACTION, OperationResult.ACCESS_DENIED, "Access denied.")
        return None
    pending = node.store.append(ReservePositions())
    pending.add_done_callback(answer)
    return pending


def transaction_write(request: Request, node: Node) -> Places | None:
    """Answer a TransactionWrite. The events are kept for the commit if the transaction exists."""
    message = request.read(TransactionWrite)
    id = _checked_id(message.transaction_id)
    events = [checked_event(event) for event in message.events]
    started = node.transactions.find(id)
    is_part = started is not None and not started.is_ended

    def reply(result: OperationResult, text: str | None = None) -> None:
        completed = TransactionWriteCompleted(transaction_id=id, result=result, message=text)
        request.reply(Command.TRANSACTION_WRITE_COMPLETED, encode(completed))

    def answer(taken: Places) -> None:
        match taken.result():
            case NotCommitted(_, TimedOut() as part):
                reply(TIMEOUTS[part], part.value)
            case NotCommitted(reason):
                request.fail(reason)
            case places:
                if is_part:
                    node.transactions.prepare(id, events, places)
                reply(OperationResult.SUCCESS)

    stream = "" if started is None else started.stream
    if not all(has_room(event, stream) for event in events):
        reply(OperationResult.INVALID_TRANSACTION, TOO_LARGE)
        return None
    pending = node.store.append(ReservePositions(len(events)))
    pending.add_done_callback(answer)
    if started is not None and is_part:
        started.last_write = pending
    return pending


def transaction_commit(request: Request, node: Node) -> Committed | None:
    """Answer a TransactionCommit when it is committed. It contains every write that was received before."""
    id = _checked_id(request.read(TransactionCommit).transaction_id)
    started, committed = node.transactions.find(id), node.store.read.transaction(id)

    def reply(payload: bytes) -> None:
        request.reply(Command.TRANSACTION_COMMIT_COMPLETED, payload)

    known = started or committed
    if known is None or not node.access.may(request.user, Permission.WRITE, known.stream):
        reply(_refused(id, OperationResult.ACCESS_DENIED, "Access denied."))
        return None
    if started is None:
        assert committed is not None
        reply(_succeeded(id, committed.first, committed.last, REPEATED_POSITION))
        return None

    def answer(pending: Committed) -> None:
        match pending.result():
            case NotCommitted(_, TimedOut() as part):
                reply(_refused(id, TIMEOUTS[part], part.value))
            case NotCommitted(reason):
                request.fail(reason)
            case Unanswered():
                pass
            case Appended(first, last, _) if node.membership.state is not NodeState.LEADER:
                reply(
                    _succeeded(id, first, last, _NOWHERE)
                )  # A real follower loses the position when it forwards the request.
            case decided:
                reply(_answer(id, decided))

    started.is_ended = True
    pending = _commit(id, started, node)
    pending.add_done_callback(answer)
    return pending


def _commit(id: int, transaction: Transaction, node: Node) -> Committed:
    """Commit after the writes that are still pending."""
    if transaction.last_write is None:
        return node.store.append(_request(id, transaction, node.strictness))
    committed: Committed = asyncio.get_running_loop().create_future()

    def commit(_written: asyncio.Future[Any]) -> None:  # This is called after the reply to that write.
        try:
            pending = node.store.append(_request(id, transaction, node.strictness))
        except StoreError as closed:
            committed.set_result(NotCommitted(closed.reason))
        else:
            pending.add_done_callback(lambda outcome: committed.set_result(outcome.result()))

    transaction.last_write.add_done_callback(commit)
    return committed


def _request(id: int, transaction: Transaction, strictness: Strictness) -> CommitRequest:
    prepared = tuple(transaction.prepared)
    return CommitRequest(id, transaction.stream, transaction.expected_version, prepared, strictness)


def _checked_id(id: int) -> int:
    if id < 0:
        raise BadPayload
    return id


def _answer(id: int, outcome: Appended | WrongVersion | StreamDeleted) -> bytes:
    match outcome:
        case Appended(first, last, position):
            return _succeeded(id, first, last, position)
        case WrongVersion():
            return _refused(id, OperationResult.WRONG_EXPECTED_VERSION, "Wrong expected version.")
        case StreamDeleted():
            return _refused(id, OperationResult.STREAM_DELETED, "Stream is deleted.")


def _succeeded(id: int, first: int, last: int, position: int) -> bytes:
    return _completed(id, OperationResult.SUCCESS, "", first, last, position)


def _refused(id: int, result: OperationResult, text: str) -> bytes:
    return _completed(id, result, text, NO_NUMBER, NO_NUMBER, _NOWHERE)


def _completed(id: int, result: OperationResult, text: str, first: int, last: int, position: int) -> bytes:
    return encode(
        TransactionCommitCompleted(
            transaction_id=id,
            result=result,
            message=text,
            first_event_number=first,
            last_event_number=last,
            prepare_position=position,
            commit_position=position,
        )
    )
