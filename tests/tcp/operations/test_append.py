from __future__ import annotations

from typing import Any
from uuid import UUID

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
from rxpump.tcp.operations.append import Append
from rxpump.tcp.protocol.outcome import Failure, Retry, Success
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.codes import OperationResult
from rxpump.tcp.wire.commands import Command
from rxpump.tcp.wire.package import Package
from tests.tcp.operations.cases import ID, answer, assert_each_code_is_named, reply

EVENT = NewEvent("T", b"{}", is_json=True, id=UUID("01020304-0506-0708-090a-0b0c0d0e0f10"))
APPEND = Append("ponies", [EVENT], 3, require_leader=True)


def test_the_payload_equals_the_documented_example() -> None:
    """See docs/protocol/tcp.md, section 8."""
    append = Append("vec-cfe1", [EVENT], -2, require_leader=False)
    assert append.payload == bytes.fromhex(
        "0a087665632d63666531 10feffffffffffffffff01"
        "1a1d 0a100403020106050807090a0b0c0d0e0f10 120154 1801 2000 2a027b7d 2000"
    )


def test_the_request_contains_json_binary_and_empty_events() -> None:
    events = [
        NewEvent("json", {"Height": 10}, metadata={"judge": "Applejack"}),
        NewEvent("binary", b"\x00\xff", metadata=b"\x01"),
        NewEvent("nothing"),
    ]
    sent = schema.WriteEvents.FromString(Append("ponies", events, -1, require_leader=True).payload)
    assert (sent.event_stream_id, sent.expected_version, sent.require_leader) == ("ponies", -1, True)
    assert [(each.event_type, each.data_content_type, each.data, each.metadata) for each in sent.events] == [
        ("json", 1, b'{"Height":10}', b'{"judge":"Applejack"}'),
        ("binary", 0, b"\x00\xff", b"\x01"),
        ("nothing", 0, b"", b""),
    ]
    assert [each.event_id for each in sent.events] == [event.id_bytes for event in events]
    assert all(each.HasField("data") and each.HasField("metadata_content_type") for each in sent.events), "required"


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
    assert_each_code_is_named(APPEND, schema.WriteEventsCompleted, OperationResult, outcomes)


def test_a_success_returns_the_written_range() -> None:
    """The reply is that of docs/protocol/tcp.md, section 8, with the position 1690."""
    payload = bytes.fromhex("0800 1800 2000 28 9a0d 30 9a0d 3800")
    outcome = APPEND.interpret(Package(Command.WRITE_EVENTS_COMPLETED, ID, payload))
    assert outcome == Success(WriteResult("ponies", 0, 0, Position(1690, 1690)))


@pytest.mark.parametrize("positions", [{"prepare_position": -1, "commit_position": -1}, {}])
def test_a_write_known_to_be_done_has_no_position(positions: dict[str, int]) -> None:
    message = schema.WriteEventsCompleted(result=0, first_event_number=4, last_event_number=6, **positions)
    assert answer(APPEND, message) == WriteResult("ponies", 4, 6, None)


def test_the_last_number_of_an_empty_write_precedes_the_first() -> None:
    message = schema.WriteEventsCompleted(result=0, first_event_number=0, last_event_number=-1, commit_position=9)
    written = answer(APPEND, message)
    assert (written.first_event_number, written.last_event_number) == (0, -1)


@pytest.mark.parametrize(
    ("fields", "current"), [({"current_version": 5}, 5), ({"current_version": -1}, -1), ({}, None)]
)
def test_wrong_expected_version_has_the_current_version(fields: dict[str, int], current: int | None) -> None:
    outcome = reply(APPEND, schema.WriteEventsCompleted(result=OperationResult.WRONG_EXPECTED_VERSION, **fields))
    assert isinstance(outcome, Failure)
    error = outcome.error
    assert isinstance(error, WrongExpectedVersion)
    assert (error.stream, error.expected, error.current) == ("ponies", 3, current)


def test_a_timeout_contains_the_message_of_the_server() -> None:
    outcome = reply(
        APPEND, schema.WriteEventsCompleted(result=OperationResult.COMMIT_TIMEOUT, message="Commit phase timeout.")
    )
    assert isinstance(outcome, Retry)
    assert str(outcome.error) == "it is not known whether the write to 'ponies' happened: Commit phase timeout."


def test_a_write_larger_than_a_frame_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    limit = 18 + len(APPEND.payload)
    monkeypatch.setattr(append_module, "MAX_FRAME_BYTES", limit)
    assert Append("ponies", [EVENT], 3, require_leader=True).payload == APPEND.payload
    with pytest.raises(
        InvalidArgument, match=rf"1 events of \d+ bytes'; allowed is {limit} bytes in one atomic write"
    ):
        Append("ponies+", [EVENT], 3, require_leader=True)


def test_an_append_is_ordered_by_its_stream_and_repeatable() -> None:
    assert str(APPEND) == "WriteEvents to 'ponies'"
    assert APPEND.ordering_key == "ponies"
    assert APPEND.repeatable
