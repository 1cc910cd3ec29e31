"""Transactions (docs/protocol/tcp.md, section 4.11): nothing is checked before the commit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from rxpump.tcp.wire import schema
from tests.server.model.access import WRITE, User, may
from tests.server.model.append import (
    DENIED,
    NO_NUMBER,
    SUCCESS,
    TEXTS,
    BadRequest,
    check_version,
    decide,
    write_and_undelete,
)
from tests.server.model.log import Log


@dataclass
class Transaction:
    """A transaction; `prepares` are the places of its events, and `is_ended` is True after its first commit."""

    stream: str
    expected: int
    events: list[Any] = field(default_factory=list)
    prepares: list[int] = field(default_factory=list)
    is_ended: bool = False


class Transactions:
    """The started transactions by id, which is a place in the log."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self.started: dict[int, Transaction] = {}

    def start(self, user: User, request: Any) -> Any:
        stream = request.event_stream_id
        if not stream:
            raise BadRequest
        check_version(request.expected_version)
        if not may(self.log, user, WRITE, stream):
            return schema.TransactionStartCompleted(transaction_id=-1, result=DENIED, message=TEXTS[DENIED])
        transaction_id = self.log.reserve_position()
        self.started[transaction_id] = Transaction(stream, request.expected_version)
        return schema.TransactionStartCompleted(transaction_id=transaction_id, result=SUCCESS)

    def write(self, user: User, request: Any) -> Any:
        if request.transaction_id < 0 or not all(event.event_type for event in request.events):
            raise BadRequest
        transaction = self.started.get(request.transaction_id)
        for event in request.events:
            place = self.log.reserve_position()
            if transaction is not None and not transaction.is_ended:
                transaction.events.append(event)
                transaction.prepares.append(place)
        return schema.TransactionWriteCompleted(transaction_id=request.transaction_id, result=SUCCESS)

    def commit(self, user: User, request: Any) -> Any:
        if request.transaction_id < 0:
            raise BadRequest
        transaction = self.started.get(request.transaction_id)
        if transaction is None or not may(self.log, user, WRITE, transaction.stream):
            return self._refusal(request.transaction_id, DENIED)
        transaction.is_ended = True
        ids = [event.event_id for event in transaction.events]
        decision = decide(self.log, transaction.stream, transaction.expected, ids)
        if decision.result != SUCCESS:
            return self._refusal(request.transaction_id, decision.result)
        first, last, position = decision.first, decision.last, -1
        if first is None:
            first = self.log.last_for_writers(transaction.stream) + 1
            last = first + len(ids) - 1
            position = write_and_undelete(self.log, transaction.stream, transaction.events, transaction.prepares)
        return schema.TransactionCommitCompleted(
            transaction_id=request.transaction_id,
            result=SUCCESS,
            message="",
            first_event_number=first,
            last_event_number=last,
            prepare_position=position,
            commit_position=position,
        )

    def _refusal(self, transaction_id: int, result: int) -> Any:
        return schema.TransactionCommitCompleted(
            transaction_id=transaction_id,
            result=result,
            message=TEXTS[result],
            first_event_number=NO_NUMBER,
            last_event_number=NO_NUMBER,
            prepare_position=0,
            commit_position=0,
        )
