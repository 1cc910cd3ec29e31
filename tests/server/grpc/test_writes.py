"""Appends and deletions of streams."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest

from rxpump.grpc.messages import streams
from rxpump.grpc.protocol.call_status import StatusCode
from rxpump.model.limits import MAX_EVENT_NUMBER
from rxpump.server import EmbeddedServer
from rxpump.server.grpc.services import append, batch_append, batch_errors
from rxpump.server.grpc.services.proposed_events import MAX_EVENT_BYTES
from rxpump.server.strictness import Strictness
from tests.server.grpc.caller import ADMIN, Caller, calling, event, serving

MINUS_ONE = (1 << 64) - 1


async def test_an_append_returns_the_number_and_the_position(caller: Caller) -> None:
    first = (await caller.append("s", event(), event(), no_stream={})).only.success
    second = (await caller.append("s", event(), revision=1)).only.success
    third = (await caller.append("s", event(), stream_exists={})).only.success
    assert [each.current_revision for each in (first, second, third)] == [1, 2, 3]
    positions = [each.position.commit_position for each in (first, second, third)]
    assert positions == sorted(set(positions))


@pytest.mark.parametrize(
    ("expected", "fields"),
    [
        ({"no_stream": {}}, {"expected_no_stream", "expected_revision_20_6_0"}),
        ({"revision": 7}, {"expected_revision", "expected_revision_20_6_0"}),
        ({"revision": MINUS_ONE}, {"expected_revision", "expected_revision_20_6_0"}),
    ],
)
async def test_a_wrong_version_is_a_message(caller: Caller, expected: dict[str, Any], fields: set[str]) -> None:
    await caller.append("s", event(), event())
    wrong = (await caller.append("s", event(), **expected)).only.wrong_expected_version
    assert (wrong.current_revision, wrong.current_revision_20_6_0) == (1, 1)
    assert {field.name for field, _ in wrong.ListFields()} == {
        "current_revision",
        "current_revision_20_6_0",
        *fields,
    }


async def test_a_missing_stream_is_at_no_version(caller: Caller) -> None:
    wrong = (await caller.append("s", event(), stream_exists={})).only.wrong_expected_version
    assert wrong.HasField("current_no_stream")
    assert wrong.HasField("no_stream_20_6_0")
    assert wrong.HasField("expected_stream_exists")
    assert wrong.HasField("stream_exists_20_6_0")


async def test_a_repetition_returns_the_first_position(caller: Caller) -> None:
    events = [event(), event()]
    first = (await caller.append("s", *events)).only
    await caller.append("s", event())
    assert (await caller.append("s", *events)).only == first
    assert (await caller.append("s", *events, no_stream={})).only == first
    assert len(await caller.events("s")) == 3


async def test_known_ids_that_are_not_adjacent_return_the_last(caller: Caller) -> None:
    """The answer of a real server has no number of the first event either."""
    events = [event(), event(), event()]
    first = (await caller.append("s", *events)).only.success
    await caller.append("s", event())
    assert (await caller.append("s", events[0], events[2])).only.success == first
    assert first.current_revision == 2


async def test_an_append_without_events_has_a_position(caller: Caller) -> None:
    nothing = (await caller.append("s")).only.success
    assert nothing.HasField("no_stream")
    assert nothing.HasField("position")
    await caller.append("s", event())
    assert (await caller.append("s")).only.success.current_revision == 0


async def test_known_ids_in_another_order_are_answered_at_once() -> None:
    """A real server never answers."""
    async with serving(insecure=True, strictness=Strictness.REAL) as server, calling(server) as caller:
        events = [event() for _ in range(3)]
        await caller.append("s", *events)
        wrong = (await caller.append("s", *reversed(events))).only.wrong_expected_version
        assert wrong.current_revision == 2
        assert wrong.HasField("expected_any")


async def test_an_append_to_a_tombstoned_stream_fails(caller: Caller) -> None:
    await delete(caller, streams.TOMBSTONE, any={})
    answer = await caller.append("s", event())
    assert (answer.code, answer.error) == (StatusCode.FAILED_PRECONDITION, "stream-deleted")


BAD_EVENTS = {
    "no type": (event() | {"metadata": {"content-type": "x"}}, "missing-required-metadata-property", "'type'"),
    "no content type": (
        event() | {"metadata": {"type": "x"}},
        "missing-required-metadata-property",
        "'content-type'",
    ),
    "an empty type": (event(""), None, "Empty eventType provided. (Parameter 'eventType')"),
    "no id": (event() | {"id": {}}, None, "Value cannot be null. (Parameter 'dto')"),
    "a zero id": (
        event() | {"id": {"string": "00000000-0000-0000-0000-000000000000"}},
        None,
        "Empty eventId provided.",
    ),
    "a bad id": (event() | {"id": {"string": "no"}}, None, "Unrecognized Guid format."),
}


@pytest.mark.parametrize("case", BAD_EVENTS)
async def test_a_bad_event_ends_the_append_at_once(caller: Caller, case: str) -> None:
    proposed, name, text = BAD_EVENTS[case]
    options = streams.AppendRequest(options={"stream_identifier": {"stream_name": b"s"}, "any": {}})
    call = await caller.open(streams.APPEND, options, streams.AppendRequest(proposed_message=proposed))
    answer = await call.end()
    assert answer.code in (StatusCode.INVALID_ARGUMENT, StatusCode.UNKNOWN)
    assert answer.error == name
    assert text in answer.status.message
    assert (await caller.read("s")).only.HasField("stream_not_found")


@pytest.mark.parametrize(
    ("requests", "code", "text"),
    [
        ([], StatusCode.UNKNOWN, "The first message must have the options"),
        ([streams.AppendRequest(proposed_message=event())], StatusCode.UNKNOWN, "The first message must have"),
        (
            [streams.AppendRequest(options={"any": {}})],
            StatusCode.UNKNOWN,
            "The name of the stream must not be empty.",
        ),
        (
            [streams.AppendRequest(options={"stream_identifier": {"stream_name": b"s"}})],
            StatusCode.INVALID_ARGUMENT,
            "'None' is not a valid EventStore.Client.Streams.AppendReq+Types+Options+ExpectedStreamRevisionOneofCase",
        ),
        (
            [streams.AppendRequest(options={"stream_identifier": {"stream_name": b"s"}, "any": {}})] * 2,
            StatusCode.UNKNOWN,
            "Each message after the first must have an event.",
        ),
        (
            [streams.AppendRequest(options={"stream_identifier": {"stream_name": b"s"}, "revision": 1 << 63})],
            StatusCode.UNKNOWN,
            "is larger than",
        ),
    ],
)
async def test_a_bad_append_is_refused(caller: Caller, requests: list[Any], code: StatusCode, text: str) -> None:
    answer = await caller.ask(streams.APPEND, *requests)
    assert answer.code is code
    assert text in answer.status.message


async def test_an_event_that_is_too_large_is_refused(caller: Caller) -> None:
    largest = event("t" * 900, bytes(MAX_EVENT_BYTES - 2000))
    large = event("t" * 1001, bytes(MAX_EVENT_BYTES - 2000))
    assert (await caller.append("s", largest)).code is StatusCode.OK
    answer = await caller.append("s", large)
    assert answer.error == "maximum-append-event-size-exceeded"
    assert dict(answer.status.metadata)["event-id"] == large["id"]["string"]


async def test_an_append_that_is_too_large_is_refused(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(append, "MAX_APPEND_BYTES", 1000)
    assert (await caller.append("s", event("t", bytes(998)))).code is StatusCode.OK
    answer = await caller.append("s", event("t", bytes(600)), event("t", bytes(600)))
    assert (answer.error, answer.status.message) == (
        "maximum-append-size-exceeded",
        "Maximum Append Size of 1000 Exceeded.",
    )


async def delete(caller: Caller, method: Any, stream: str = "s", **expected: Any) -> Any:
    options = {"stream_identifier": {"stream_name": stream.encode()}, **expected}
    return await caller.ask(method, streams.DeleteRequest(options=options))


async def test_a_soft_deleted_stream_can_be_written_again(caller: Caller) -> None:
    await caller.append("s", event(), event())
    assert (await delete(caller, streams.DELETE, revision=1)).only.HasField("position")
    assert (await delete(caller, streams.DELETE, any={})).code is StatusCode.OK
    assert (await delete(caller, streams.DELETE, no_stream={})).code is StatusCode.OK
    assert (await delete(caller, streams.DELETE, stream_exists={})).error == "stream-deleted"
    await caller.append("s", event())
    assert [each.stream_revision for each in await caller.events("s")] == [2]


@pytest.mark.parametrize("expected", [{"any": {}}, {"no_stream": {}}, {"stream_exists": {}}])
async def test_a_missing_stream_cannot_be_deleted(caller: Caller, expected: dict[str, Any]) -> None:
    answer = await delete(caller, streams.DELETE, **expected)
    assert (answer.code, answer.error) == (StatusCode.FAILED_PRECONDITION, "wrong-expected-version")
    assert dict(answer.status.metadata)["actual-version"] == "-1"


async def test_a_stream_with_metadata_can_be_deleted(caller: Caller) -> None:
    await caller.append("$$s", event("$metadata"))
    assert (await delete(caller, streams.DELETE, any={})).code is StatusCode.OK


async def test_a_tombstone_is_for_ever(caller: Caller) -> None:
    await caller.append("s", event())
    wrong = await delete(caller, streams.TOMBSTONE, revision=4)
    assert wrong.status.message == (
        "Delete failed due to WrongExpectedVersion. Stream: s, Expected version: 4, Actual version: 0"
    )
    assert dict(wrong.status.metadata) == {
        "exception": "wrong-expected-version",
        "stream-name": "s",
        "expected-version": "4",
        "actual-version": "0",
    }
    assert (await delete(caller, streams.TOMBSTONE, any={})).only.HasField("position")
    for method in (streams.DELETE, streams.TOMBSTONE):
        assert (await delete(caller, method, any={})).error == "stream-deleted"


async def test_a_delete_needs_an_expected_version(caller: Caller) -> None:
    answer = await delete(caller, streams.TOMBSTONE)
    assert answer.code is StatusCode.INVALID_ARGUMENT
    assert "TombstoneReq" in answer.status.message
    assert (await delete(caller, streams.DELETE, "", any={})).code is StatusCode.UNKNOWN


async def test_writes_need_permission() -> None:
    async with serving() as server, calling(server) as caller:
        assert (await caller.append("$s", event())).error == "access-denied"
        assert (await caller.append("$s", event(), metadata=ADMIN)).code is StatusCode.OK
        assert (await delete(caller, streams.DELETE, "$s", any={})).error == "access-denied"
        assert (await caller.read("$s")).error == "access-denied"


# BatchAppend ---------------------------------------------------------------------------------------


def batch(stream: str = "s", *events: Any, final: bool = True, id: str | None = None, **options: Any) -> Any:
    options = options or {"any": {}}
    return streams.BatchAppendRequest(
        correlation_id={"string": id or str(uuid4())},
        options={"stream_identifier": {"stream_name": stream.encode()}, **options},
        proposed_messages=events,
        is_final=final,
    )


@pytest.mark.parametrize("expected", ["any", "no_stream", "stream_exists"])
async def test_an_empty_append_to_a_tombstoned_stream_succeeds_or_not(caller: Caller, expected: str) -> None:
    await caller.append("s", event())
    await delete(caller, streams.TOMBSTONE, any={})
    version: dict[str, Any] = {expected: {}}
    alone = await caller.append("s", **version)
    batched = (await caller.ask(streams.BATCH_APPEND, batch("s", **version))).only
    if expected == "stream_exists":
        assert alone.error == "stream-deleted"
        assert batched.error.message == "StreamDeleted"
    else:
        assert alone.only.success.current_revision == MAX_EVENT_NUMBER
        assert batched.success == alone.only.success


def part(id: str, *events: Any, final: bool = False) -> Any:
    return streams.BatchAppendRequest(correlation_id={"string": id}, proposed_messages=events, is_final=final)


async def test_batches_are_answered_one_by_one(caller: Caller) -> None:
    call = await caller.open(streams.BATCH_APPEND)
    requests = [batch("s", event(), event()) for _ in range(300)]
    for request in requests:
        await call.send(request)
    answers = await call.take(300)
    assert [answer.correlation_id for answer in answers] == [request.correlation_id for request in requests]
    assert [answer.success.current_revision for answer in answers] == list(range(1, 600, 2))
    assert all(answer.stream_identifier.stream_name == b"s" for answer in answers)
    call.half_close()
    assert (await call.end()).code is StatusCode.OK


async def test_a_batch_can_have_several_parts(caller: Caller) -> None:
    one, other = str(uuid4()), str(uuid4())
    call = await caller.begin(
        streams.BATCH_APPEND,
        batch("a", event(), final=False, id=one),
        batch("b", event(), final=False, id=other),
        part(one, event()),
        batch("ignored", event(), final=False, id=one),
        part(other, event(), final=True),
        part(one, final=True),
        part(str(uuid4()), event(), final=True),
    )
    answers = {each.correlation_id.string: each for each in (await call.end()).messages}
    assert {id: each.success.current_revision for id, each in answers.items()} == {one: 2, other: 1}
    assert answers[one].stream_identifier.stream_name == b"a"


def detail_name(answer: Any) -> tuple[int, str, str]:
    [detail] = answer.error.details
    return answer.error.code, answer.error.message, detail.type_url.rpartition(".")[2]


TEXTS = {
    "no version": (
        batch("s", event(), deadline={"seconds": 1}),
        'Status(StatusCode="InvalidArgument", Detail="\'None\' is not a valid EventStore.Client.Streams.'
        'BatchAppendReq+Types+Options+ExpectedStreamPositionOneofCase")',
    ),
    "no type": (
        batch("s", event() | {"metadata": {"content-type": "x"}}),
        'Status(StatusCode="InvalidArgument", Detail="Required Metadata Property \'type\' is missing")',
    ),
    "no content type": (
        batch("s", event() | {"metadata": {"type": "x"}}),
        'Status(StatusCode="InvalidArgument", Detail="Required Metadata Property \'content-type\' is missing")',
    ),
    "an empty type": (batch("s", event("")), "Empty eventType provided. (Parameter 'eventType')"),
    "no id": (batch("s", event() | {"id": {}}), "Value cannot be null. (Parameter 'dto')"),
    "an id of zeros": (
        batch("s", event() | {"id": {"string": str(UUID(int=0))}}),
        "Empty eventId provided. (Parameter 'eventId')",
    ),
    "an id that is none": (batch("s", event() | {"id": {"string": "nope"}}), "Unrecognized Guid format."),
}
"""The text of a BadRequest of KurrentDB 26.1."""


@pytest.mark.parametrize("case", TEXTS)
async def test_a_bad_batch_has_the_text_of_a_real_server(caller: Caller, case: str) -> None:
    request, text = TEXTS[case]
    answer = (await caller.ask(streams.BATCH_APPEND, request)).only
    [detail] = answer.error.details
    assert streams.BadRequest.FromString(detail.value).message == text


@pytest.mark.parametrize(
    ("stream", "text"),
    [
        ({}, "Object reference not set to an instance of an object."),
        ({"stream_identifier": {}}, "Invalid stream ID:  (Parameter 'eventStreamIds')"),
    ],
)
async def test_a_batch_must_name_its_stream(caller: Caller, stream: dict[str, Any], text: str) -> None:
    """The answer to a batch without a stream has no stream, either."""
    request = batch("s", event())
    request.options.CopyFrom(streams.BatchAppendRequest(options={**stream, "any": {}}).options)
    answer = (await caller.ask(streams.BATCH_APPEND, request)).only
    [detail] = answer.error.details
    assert streams.BadRequest.FromString(detail.value).message == text
    assert answer.HasField("stream_identifier") == bool(stream)


async def test_each_batch_has_its_own_error(caller: Caller) -> None:
    await delete(caller, streams.TOMBSTONE, "dead", any={})
    await caller.append("s", event())
    halves = {"most_significant_bits": 1, "least_significant_bits": 2}
    structured = batch("s", event(), no_stream={})
    structured.correlation_id.CopyFrom(
        streams.BatchAppendRequest(correlation_id={"structured": halves}).correlation_id
    )
    requests = {
        "wrong": batch("s", event(), stream_position=7),
        "structured": structured,
        "dead": batch("dead", event()),
        "bad type": batch("s", event() | {"metadata": {"content-type": "x"}}),
        "no name": batch("", event()),
        "bad id": batch("s", event(), id="no uuid"),
        "no version": batch("s", event(), deadline={"seconds": 1}),
        "late": batch("s", event(), any={}, deadline={"seconds": -1}),
        "late by clock": batch("s", event(), any={}, deadline_21_10_0={"seconds": 1}),
        "last": batch("s", event()),
    }
    found = (await caller.ask(streams.BATCH_APPEND, *requests.values())).messages
    answers = dict(zip(requests, sorted(found, key=lambda each: order(requests, each)), strict=True))
    assert detail_name(answers["wrong"]) == (6, "WrongExpectedVersion", "WrongExpectedVersion")
    wrong = streams.WrongExpectedVersion.FromString(answers["wrong"].error.details[0].value)
    assert (wrong.current_stream_revision, wrong.expected_stream_position) == (0, 7)
    assert answers["structured"].correlation_id.structured.least_significant_bits == 2
    assert detail_name(answers["dead"]) == (5, "StreamDeleted", "StreamDeleted")
    for name in ("bad type", "no name", "bad id", "no version"):
        assert detail_name(answers[name]) == (3, "BadRequest", "BadRequest")
    for name in ("late", "late by clock"):
        assert detail_name(answers[name]) == (4, "Timeout", "Timeout")
    assert answers["last"].success.current_revision == 1


def order(requests: dict[str, Any], answer: Any) -> int:
    return [request.correlation_id for request in requests.values()].index(answer.correlation_id)


async def test_a_batch_that_is_not_completed_times_out(caller: Caller) -> None:
    late = batch("s", event(), final=False, any={}, deadline={"nanos": 20_000_000})
    answer = await caller.ask(streams.BATCH_APPEND, late)
    assert answer.code is StatusCode.OK
    assert detail_name(answer.messages[0])[1] == "Timeout"
    assert answer.messages[0].correlation_id == late.correlation_id
    assert (await caller.read("s")).only.HasField("stream_not_found")


async def test_a_batch_that_is_too_large_is_refused(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (batch_append, batch_errors):
        monkeypatch.setattr(module, "MAX_APPEND_BYTES", 1000)
    large = batch("s", event(data=bytes(1000)))
    too_large_event = batch("s", event("t" * 1001, bytes(MAX_EVENT_BYTES - 2000)))
    first, second = (await caller.ask(streams.BATCH_APPEND, large, too_large_event)).messages
    assert detail_name(first) == (3, "MaximumAppendSizeExceeded", "MaximumAppendSizeExceeded")
    assert detail_name(second)[1] == "MaximumAppendEventSizeExceeded"


async def test_an_empty_batch_request_ends_the_call(caller: Caller) -> None:
    call = await caller.open(streams.BATCH_APPEND, streams.BatchAppendRequest())
    assert (await call.end()).code is StatusCode.UNKNOWN
    assert (await caller.ask(streams.BATCH_APPEND, b"\xff\xff\xff")).code is StatusCode.UNKNOWN


async def test_a_call_without_batches_ends(caller: Caller) -> None:
    answer = await caller.ask(streams.BATCH_APPEND)
    assert (answer.code, answer.messages) == (StatusCode.OK, [])


async def test_a_batch_needs_permission() -> None:
    async with serving() as server, calling(server) as caller:
        answer = await caller.ask(streams.BATCH_APPEND, batch("$s", event()), batch("s", event()))
        assert detail_name(answer.messages[0]) == (7, "AccessDenied", "AccessDenied")
        assert answer.messages[1].HasField("success")


async def test_a_cancelled_call_leaves_the_stream_intact(server: EmbeddedServer, caller: Caller) -> None:
    call = await caller.open(streams.BATCH_APPEND, batch("s", event()), batch("s", event(), final=False))
    await call.next()
    await call.send(batch("s", event()))
    call.cancel()
    written = len(await caller.events("s"))
    assert (await caller.append("s", event())).only.success.current_revision == written
