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
from tests.server.grpc.test_groups import OPS


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
    schema_id = str(uuid4())
    schema = {"format": 2, "name": "typed", "id": schema_id}
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
        "$schema.id": schema_id,
    }
    assert plain.metadata["content-type"] == JSON
    assert plain.custom_metadata == b'{ "$schema.name": "happened", "$schema.format": "Json" }'
    assert b'"list": [ 1 ]' in typed.custom_metadata
    assert b'"object": { "x": "y" }' in typed.custom_metadata
    end = f', "$schema.format": "Protobuf", "$schema.name": "typed", "$schema.id": "{schema_id}" }}'
    assert typed.custom_metadata.endswith(end.encode())
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
    "another format": (request("s", record(schema={"format": 9, "name": "x"})), "must be one of Json, Protobuf or"),
    "a name that is not normalized": (request("s", record(name="e\u0301")), "Schema name must be in Unicode NFC"),
    "a bad id of a schema": (
        request("s", record(schema={"format": 1, "name": "x", "id": "no"})),
        "Schema ID must be a valid and non-empty UUID",
    ),
    "a stream of metadata without a stream": (request("$$", record()), "Stream must not be '$$'."),
    "a record with an empty stream": (request("s", record("")), "Stream must not be empty."),
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
    too_large = record(data=bytes(MAX_EVENT_BYTES))
    answer = await session(caller, request("s", too_large))
    assert reason(answer) == "APPEND_RECORD_SIZE_EXCEEDED"
    found = detail(answer, streams_v2.AppendRecordSizeExceededDetails)
    assert (found.size, found.max_size) == (MAX_EVENT_BYTES + len("happened"), MAX_EVENT_BYTES)
    assert answer.status.message == (
        f"The size of record {too_large['record_id']} (15.990 MB) exceeds the maximum allowed size of 15.990 MB bytes"
        " by 8.000 B"
    )
    monkeypatch.setattr(multi_append, "MAX_APPEND_BYTES", 2100)
    answer = await session(caller, request("s", record(data=bytes(100)), record(data=bytes(4000))))
    assert (answer.code, reason(answer)) == (StatusCode.ABORTED, "APPEND_TRANSACTION_SIZE_EXCEEDED")
    text = "Transaction size (4.020 KB) exceeded the maximum allowed size of 2.051 KB by 1.969 KB, after 2 record(s)."
    assert answer.status.message == text


async def test_the_size_of_a_record_includes_its_properties(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(multi_append, "MAX_APPEND_BYTES", 1)
    schema = {"format": 2, "name": "name", "id": str(uuid4())}
    properties: dict[str, dict[str, Any]] = {"text": {"string_value": "x" * 200}, "number": {"number_value": 1.5}}
    message = with_properties(request("s", record(schema=schema, data=b"12345")), properties)
    answer = await session(caller, message)
    value = type(message.records[0].properties["text"])()
    for key, each in message.records[0].properties.items():
        value.struct_value.fields[key].CopyFrom(each)
    value.struct_value.fields["$schema.format"].string_value = "Protobuf"
    value.struct_value.fields["$schema.id"].string_value = schema["id"]
    expected = len("name") + len(b"12345") + value.struct_value.ByteSize()
    assert detail(answer, streams_v2.AppendTransactionSizeExceededDetails).size == expected


async def test_records_keep_their_order_in_the_log(caller: Caller) -> None:
    answer = await records(caller, record("a"), record("b"), record("a"), record("b"))
    assert {each.stream: each.revision for each in answer.only.revisions} == {"a": 1, "b": 1}
    positions = [each.commit_position for name in ("a", "b") for each in await caller.events(name)]
    assert positions[0] < positions[2] < positions[1] < positions[3] == answer.only.position


async def prepare_states(caller: Caller) -> None:
    """Make streams in each state; `none` does not exist."""
    await caller.append("one", event())
    await caller.append("two", event(), event())
    await caller.append("$$described", event("$metadata"))
    await caller.append("soft", event())
    await delete(caller, streams.DELETE, "soft")
    await delete(caller, streams.TOMBSTONE, "hard")


HOLDING = [
    ("one", 0),
    ("one", -4),
    ("described", -4),
    ("none", -1),
    ("soft", -5),
    ("soft", -1),
    ("soft", 0),
    ("hard", -6),
    ("hard", -1),
]


@pytest.mark.parametrize("check", HOLDING)
async def test_records_are_appended_if_a_check_holds(caller: Caller, check: tuple[str, int]) -> None:
    await prepare_states(caller)
    answer = await records(caller, record("other"), checks=[check])
    assert [(each.stream, each.revision) for each in answer.only.revisions] == [("other", 0)]


VIOLATED = [
    ("two", 0, 1, " is at revision 1, expected revision 0."),
    ("none", 0, -1, " does not exist, expected revision 0."),
    ("hard", 0, -6, " is tombstoned, expected revision 0."),
    ("soft", 5, 0, " is at revision 0, expected revision 5."),
    ("one", -1, 0, " already exists at revision 0."),
    ("none", -4, -1, " does not exist."),
    ("soft", -4, -5, " is deleted."),
    ("hard", -4, -6, " is tombstoned."),
    ("one", -5, 0, " is at revision 0, explicitly expected deleted."),
    ("none", -5, -1, " does not exist, explicitly expected deleted."),
    ("hard", -5, -6, " is tombstoned, explicitly expected deleted."),
    ("none", -6, -1, " does not exist, explicitly expected tombstoned."),
    ("one", -6, 0, ": expected state -6, actual state 0."),
    ("soft", -6, 0, ": expected state -6, actual state 0."),
]


@pytest.mark.parametrize(("stream", "expected", "actual", "text"), VIOLATED)
async def test_nothing_is_written_if_a_check_is_violated(
    caller: Caller, stream: str, expected: int, actual: int, text: str
) -> None:
    await prepare_states(caller)
    answer = await records(
        caller, record("other"), checks=[("one", 0), (stream, expected)] if stream != "one" else [(stream, expected)]
    )
    assert (answer.code, reason(answer)) == (StatusCode.FAILED_PRECONDITION, "APPEND_CONSISTENCY_VIOLATION")
    assert answer.status.message == f"Append failed due to consistency violations.\n\n - Stream '{stream}'{text}"
    [found] = detail(answer, streams_v2.AppendConsistencyViolationDetails).violations
    state = found.stream_state
    assert (found.check_index, state.stream) == (0 if stream == "one" else 1, stream)
    assert (state.expected_state, state.actual_state) == (expected, actual)
    assert (await caller.read("other")).only.HasField("stream_not_found")


async def test_all_violations_are_described_with_their_places(caller: Caller) -> None:
    await prepare_states(caller)
    answer = await records(caller, record("other"), record("hard"), checks=[("one", 3), ("two", 1), ("none", 0)])
    found = detail(answer, streams_v2.AppendConsistencyViolationDetails).violations
    states = [(each.check_index, each.stream_state.stream, each.stream_state.expected_state) for each in found]
    assert states == [(0, "one", 3), (2, "none", 0), (4, "hard", -2)]
    assert answer.status.message.count("\n - Stream '") == 3


async def test_names_in_other_letters_are_those_of_the_first(caller: Caller) -> None:
    checks = [("Checked", -1)]
    answer = await records(caller, record("a"), record("CHECKED"), record("A"), record("stra\xdfe"), checks=checks)
    assert [(each.stream, each.revision) for each in answer.only.revisions] == [
        ("a", 1),
        ("Checked", 0),
        ("stra\xdfe", 0),
    ]
    assert await numbers(caller, "A") == []
    answer = await records(caller, record("strasse"), checks=[("stra\xdfe", 0)])
    assert [(each.stream, each.revision) for each in answer.only.revisions] == [("strasse", 0)]


async def test_a_checked_stream_is_written(caller: Caller) -> None:
    await prepare_states(caller)
    for stream, state, revision in (("one", 0, 1), ("soft", -5, 1), ("none", -1, 0), ("two", -4, 2)):
        answer = await records(caller, record(stream), checks=[(stream, state)])
        assert answer.only.revisions[0].revision == revision
    for stream, state, actual in (("one", -5, 1), ("hard", -6, -6), ("hard", -1, -6)):
        answer = await records(caller, record(stream), checks=[(stream, state)])
        [found] = detail(answer, streams_v2.AppendConsistencyViolationDetails).violations
        assert (found.stream_state.expected_state, found.stream_state.actual_state) == (state, actual)


async def test_repeated_records_succeed_if_a_check_is_violated(caller: Caller) -> None:
    whole = record("a")
    first = (await records(caller, whole, checks=[("b", -1)])).only
    await caller.append("b", event())
    assert (await records(caller, whole, checks=[("b", -1)])).only == first


async def test_a_session_is_refused_as_tombstoned_if_any_stream_is(caller: Caller) -> None:
    await prepare_states(caller)
    answer = await session(caller, request("one", record(), expected_revision=7), request("hard", record()))
    assert reason(answer) == "STREAM_TOMBSTONED"
    assert detail(answer, streams_v2.StreamDetails).stream == "one"


async def test_repeated_records_change_nothing(caller: Caller) -> None:
    whole = [record("a"), record("b"), record("a")]
    first = (await records(caller, *whole, checks=[("a", -1)])).only
    assert (await records(caller, *whole, checks=[("a", -1)])).only == first


BAD_CHECKS = {
    "no stream": ([("", 0)], "Checks[0].StreamState.Stream.Stream", "Stream must not be empty."),
    "a stream twice": ([("a", 0), ("A", 1)], "Checks", "Each stream can only appear once in consistency checks."),
    "any version": ([("b", 0), ("a", -2)], "Checks[1].StreamState.ExpectedState", "Any (-2) is not allowed."),
    "another state": ([("a", -7)], "Checks[0].StreamState.ExpectedState", "Tombstoned (-6)."),
}


@pytest.mark.parametrize("case", BAD_CHECKS)
async def test_malformed_checks_are_refused(caller: Caller, case: str) -> None:
    checks, field, text = BAD_CHECKS[case]
    answer = await records(caller, record("a"), checks=checks)
    assert reason(answer) == "BAD_REQUEST"
    assert answer.status.message.startswith("The 'AppendRecordsRequest' is invalid: ")
    [found] = detail(answer, status.BadRequestDetails).field_violations
    assert (found.field, text in found.description) == (field, True)


async def test_malformed_records_are_refused(caller: Caller) -> None:
    nothing = await records(caller)
    assert nothing.status.message.endswith("Append records request must contain at least one record.")
    assert (await records(caller, record())).code is StatusCode.UNKNOWN
    assert (await records(caller, {"stream": "s"})).code is StatusCode.UNKNOWN
    bad = await records(caller, record("s"), record("s", name=""))
    assert bad.status.message.startswith("The 'AppendRequest' is invalid:\n -- Schema name must not be empty\n -- ")
    unchecked = streams_v2.AppendRecordsRequest(records=[record("s")], checks=[{}])
    answer = await caller.ask(streams_v2.APPEND_RECORDS, unchecked)
    assert "Each consistency check must specify a type." in answer.status.message


async def test_records_need_permission() -> None:
    async with serving() as server, calling(server) as caller:
        answer = await session(caller, request("$S", record()))
        assert reason(answer) == "ACCESS_DENIED"
        assert answer.status.message == "Access denied. Insufficient permissions to perform streams:write:$s"
        found = detail(answer, status.AccessDeniedDetails)
        assert (found.operation, found.HasField("username")) == ("streams:write:$s", False)
        denied = await records(caller, record("s"), checks=[("$s", -1)], metadata=OPS)
        found = detail(denied, status.AccessDeniedDetails)
        assert (found.operation, found.username) == ("streams:read:$s", "ops")
        assert (await session(caller, request("$s", record()), metadata=ADMIN)).code is StatusCode.OK
