"""Errors that servers send as ordinary messages of appends, batches and reads."""

from __future__ import annotations

from typing import Any

import pytest

from rxpump.errors import (
    AccessDenied,
    AppendTooLarge,
    BadRequest,
    EventTooLarge,
    InvalidTransaction,
    NotLeader,
    NotReady,
    OutcomeUnknown,
    RxPumpError,
    ServerFailed,
    ServerTimeout,
    StreamDeleted,
    StreamNotFound,
    TooBusy,
    WrongExpectedVersion,
)
from rxpump.grpc.errors.message_errors import error_of_append, error_of_batch, error_of_read
from rxpump.grpc.messages import status, streams
from tests.grpc.errors.contexts import APPEND, BATCH, READ
from tests.grpc.messages import recorded

MINUS_ONE = (1 << 64) - 1
OPERATION = "Streams.BatchAppend 'ponies'"
ID = "01020304-0506-0708-090a-0b0c0d0e0f10"


@pytest.mark.parametrize(
    ("fields", "current"),
    [
        ({"current_revision": 2}, 2),
        ({"current_revision": 0}, 0),
        ({"current_no_stream": {}}, -1),
        ({"current_revision": MINUS_ONE}, -1),
        ({"current_revision": 2, "current_revision_20_6_0": 9}, 2),
        ({"current_revision_20_6_0": 2}, 2),
        ({"no_stream_20_6_0": {}}, -1),
        ({}, None),
    ],
)
def test_each_field_of_a_wrong_version_is_read(fields: dict[str, Any], current: int | None) -> None:
    response = streams.AppendResponse(wrong_expected_version=fields)
    assert error_of_append(response.wrong_expected_version, APPEND) == WrongExpectedVersion("ponies", 7, current)


def test_a_read_of_a_missing_stream_is_stream_not_found() -> None:
    assert error_of_read(READ) == StreamNotFound("ponies")


def batch_error(code: int, message: str, name: str = "google.protobuf.Empty", detail: Any = None) -> Any:
    error = status.Status(code=code, message=message)
    value = b"" if detail is None else detail.SerializeToString()
    error.details.add(type_url=f"type.googleapis.com/{name}", value=value)
    return error


def named_error(code: int, name: str, detail: Any = None) -> Any:
    return batch_error(code, name, f"event_store.client.{name}", detail)


CASES: list[tuple[Any, RxPumpError]] = [
    (
        named_error(
            6,
            "WrongExpectedVersion",
            streams.WrongExpectedVersion(current_stream_revision=2, expected_stream_position=5),
        ),
        WrongExpectedVersion("ponies", 5, 2),
    ),
    (
        named_error(6, "WrongExpectedVersion", streams.WrongExpectedVersion(current_no_stream={})),
        WrongExpectedVersion("ponies", 5, -1),
    ),
    (
        named_error(5, "StreamDeleted", streams.StreamDeleted(stream_identifier={"stream_name": b"ponies"})),
        StreamDeleted("ponies"),
    ),
    (named_error(7, "AccessDenied"), AccessDenied("write to", "ponies", "ouro")),
    (named_error(4, "Timeout"), ServerTimeout("ponies", "Timeout")),
    (
        named_error(3, "MaximumAppendSizeExceeded", streams.MaximumAppendSizeExceeded(max_append_size=1048576)),
        AppendTooLarge("ponies", 1048576),
    ),
    (
        named_error(
            3,
            "MaximumAppendEventSizeExceeded",
            streams.MaximumAppendEventSizeExceeded(
                event_id=ID, proposed_event_size=20000000, max_append_event_size=16777216
            ),
        ),
        EventTooLarge("ponies", 16777216, 20000000, ID),
    ),
    (
        named_error(3, "BadRequest", streams.BadRequest(message="Unrecognized Guid format.")),
        BadRequest(OPERATION, "Unrecognized Guid format."),
    ),
    (named_error(9, "InvalidTransaction"), InvalidTransaction("ponies")),
    (named_error(2, "Unknown"), ServerFailed(OPERATION, "Unknown")),
    (batch_error(13, "Ouch."), OutcomeUnknown("ponies", "Ouch.")),
    (batch_error(0, "Server Is Not Ready"), NotReady(OPERATION)),
    (batch_error(0, "Server Is Busy"), TooBusy(OPERATION)),
    (batch_error(0, "No leader info available in response"), NotLeader(OPERATION)),
    (batch_error(0, "Something new"), ServerFailed(OPERATION, "Something new")),
    (batch_error(99, "A code of tomorrow"), ServerFailed(OPERATION, "A code of tomorrow")),
    (status.Status(code=3, message="No detail"), BadRequest(OPERATION, "No detail")),
    (status.Status(code=6, message="WrongExpectedVersion"), WrongExpectedVersion("ponies", 5, None)),
    (status.Status(code=5, message="StreamDeleted"), StreamDeleted("ponies")),
    (status.Status(code=3, message="MaximumAppendSizeExceeded"), AppendTooLarge("ponies")),
    (status.Status(code=3, message="MaximumAppendEventSizeExceeded"), EventTooLarge("ponies")),
]


@pytest.mark.parametrize(("error", "expected"), CASES)
def test_each_error_of_a_batch_is_converted(error: Any, expected: RxPumpError) -> None:
    assert error_of_batch(error, BATCH) == expected


def test_a_damaged_detail_of_a_batch_is_read_as_an_empty_one() -> None:
    error = named_error(6, "WrongExpectedVersion")
    error.details[0].value = b"\xff"
    assert error_of_batch(error, BATCH) == WrongExpectedVersion("ponies", 5, None)


def test_the_recorded_errors_of_batches_are_converted() -> None:
    found = set()
    for each in recorded.load():
        if each.method is streams.BATCH_APPEND and not each.from_client:
            response = streams.BatchAppendResponse.FromString(each.data)
            if response.HasField("error"):
                found.add(type(error_of_batch(response.error, BATCH)))
    assert found == {AccessDenied, AppendTooLarge, BadRequest, ServerTimeout, StreamDeleted, WrongExpectedVersion}
