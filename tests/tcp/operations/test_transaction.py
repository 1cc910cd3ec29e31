from __future__ import annotations

from typing import Any

import pytest

from rxpump.errors import (
    AccessDenied,
    CommitTimeout,
    ForwardTimeout,
    InvalidArgument,
    InvalidTransaction,
    PrepareTimeout,
    StreamDeleted,
    WrongExpectedVersion,
)
from rxpump.model.new_events import NewEvent
from rxpump.model.positions import Position
from rxpump.model.results import WriteResult
from rxpump.tcp.operations import append as append_module
from rxpump.tcp.operations.transaction import TransactionCommit, TransactionStart, TransactionWrite
from rxpump.tcp.protocol.operation import Operation
from rxpump.tcp.protocol.outcome import Failure, Retry, Success
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.codes import OperationResult
from tests.tcp.operations.cases import answer, assert_each_code_is_named, reply

EVENT = NewEvent("T", {"n": 1})
START = TransactionStart("ponies", 3, require_leader=True)
WRITE = TransactionWrite("ponies", 1690, [EVENT], require_leader=True)
COMMIT = TransactionCommit("ponies", 1690, 3, require_leader=True)


def test_the_requests_contain_all_arguments() -> None:
    assert schema.TransactionStart.FromString(START.payload) == schema.TransactionStart(
        event_stream_id="ponies", expected_version=3, require_leader=True
    )
    written = schema.TransactionWrite.FromString(WRITE.payload)
    assert (written.transaction_id, written.require_leader) == (1690, True)
    assert [(each.event_type, each.data, each.event_id) for each in written.events] == [
        ("T", b'{"n":1}', EVENT.id_bytes)
    ]
    assert schema.TransactionCommit.FromString(COMMIT.payload) == schema.TransactionCommit(
        transaction_id=1690, require_leader=True
    )


@pytest.mark.parametrize(
    ("operation", "message"),
    [
        (START, schema.TransactionStartCompleted),
        (WRITE, schema.TransactionWriteCompleted),
        (COMMIT, schema.TransactionCommitCompleted),
    ],
    ids=str,
)
def test_each_result_is_named(operation: Operation[Any], message: Any) -> None:
    outcomes: dict[OperationResult, Any] = {
        OperationResult.SUCCESS: Success,
        OperationResult.PREPARE_TIMEOUT: (Retry, PrepareTimeout),
        OperationResult.COMMIT_TIMEOUT: (Retry, CommitTimeout),
        OperationResult.FORWARD_TIMEOUT: (Retry, ForwardTimeout),
        OperationResult.WRONG_EXPECTED_VERSION: (Failure, WrongExpectedVersion),
        OperationResult.STREAM_DELETED: (Failure, StreamDeleted),
        OperationResult.INVALID_TRANSACTION: (Failure, InvalidTransaction),
        OperationResult.ACCESS_DENIED: (Failure, AccessDenied),
    }
    assert_each_code_is_named(operation, message, OperationResult, outcomes)


def test_a_start_returns_the_id_of_the_transaction() -> None:
    assert answer(START, schema.TransactionStartCompleted(transaction_id=1690, result=0)) == 1690


@pytest.mark.parametrize(
    ("fields", "position"),
    [
        ({"prepare_position": 2195, "commit_position": 2195}, Position(2195, 2195)),
        ({"prepare_position": -1, "commit_position": -1}, None),  # The transaction was committed before.
        ({"prepare_position": 0, "commit_position": 0}, None),  # A follower has forwarded the request.
    ],
)
def test_a_commit_returns_the_written_range(fields: dict[str, int], position: Position | None) -> None:
    message = schema.TransactionCommitCompleted(
        transaction_id=1690, result=0, first_event_number=0, last_event_number=2, **fields
    )
    assert answer(COMMIT, message) == WriteResult("ponies", 0, 2, position)


@pytest.mark.parametrize(("expected", "text"), [(3, "at version 3"), (None, "at another version")])
def test_a_refused_commit_names_the_expected_version_if_known(expected: int | None, text: str) -> None:
    commit = TransactionCommit("ponies", 1690, expected, require_leader=True)
    outcome = reply(commit, schema.TransactionCommitCompleted(result=OperationResult.WRONG_EXPECTED_VERSION))
    assert isinstance(outcome, Failure)
    assert text in str(outcome.error)


def test_only_a_write_is_not_repeatable() -> None:
    assert (START.repeatable, WRITE.repeatable, COMMIT.repeatable) == (True, False, True)


def test_the_requests_of_one_transaction_keep_their_order() -> None:
    assert WRITE.ordering_key == COMMIT.ordering_key
    assert WRITE.ordering_key != TransactionWrite("ponies", 1691, [EVENT], require_leader=True).ordering_key


def test_a_write_larger_than_a_frame_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(append_module, "MAX_FRAME_BYTES", 18 + len(WRITE.payload) - 1)
    with pytest.raises(InvalidArgument, match="bytes in one atomic write"):
        TransactionWrite("ponies", 1690, [EVENT], require_leader=True)
