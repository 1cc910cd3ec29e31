from __future__ import annotations

from typing import Any

import pytest

from rxpump.errors import (
    AccessDenied,
    CommitTimeout,
    ForwardTimeout,
    InvalidTransaction,
    PrepareTimeout,
    StreamDeleted,
    WrongExpectedVersion,
)
from rxpump.model.positions import Position
from rxpump.model.results import DeleteResult
from rxpump.tcp.operations.delete_stream import DeleteStream
from rxpump.tcp.protocol.outcome import Failure, Retry, Success
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.codes import OperationResult
from tests.tcp.operations.cases import answer, assert_each_code_is_named, reply

DELETE = DeleteStream("ponies", 3, hard=False, require_leader=True)


@pytest.mark.parametrize("hard", [False, True])
def test_the_request_contains_all_arguments(hard: bool) -> None:
    delete = DeleteStream("ponies", -2, hard=hard, require_leader=False)
    assert schema.DeleteStream.FromString(delete.payload) == schema.DeleteStream(
        event_stream_id="ponies", expected_version=-2, require_leader=False, hard_delete=hard
    )


def test_each_result_is_named() -> None:
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
    assert_each_code_is_named(DELETE, schema.DeleteStreamCompleted, OperationResult, outcomes)


@pytest.mark.parametrize(
    ("fields", "position"),
    [
        ({"prepare_position": 1690, "commit_position": 1690}, Position(1690, 1690)),
        ({"prepare_position": -1, "commit_position": -1}, None),
        ({}, None),
    ],
)
def test_the_result_has_the_position_if_the_server_sends_it(
    fields: dict[str, int], position: Position | None
) -> None:
    assert answer(DELETE, schema.DeleteStreamCompleted(result=0, **fields)) == DeleteResult("ponies", position)


@pytest.mark.parametrize(("fields", "current"), [({"current_version": 5}, 5), ({}, None)])
def test_wrong_expected_version_has_the_current_version_if_sent(fields: dict[str, int], current: Any) -> None:
    outcome = reply(DELETE, schema.DeleteStreamCompleted(result=OperationResult.WRONG_EXPECTED_VERSION, **fields))
    assert isinstance(outcome, Failure)
    error = outcome.error
    assert isinstance(error, WrongExpectedVersion)
    assert (error.stream, error.expected, error.current) == ("ponies", 3, current)


def test_access_denied_names_action_and_stream() -> None:
    outcome = reply(DELETE, schema.DeleteStreamCompleted(result=OperationResult.ACCESS_DENIED))
    assert isinstance(outcome, Failure)
    assert str(outcome.error) == "an anonymous user (nobody is logged in) may not delete 'ponies'"


def test_a_delete_is_ordered_with_the_appends_of_its_stream() -> None:
    assert str(DELETE) == "DeleteStream 'ponies'"
    assert DELETE.ordering_key == "ponies"
