"""The requests Append, Delete and Tombstone."""

from __future__ import annotations

from collections import Counter
from typing import Any
from uuid import UUID

import pytest

from rxpump.errors import MalformedReply, WrongExpectedVersion
from rxpump.grpc.calls.append import append
from rxpump.grpc.calls.delete import delete
from rxpump.grpc.messages import streams
from rxpump.model.new_events import NewEvent
from rxpump.model.positions import ExpectedVersion, Position
from rxpump.model.results import DeleteResult, WriteResult
from tests.grpc.calls.asked import answer, is_recorded, recorded_responses

ID = UUID("1f169e7d-b0d7-4c9e-b902-c4b0bc7cbd64")
EVENT = NewEvent("happened", {"a": 1}, metadata={"m": 1}, id=ID)
UNSIGNED_MINUS_ONE = (1 << 64) - 1


@pytest.mark.parametrize(
    ("version", "field"),
    [
        (ExpectedVersion.ANY, {"any": {}}),
        (ExpectedVersion.NO_STREAM, {"no_stream": {}}),
        (ExpectedVersion.STREAM_EXISTS, {"stream_exists": {}}),
        (0, {"revision": 0}),
        (2**63 - 1, {"revision": 2**63 - 1}),
    ],
)
def test_the_first_message_names_stream_and_version(version: int, field: dict[str, Any]) -> None:
    options = {"stream_identifier": {"stream_name": "pöny".encode()}, **field}
    (request,) = append("pöny", [], version).requests
    assert request == streams.AppendRequest(options=options)
    (request,) = delete("pöny", version, hard=False).requests
    assert request == streams.DeleteRequest(options=options)


def test_each_event_is_a_message() -> None:
    _, json, binary = append("ponies", [EVENT, NewEvent("raw", b"\0")], 3).requests
    event = json.proposed_message
    assert event.id.structured.most_significant_bits == int.from_bytes(ID.bytes[:8], "big", signed=True)
    assert event.id.structured.least_significant_bits == int.from_bytes(ID.bytes[8:], "big", signed=True)
    assert dict(event.metadata) == {"type": "happened", "content-type": "application/json"}
    assert (event.data, event.custom_metadata) == (b'{"a":1}', b'{"m":1}')
    assert dict(binary.proposed_message.metadata) == {"type": "raw", "content-type": "application/octet-stream"}


def test_the_halves_of_an_id_are_signed() -> None:
    id = UUID("fedcba98-7654-3210-8899-aabbccddeeff")
    _, request = append("ponies", [NewEvent("happened", id=id)], 0).requests
    halves = request.proposed_message.id.structured
    assert halves.most_significant_bits == -81985529216486896
    assert halves.least_significant_bits == -8603657889541918977


def test_the_result_has_the_numbers_of_the_events() -> None:
    operation = append("ponies", [EVENT, EVENT], ExpectedVersion.ANY)
    success: dict[str, Any] = {"current_revision": 7, "position": {"commit_position": 500, "prepare_position": 400}}
    result = answer(operation, streams.AppendResponse(success=success))
    assert result == WriteResult("ponies", 6, 7, Position(500, 400))


@pytest.mark.parametrize(
    ("success", "result"),
    [
        ({"no_stream": {}, "no_position": {}}, WriteResult("ponies", 0, -1, None)),
        ({"current_revision": 0}, WriteResult("ponies", 1, 0, None)),
        ({"position": {"commit_position": UNSIGNED_MINUS_ONE}}, WriteResult("ponies", 0, -1, None)),
    ],
)
def test_an_empty_write_has_a_result(success: dict[str, Any], result: WriteResult) -> None:
    assert answer(append("ponies", [], ExpectedVersion.ANY), streams.AppendResponse(success=success)) == result


def test_every_recorded_response_has_a_result_or_an_error() -> None:
    operation = append("ponies", [EVENT], 7)
    kinds = Counter(response.WhichOneof("result") for response in recorded_responses(operation))
    assert kinds == {"success": 4, "wrong_expected_version": 10}
    for response in recorded_responses(operation):
        if response.HasField("success"):
            assert isinstance(answer(operation, response), WriteResult)
        else:
            with pytest.raises(WrongExpectedVersion) as caught:
                answer(operation, response)
            assert (caught.value.stream, caught.value.expected) == ("ponies", 7)
            assert caught.value.current is not None


@pytest.mark.parametrize("messages", [(), (streams.AppendResponse(), streams.AppendResponse())])
def test_a_response_must_be_one_message(messages: tuple[Any, ...]) -> None:
    with pytest.raises(MalformedReply, match=f"{len(messages)} messages instead of one"):
        answer(append("ponies", [], 0), *messages)


def test_a_response_must_have_a_result() -> None:
    with pytest.raises(MalformedReply, match="without a result"):
        answer(append("ponies", [], 0), streams.AppendResponse())


def test_an_append_can_be_repeated() -> None:
    operation = append("ponies", [EVENT], 0)
    assert operation.context.method.is_repeatable
    assert str(operation) == "Streams.Append 'ponies'"


@pytest.mark.parametrize(("hard", "method"), [(False, streams.DELETE), (True, streams.TOMBSTONE)])
def test_a_delete_is_soft_or_hard(hard: bool, method: Any) -> None:
    operation = delete("ponies", 4, hard=hard)
    assert operation.context.method == method
    (response,) = recorded_responses(operation)
    result = answer(operation, response)
    assert isinstance(result, DeleteResult)
    assert result.position is not None
    assert result.position.commit > 0


def test_a_delete_can_have_no_position() -> None:
    response = streams.DeleteResponse(no_position={})
    assert answer(delete("ponies", 4, hard=False), response) == DeleteResult("ponies", None)


def test_other_clients_delete_with_the_same_message() -> None:
    assert is_recorded(delete("ab", ExpectedVersion.ANY, hard=True))
    assert is_recorded(delete("tomb-1", ExpectedVersion.STREAM_EXISTS, hard=True))
    assert is_recorded(delete("tomb-2", 2, hard=True))
    assert is_recorded(delete("tomb-3", ExpectedVersion.NO_STREAM, hard=True))
    assert is_recorded(delete("at@sign", 7, hard=False))
