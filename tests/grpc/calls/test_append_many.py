"""Atomic appends to several streams."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from rxpump.errors import InvalidArgument, UnexpectedReply
from rxpump.grpc.calls.append_many import append_records, append_session
from rxpump.grpc.messages import streams_v2
from rxpump.model.new_events import NewEvent
from rxpump.model.positions import ExpectedVersion, Position
from rxpump.model.results import WriteResult
from tests.grpc.calls.asked import answer, recorded_responses

ID = UUID("aeed3fc6-85ba-4e04-ac7c-ff0557655796")
PONY = NewEvent("Placed", {"price": 5}, id=ID)
EVENTS = {"va": [PONY, NewEvent("Paid", b"\0")], "vb": [NewEvent("Sent", {})]}


def properties(metadata: Any) -> Any:
    (request,) = append_session({"va": [NewEvent("Placed", {}, metadata=metadata)]}, {}).requests
    return request.records[0].properties


def test_a_session_has_a_message_for_each_stream() -> None:
    first, second = append_session(EVENTS, {"va": 3}).requests
    assert (first.stream, first.expected_revision, len(first.records)) == ("va", 3, 2)
    assert (second.stream, second.expected_revision, len(second.records)) == ("vb", ExpectedVersion.ANY, 1)
    record = first.records[0]
    assert (record.record_id, record.data) == (str(ID), b'{"price":5}')
    assert (record.schema.name, record.schema.format) == ("Placed", streams_v2.Schema.Format.JSON)
    assert first.records[1].schema.format == streams_v2.Schema.Format.BYTES
    assert not record.HasField("stream")


def test_records_name_their_streams_and_checks_follow() -> None:
    versions = {"va": ExpectedVersion.NO_STREAM, "vb": ExpectedVersion.ANY, "other": 7}
    (request,) = append_records(EVENTS, versions).requests
    assert [record.stream for record in request.records] == ["va", "va", "vb"]
    assert [(each.stream_state.stream, each.stream_state.expected_state) for each in request.checks] == [
        ("va", -1),
        ("other", 7),
    ]


def test_each_stream_has_a_result() -> None:
    results = {
        "va": WriteResult("va", 4, 5, None),
        "vb": WriteResult("vb", 0, 0, Position(900, 900)),
    }
    session = streams_v2.AppendSessionResponse(
        output=[{"stream": "va", "stream_revision": 5}, {"stream": "vb", "stream_revision": 0}], position=900
    )
    assert answer(append_session(EVENTS, {}), session) == results
    records = streams_v2.AppendRecordsResponse(
        revisions=[{"stream": "va", "revision": 5}, {"stream": "vb", "revision": 0}], position=900
    )
    assert answer(append_records(EVENTS, {}), records) == results


def test_a_response_must_name_every_stream() -> None:
    with pytest.raises(UnexpectedReply, match="results for va"):
        answer(append_session(EVENTS, {}), streams_v2.AppendSessionResponse(output=[{"stream": "va"}]))
    with pytest.raises(UnexpectedReply, match="results for no stream"):
        answer(append_records(EVENTS, {}), streams_v2.AppendRecordsResponse())


def test_recorded_responses_are_read() -> None:
    for response in recorded_responses(append_session(EVENTS, {})):
        events = {each.stream: [PONY] for each in response.output}
        results = answer(append_session(events, {}), response)
        assert [each.last_event_number for each in results.values()] == [
            each.stream_revision for each in response.output
        ]


def test_metadata_become_properties() -> None:
    metadata = {"text": "t", "number": 1.5, "yes": True, "none": None, "list": [1], "object": {"n": 2}, "empty": {}}
    found = properties(metadata)
    assert (found["text"].string_value, found["number"].number_value, found["yes"].bool_value) == ("t", 1.5, True)
    assert found["none"].WhichOneof("kind") == "null_value"
    assert found["list"].list_value.values[0].number_value == 1
    assert found["object"].struct_value.fields["n"].number_value == 2
    assert found["empty"].WhichOneof("kind") == "struct_value"
    assert properties(None) == {}


@pytest.mark.parametrize("metadata", [b"\0", [1], {"": 1}, {"n": 2**60}, {"list": [-(2**60)]}])
def test_metadata_that_are_no_properties_are_refused(metadata: Any) -> None:
    with pytest.raises(InvalidArgument, match="a JSON object"):
        properties(metadata)


def test_errors_name_the_streams() -> None:
    context = append_session(EVENTS, {"va": 3}).context
    assert (context.stream_or_all, context.expected_version) == ("va", 3)
    assert context.operation == "StreamsService.AppendSession 'vb' 'va'"
