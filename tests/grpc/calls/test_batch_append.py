"""Batches of a BatchAppend call."""

from __future__ import annotations

from uuid import UUID

import pytest

from rxpump.errors import (
    AccessDenied,
    AppendTooLarge,
    BadRequest,
    MalformedReply,
    NotReady,
    ServerTimeout,
    StreamDeleted,
    WrongExpectedVersion,
)
from rxpump.grpc.calls.batch_append import Batch, correlation_id
from rxpump.grpc.messages import status, streams
from rxpump.model.new_events import NewEvent
from rxpump.model.positions import ExpectedVersion, Position
from rxpump.model.results import WriteResult
from tests.grpc.messages import recorded

EVENTS = [NewEvent("happened", {"n": n}) for n in range(3)]


@pytest.mark.parametrize("number", [1, 127, 128, 2**40, 2**63 - 1])
def test_a_request_has_its_number_before_the_content(number: int) -> None:
    batch = Batch("pöny", EVENTS, 5)
    request = streams.BatchAppendRequest.FromString(batch.request(number))
    assert correlation_id(request) == number
    assert request.options.stream_identifier.stream_name == "pöny".encode()
    assert request.options.stream_position == 5
    assert not request.options.WhichOneof("deadline_option")
    assert [event.data for event in request.proposed_messages] == [b'{"n":0}', b'{"n":1}', b'{"n":2}']
    assert request.is_final
    assert batch.request(number).endswith(batch.content)


@pytest.mark.parametrize("number", [1, 255, 2**63 - 1])
def test_a_response_can_have_its_number_in_the_other_form(number: int) -> None:
    id = str(UUID(int=number))
    for text in (id, id.upper(), id.replace("-", ""), f"{{{id}}}"):
        assert correlation_id(streams.BatchAppendResponse(correlation_id={"string": text})) == number


@pytest.mark.parametrize("id", [{}, {"string": ""}, {"string": "nonsense"}, {"string": str(UUID(int=2**100))}])
def test_a_response_with_another_id_is_that_of_no_request(id: dict[str, str]) -> None:
    assert correlation_id(streams.BatchAppendResponse(correlation_id=id)) not in range(1, 2**63)


@pytest.mark.parametrize(
    ("version", "field"),
    [
        (ExpectedVersion.ANY, "any"),
        (ExpectedVersion.NO_STREAM, "no_stream"),
        (ExpectedVersion.STREAM_EXISTS, "stream_exists"),
        (0, "stream_position"),
    ],
)
def test_a_batch_names_its_expected_version(version: int, field: str) -> None:
    request = streams.BatchAppendRequest.FromString(Batch("ponies", EVENTS, version).request(1))
    assert request.options.WhichOneof("expected") == field


def test_a_successful_batch_has_a_result() -> None:
    success = {"current_revision": 9, "position": {"commit_position": 500, "prepare_position": 500}}
    response = streams.BatchAppendResponse(success=success)
    assert Batch("ponies", EVENTS, 6).result(response) == WriteResult("ponies", 7, 9, Position(500, 500))


def test_an_error_without_a_code_is_an_error() -> None:
    response = streams.BatchAppendResponse(error=status.Status(message="Server Is Not Ready"))
    assert Batch("ponies", EVENTS, 6).result(response) == NotReady("Streams.BatchAppend 'ponies'")


def test_a_response_without_a_result_is_malformed() -> None:
    outcome = Batch("ponies", EVENTS, 6).result(streams.BatchAppendResponse())
    assert isinstance(outcome, MalformedReply)


def test_every_recorded_response_has_a_result_or_an_error() -> None:
    batch = Batch("ponies", EVENTS, 6)
    outcomes = {
        type(batch.result(streams.BatchAppendResponse.FromString(each.data)))
        for each in recorded.load()
        if each.method == streams.BATCH_APPEND and not each.from_client
    }
    assert outcomes == {
        WriteResult,
        WrongExpectedVersion,
        ServerTimeout,
        BadRequest,
        StreamDeleted,
        AccessDenied,
        AppendTooLarge,
    }


def test_an_id_in_another_form_has_no_number() -> None:
    assert correlation_id(streams.BatchAppendResponse(correlation_id={"string": "1"})) == 0


def test_the_repr_shows_stream_and_size() -> None:
    batch = Batch("ponies", EVENTS, 6)
    assert repr(batch) == f"<Batch of 3 events to 'ponies', {len(batch.content)} bytes>"
