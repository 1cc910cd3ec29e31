"""Atomic appends to several streams, by sessions and by records."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID, uuid4

import pytest

from rxpump.grpc.messages import status, streams, streams_v2
from rxpump.grpc.protocol.call_status import StatusCode
from rxpump.server.grpc.services import multi_append
from rxpump.server.grpc.services.proposed_events import MAX_EVENT_BYTES
from tests.server.grpc.caller import ADMIN, BINARY, JSON, Answer, Caller, calling, event, serving


def record(stream: str | None = None, name: str = "happened", **fields: Any) -> dict[str, Any]:
    fields.setdefault("record_id", str(uuid4()))
    fields.setdefault("schema", {"format": 1, "name": name})
    fields.setdefault("data", b"{}")
    return fields if stream is None else {**fields, "stream": stream}


def request(stream: str, *records: Any, **fields: Any) -> Any:
    return streams_v2.AppendRequest(stream=stream, records=records, **fields)


def with_properties(message: Any, properties: dict[str, dict[str, Any]]) -> Any:
    """Set properties of the first record; the constructors of protobuf 4 accept no dicts for them."""
    for key, fields in properties.items():
        value = message.records[0].properties[key]
        value.CopyFrom(type(value)(**fields))
    return message


async def session(caller: Caller, *requests: Any, metadata: Any = ()) -> Answer:
    return await caller.ask(streams_v2.APPEND_SESSION, *requests, metadata=metadata)


async def records(caller: Caller, *records: Any, checks: Any = (), metadata: Any = ()) -> Answer:
    conditions = [{"stream_state": {"stream": name, "expected_state": state}} for name, state in checks]
    whole = streams_v2.AppendRecordsRequest(records=records, checks=conditions)
    return await caller.ask(streams_v2.APPEND_RECORDS, whole, metadata=metadata)


def reason(answer: Answer) -> str:
    """Return the name of the error; the details must repeat the code and the text of the status."""
    whole = status.Status.FromString(dict(answer.status.metadata)["grpc-status-details-bin"])
    assert (whole.code, whole.message) == (answer.code, answer.status.message)
    assert whole.details[0].type_url == "type.googleapis.com/google.rpc.ErrorInfo"
    return str(status.ErrorInfo.FromString(whole.details[0].value).reason)


def detail(answer: Answer, message_class: Any) -> Any:
    whole = status.Status.FromString(dict(answer.status.metadata)["grpc-status-details-bin"])
    return message_class.FromString(whole.details[1].value)


async def numbers(caller: Caller, stream: str) -> list[int]:
    return [each.stream_revision for each in await caller.events(stream)]


async def test_a_session_appends_to_each_stream(caller: Caller) -> None:
    await caller.append("a", event())
    answer = await session(
        caller,
        request("a", record(), record(), expected_revision=0),
        request("b", record(), expected_revision=-1),
        request("c", record(), expected_revision=-2),
    )
    output = {each.stream: each.stream_revision for each in answer.only.output}
    assert output == {"a": 2, "b": 0, "c": 0}
    [last] = await caller.events("c")
    assert answer.only.position == last.commit_position


async def test_a_repeated_session_changes_nothing(caller: Caller) -> None:
    requests = [request("a", record(), expected_revision=-1), request("b", record())]
    first = (await session(caller, *requests)).only
    assert (await session(caller, *requests)).only == first
    assert await numbers(caller, "a") == await numbers(caller, "b") == [0]
    mixed = await session(caller, requests[1], request("c", record()))
    assert reason(mixed) == "STREAM_REVISION_CONFLICT"
    assert (await caller.read("c")).only.HasField("stream_not_found")


async def test_a_session_writes_everything_or_nothing(caller: Caller) -> None:
    answer = await session(caller, request("a", record()), request("b", record(), expected_revision=3))
    assert answer.code is StatusCode.FAILED_PRECONDITION
    assert reason(answer) == "STREAM_REVISION_CONFLICT"
    found = detail(answer, streams_v2.StreamRevisionConflictDetails)
    assert (found.stream, found.expected_revision, found.actual_revision) == ("b", 3, -1)
    assert (await caller.read("a")).only.HasField("stream_not_found")


async def delete(caller: Caller, method: Any, stream: str) -> None:
    options = {"stream_identifier": {"stream_name": stream.encode()}, "any": {}}
    assert (await caller.ask(method, streams.DeleteRequest(options=options))).code is StatusCode.OK


async def test_a_session_refuses_tombstoned_streams_only(caller: Caller) -> None:
    await caller.append("soft", event(), event())
    await delete(caller, streams.DELETE, "soft")
    await delete(caller, streams.TOMBSTONE, "hard")
    assert reason(await session(caller, request("hard", record()))) == "STREAM_TOMBSTONED"
    assert reason(await session(caller, request("soft", record(), expected_revision=-4))) == "STREAM_TOMBSTONED"
    wrong = await session(caller, request("soft", record(), expected_revision=0))
    assert detail(wrong, streams_v2.StreamRevisionConflictDetails).actual_revision == 1
    assert (await session(caller, request("soft", record()))).code is StatusCode.OK
    assert await numbers(caller, "soft") == [2]


async def test_a_record_is_an_event(caller: Caller) -> None:
    properties: dict[str, dict[str, Any]] = {
        "text": {"string_value": "t"},
        "number": {"number_value": 1.5},
        "whole": {"number_value": 2},
        "flag": {"bool_value": True},
        "nothing": {"null_value": 0},
        "list": {"list_value": {"values": [{"number_value": 1}]}},
    }
    schema = {"format": 2, "name": "typed", "id": "schema-1"}
    message = with_properties(request("s", record(schema=schema, data=b"\x08\x01"), record()), properties)
    message.records[0].properties["object"].ParseFromString(b"\x2a\x0a\x0a\x08\x0a\x01x\x12\x03\x1a\x01y")
    await session(caller, message)
    typed, plain = await caller.events("s")
    assert (typed.metadata["type"], typed.metadata["content-type"], typed.data) == ("typed", BINARY, b"\x08\x01")
    assert json.loads(typed.custom_metadata) == {
        "text": "t",
        "number": 1.5,
        "whole": 2,
        "flag": True,
        "nothing": None,
        "list": [1],
        "object": {"x": "y"},
        "$schema.format": "Protobuf",
        "$schema.name": "typed",
        "$schema.id": "schema-1",
    }
    assert plain.metadata["content-type"] == JSON
    assert plain.custom_metadata == b'{ "$schema.name": "happened", "$schema.format": "Json" }'
    assert b'"list": [ 1 ]' in typed.custom_metadata
    assert b'"object": { "x": "y" }' in typed.custom_metadata
    assert typed.custom_metadata.endswith(
        b', "$schema.format": "Protobuf", "$schema.name": "typed", "$schema.id": "schema-1" }'
    )
    without_id = record()
    del without_id["record_id"]
    assert (await session(caller, request("s", without_id))).code is StatusCode.OK


FAULTS = {
    "no stream": (request("", record()), "Stream must not be empty."),
    "no records": (request("s"), "Stream append request must contain at least one record"),
    "a bad id": (request("s", record(record_id="no")), "Record ID must be a valid and non-empty UUID."),
    "a zero id": (request("s", record(record_id=str(UUID(int=0)))), "Record ID must be a valid"),
    "no format": (request("s", record(schema={"name": "x"})), "Schema format must not be Unspecified."),
    "no name": (request("s", record(name="")), "\n -- Schema name must not be empty\n -- Schema name can only"),
    "a bad name": (request("s", record(name="bad name!")), "Attempted Value: bad name!"),
    "a bad revision": (request("s", record(), expected_revision=-7), "Expected revision must be positive"),
    "an empty key": (
        with_properties(request("s", record()), {"": {"bool_value": True}}),
        "Property keys must not be empty.",
    ),
}


@pytest.mark.parametrize("case", FAULTS)
async def test_a_malformed_session_is_refused(caller: Caller, case: str) -> None:
    bad, text = FAULTS[case]
    answer = await session(caller, bad)
    assert answer.code is StatusCode.INVALID_ARGUMENT
    assert answer.status.message.startswith("The 'AppendRequest' is invalid:")
    assert text in answer.status.message
    assert reason(answer) == "BAD_REQUEST"
    assert detail(answer, status.BadRequestDetails).field_violations


async def test_a_session_names_each_stream_once(caller: Caller) -> None:
    answer = await session(caller, request("w", record()), request("W", record()))
    assert (answer.code, reason(answer)) == (StatusCode.ABORTED, "STREAM_ALREADY_IN_APPEND_SESSION")
    assert reason(await session(caller)) == "APPEND_SESSION_NO_REQUESTS"


async def test_records_that_are_too_large_are_refused(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = await session(caller, request("s", record(data=bytes(MAX_EVENT_BYTES))))
    assert reason(answer) == "APPEND_RECORD_SIZE_EXCEEDED"
    found = detail(answer, streams_v2.AppendRecordSizeExceededDetails)
    assert (found.size, found.max_size) == (MAX_EVENT_BYTES + len("happened"), MAX_EVENT_BYTES)
    monkeypatch.setattr(multi_append, "MAX_APPEND_BYTES", 100)
    answer = await session(caller, request("s", record(data=bytes(100))))
    assert (answer.code, reason(answer)) == (StatusCode.ABORTED, "APPEND_TRANSACTION_SIZE_EXCEEDED")
    assert detail(answer, streams_v2.AppendTransactionSizeExceededDetails).size == 100 + len("happened")
    long = with_properties(request("s", record()), {"long": {"string_value": "x" * 100}})
    assert reason(await session(caller, long)) == "APPEND_TRANSACTION_SIZE_EXCEEDED"


async def test_records_keep_their_order_in_the_log(caller: Caller) -> None:
    answer = await records(caller, record("a"), record("b"), record("a"), record("b"))
    assert {each.stream: each.revision for each in answer.only.revisions} == {"a": 1, "b": 1}
    positions = [each.commit_position for name in ("a", "b") for each in await caller.events(name)]
    assert positions[0] < positions[2] < positions[1] < positions[3] == answer.only.position


async def test_checks_of_records_hold_or_nothing_is_written(caller: Caller) -> None:
    await caller.append("one", event())
    await caller.append("soft", event())
    await delete(caller, streams.DELETE, "soft")
    await delete(caller, streams.TOMBSTONE, "hard")
    right = [("one", 0), ("none", -1), ("soft", -5), ("hard", -6)]
    assert (await records(caller, record("one"), checks=right)).only.revisions[0].revision == 1
    assert (await records(caller, record("one"), checks=[("one", -4)])).code is StatusCode.OK
    answer = await records(
        caller, record("two"), checks=[("one", 0), ("none", -4), ("soft", 0), ("hard", -1), ("two", -1)]
    )
    assert (answer.code, reason(answer)) == (StatusCode.FAILED_PRECONDITION, "APPEND_CONSISTENCY_VIOLATION")
    found = detail(answer, streams_v2.AppendConsistencyViolationDetails).violations
    assert [(each.check_index, each.stream_state.actual_state) for each in found] == [
        (0, 2),
        (1, -1),
        (2, -5),
        (3, -6),
    ]
    assert (await caller.read("two")).only.HasField("stream_not_found")


async def test_records_of_a_tombstoned_stream_are_refused(caller: Caller) -> None:
    await delete(caller, streams.TOMBSTONE, "hard")
    for checks in ([], [("hard", -6)]):
        answer = await records(caller, record("hard"), record("a"), checks=checks)
        [found] = detail(answer, streams_v2.AppendConsistencyViolationDetails).violations
        assert (found.stream_state.expected_state, found.stream_state.actual_state) == (-2, -6)


async def test_repeated_records_change_nothing(caller: Caller) -> None:
    whole = [record("a"), record("b"), record("a")]
    first = (await records(caller, *whole, checks=[("a", -1)])).only
    assert (await records(caller, *whole, checks=[("a", -1)])).only == first


async def test_malformed_records_are_refused(caller: Caller) -> None:
    assert (await records(caller)).code is StatusCode.INVALID_ARGUMENT
    assert (await records(caller, record())).code is StatusCode.UNKNOWN
    for checks in ([("", 0)], [("$all", 0)], [("a", 0), ("a", 1)], [("a", -2)], [("a", -7)]):
        assert reason(await records(caller, record("a"), checks=checks)) == "BAD_REQUEST"


async def test_records_need_permission() -> None:
    async with serving() as server, calling(server) as caller:
        assert reason(await session(caller, request("$s", record()))) == "ACCESS_DENIED"
        assert reason(await records(caller, record("s"), checks=[("$s", -1)])) == "ACCESS_DENIED"
        assert (await session(caller, request("$s", record()), metadata=ADMIN)).code is StatusCode.OK
