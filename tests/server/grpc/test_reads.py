"""Reads of streams and of the log."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest

from rxpump.grpc.messages import streams
from rxpump.grpc.protocol.call_status import StatusCode
from rxpump.model.limits import MAX_EVENT_NUMBER
from rxpump.server import EmbeddedServer
from rxpump.server.store.new_event import NewEvent
from tests.server.grpc.caller import BINARY, Answer, Caller, calling, event, kinds, read_request, serving
from tests.server.talk import Talk

BACKWARDS: dict[str, Any] = {"read_direction": 1}
END: dict[str, Any] = {"start": {"end": {}}}


def revision(number: int) -> dict[str, Any]:
    return {"start": {"revision": number}}


async def numbers(caller: Caller, stream: str, **options: Any) -> list[int]:
    return [each.stream_revision for each in await caller.events(stream, **options)]


async def test_an_event_has_all_its_fields(caller: Caller) -> None:
    sent = event("happened", b"data", content_type=BINARY, custom_metadata=b"meta")
    written = (await caller.append("s", sent)).only.success
    [found] = (await caller.read("s")).messages
    recorded = found.event.event
    assert found.event.commit_position == written.position.commit_position
    assert recorded.commit_position == recorded.prepare_position == written.position.commit_position
    assert recorded.id.string == sent["id"]["string"]
    assert recorded.stream_identifier.stream_name == b"s"
    assert (recorded.data, recorded.custom_metadata, recorded.stream_revision) == (b"data", b"meta", 0)
    assert dict(recorded.metadata).keys() == {"type", "content-type", "created"}
    assert recorded.metadata["content-type"] == BINARY
    assert len(recorded.metadata["created"]) == 17


async def test_tcp_and_grpc_show_the_same_event(server: EmbeddedServer, caller: Caller) -> None:
    """Events that were written over one protocol have the same number, position, id and time over the other."""
    sent = event("by-grpc", b'{"n":1}', custom_metadata=b"m")
    position = (await caller.append("s", sent)).only.success.position.commit_position
    talk = Talk(server.store)
    written = await talk.write("s", NewEvent(uuid4().bytes_le, "by-tcp", b"x"))
    of_tcp = [found.event for found in talk.read_stream("s", 0, 10).events]
    of_grpc = [found.event for found in (await caller.read("s")).messages]
    assert [found.commit_position for found in of_grpc] == [position, written.commit_position]
    for left, right in zip(of_tcp, (each.event for each in of_grpc), strict=True):
        assert str(UUID(bytes_le=left.event_id)) == right.id.string
        assert left.event_number == right.stream_revision
        assert left.event_type == right.metadata["type"]
        assert (left.data, left.metadata) == (right.data, right.custom_metadata)
        assert left.created - 621_355_968_000_000_000 == int(right.metadata["created"])


async def test_ids_come_in_the_form_that_is_asked_for(caller: Caller) -> None:
    identifier = UUID("fedcba98-7654-3210-8899-aabbccddeeff")
    most, least = -81985529216486896, -8603657889541918977
    await caller.append(
        "s", event(id={"structured": {"most_significant_bits": most, "least_significant_bits": least}})
    )
    [as_text] = await caller.events("s")
    [as_halves] = await caller.events("s", uuid_option={"structured": {}})
    assert await caller.events("s", uuid_option={}) == [as_halves]
    assert as_text.id.string == str(identifier)
    assert (as_halves.id.structured.most_significant_bits, as_halves.id.structured.least_significant_bits) == (
        most,
        least,
    )


async def test_a_stream_is_read_in_both_directions(caller: Caller) -> None:
    await caller.append("s", *(event() for _ in range(600)))
    assert await numbers(caller, "s") == list(range(600))
    assert await numbers(caller, "s", **revision(595)) == [595, 596, 597, 598, 599]
    assert await numbers(caller, "s", **revision(700)) == []
    assert await numbers(caller, "s", **END, **BACKWARDS) == list(range(599, -1, -1))
    assert await numbers(caller, "s", **revision(2), **BACKWARDS) == [2, 1, 0]
    assert await numbers(caller, "s", **revision(5000), **BACKWARDS, count=1) == [599]
    assert await numbers(caller, "s", **BACKWARDS) == [0]
    assert await numbers(caller, "s", count=3) == [0, 1, 2]
    assert await numbers(caller, "s", count=(1 << 64) - 1) == list(range(600))


async def test_large_events_are_read_in_several_pages(caller: Caller) -> None:
    for number in range(7):
        await caller.append("s", event(data=bytes([number]) * 1_500_000, content_type=BINARY))
    assert [len(each.data) for each in await caller.events("s")] == [1_500_000] * 7
    assert await numbers(caller, "s", **END, **BACKWARDS) == [6, 5, 4, 3, 2, 1, 0]


async def test_a_missing_and_a_soft_deleted_stream_are_not_found(caller: Caller) -> None:
    await caller.append("s", event())
    options = {"stream_identifier": {"stream_name": b"s"}, "any": {}}
    assert (await caller.ask(streams.DELETE, streams.DeleteRequest(options=options))).only.HasField("position")
    for name in ("nope", "s"):
        found = (await caller.read(name)).only
        assert found.stream_not_found.stream_identifier.stream_name == name.encode()


async def test_a_tombstoned_stream_is_an_error(caller: Caller) -> None:
    options = {"stream_identifier": {"stream_name": "später".encode()}, "any": {}}
    assert (await caller.ask(streams.TOMBSTONE, streams.DeleteRequest(options=options))).code is StatusCode.OK
    answer = await caller.read("später")
    assert (answer.code, answer.error) == (StatusCode.FAILED_PRECONDITION, "stream-deleted")
    assert dict(answer.status.metadata)["stream-name"] == "sp%C3%A4ter"
    assert answer.status.message == "Event stream 'später' is deleted."


async def test_stream_positions_come_if_they_are_asked_for(caller: Caller) -> None:
    await caller.append("s", *(event() for _ in range(40)))
    await caller.append("$$s", event("$metadata", b'{"$tb":35}'))
    compatible: dict[str, Any] = {"control_option": {"compatibility": 1}}
    messages = (await caller.read("s", **compatible)).messages
    assert kinds(messages) == ["first_stream_position", *["event"] * 5, "last_stream_position"]
    assert (messages[0].first_stream_position, messages[-1].last_stream_position) == (35, 39)
    assert kinds((await caller.read("s", **revision(20), **compatible)).messages)[:2] == ["event", "event"]
    assert kinds((await caller.read("s", count=1, **revision(50), **compatible)).messages) == ["last_stream_position"]
    assert kinds((await caller.read("s", count=1, **END, **BACKWARDS)).messages) == ["event"]
    await caller.append("$$s", event("$metadata", b'{"$tb":40}'))
    messages = (await caller.read("s", **compatible)).messages
    assert kinds(messages) == ["first_stream_position", "last_stream_position"]
    assert messages[0].first_stream_position == 40


async def test_links_are_resolved(caller: Caller) -> None:
    target = (await caller.append("target", event("a", b'{"n":1}'))).only.success.position.commit_position
    broken = (b"9@target", b"0@none", b"0@", b"0", b" +7 ", b"-5@target", b"-9223372036854775807@target")
    plain = (b"", b"nonsense", b"x@target", b"@target", b"1.0@target", b"9223372036854775808@target")
    for data in (b"0@target", *broken, *plain):
        await caller.append("links", event("$>", data, content_type=BINARY))
    found = [message.event for message in (await caller.read("links", resolve_links=True)).messages]
    assert [(each.HasField("event"), each.HasField("link")) for each in found] == [
        (True, True),
        *[(False, True)] * len(broken),
        *[(True, False)] * len(plain),
    ]
    assert found[0].event.data == b'{"n":1}'
    assert found[0].event.commit_position == target
    assert found[0].commit_position == found[0].link.commit_position > target
    unresolved = [message.event for message in (await caller.read("links")).messages]
    assert {(each.event.metadata["type"], each.HasField("link")) for each in unresolved} == {("$>", False)}


async def log_types(caller: Caller, **options: Any) -> list[str]:
    answer = await caller.ask(streams.READ, read_request(None, **options))
    assert answer.code is StatusCode.OK, answer.status
    return [message.event.event.metadata["type"] for message in answer.messages]


async def test_the_log_is_read_in_both_directions(caller: Caller) -> None:
    at = [
        (await caller.append(f"s-{name}", event(name))).only.success.position.commit_position for name in "abcdefgh"
    ]
    third = {"start": {"position": {"commit_position": at[2], "prepare_position": at[2]}}}
    assert await log_types(caller) == list("abcdefgh")
    assert await log_types(caller, count=2) == ["a", "b"]
    assert await log_types(caller, **third) == list("cdefgh")
    assert await log_types(caller, **third, **BACKWARDS) == ["b", "a"]
    assert await log_types(caller, **END, **BACKWARDS, count=3) == ["h", "g", "f"]
    assert await log_types(caller, **END) == []
    assert await log_types(caller, **BACKWARDS) == []
    past = {"start": {"position": {"commit_position": 1 << 40, "prepare_position": 1 << 40}}}
    assert await log_types(caller, **past) == []


@pytest.mark.parametrize("direction", [{}, {**END, **BACKWARDS}])
async def test_the_log_is_filtered(caller: Caller, direction: dict[str, Any]) -> None:
    for number in range(60):
        await caller.append(f"s-{number % 3}", event(f"t{number % 4}"))

    async def count(subject: str, **expression: Any) -> int:
        wanted = {subject: expression, "max": 10, "checkpoint_interval_multiplier": 1}
        return len(await log_types(caller, filter=wanted, **direction))

    assert await count("event_type", prefix=["t1", "t2"]) == 30
    assert await count("stream_identifier", regex="^s-[01]$") == 40
    assert await count("event_type", regex="2") == 15
    assert await count("event_type", prefix=["none"]) == 0
    assert await count("event_type") == 0
    assert await count("event_type", prefix=[""]) == 60


OPTIONS_NAME = "EventStore.Client.Streams.ReadReq+Types+Options"
NO_VERSION = f"'None' is not a valid {OPTIONS_NAME}"
OPTIONS = {
    "no options": (streams.ReadRequest(), StatusCode.UNKNOWN, "Exception was thrown by handler."),
    "no source": (
        streams.ReadRequest(options={"count": 1, "no_filter": {}, "uuid_option": {"string": {}}}),
        StatusCode.INVALID_ARGUMENT,
        f"{NO_VERSION}+StreamOptionOneofCase",
    ),
    "no option for the form of ids": (
        streams.ReadRequest(options={"all": {"start": {}}, "count": 1, "no_filter": {}}),
        StatusCode.INVALID_ARGUMENT,
        "'uuidOption' is a required argument of type EventStore.Client.Streams.ReadReq+Types+Options",
    ),
    "a filter of a stream": (
        read_request("s", filter={"event_type": {"prefix": ["x"]}, "count": {}}),
        StatusCode.INVALID_ARGUMENT,
        "The combination of (Stream, Count, Forwards, Filter) is invalid.",
    ),
    "a subscription backwards": (
        read_request(None, subscription={}, read_direction=1),
        StatusCode.INVALID_ARGUMENT,
        "The combination of (All, Subscription, Backwards, NoFilter) is invalid.",
    ),
    "an unknown direction": (
        read_request("s", read_direction=7),
        StatusCode.INVALID_ARGUMENT,
        "The combination of (Stream, Count, 7, NoFilter) is invalid.",
    ),
    "no events of a stream": (
        read_request("s", count=0),
        StatusCode.UNKNOWN,
        "Unexpected ReadStreamResult: Error >> maxCount should be positive. (Parameter 'maxCount')",
    ),
    "no events of the log": (read_request(None, count=0), StatusCode.INVALID_ARGUMENT, "The count of a read"),
    "the end forwards": (
        read_request("s", **END),
        StatusCode.UNKNOWN,
        "Unexpected ReadStreamResult: Error >> fromEventNumber should be non negative. (Parameter 'fromEventNumber')",
    ),
    "no start in a stream": (read_request("s", start={}), StatusCode.UNKNOWN, "Exception was thrown by handler."),
    "no start in the log": (read_request(None, start={}), StatusCode.UNKNOWN, "Exception was thrown by handler."),
    "a number too large": (
        read_request("s", **revision(MAX_EVENT_NUMBER + 1)),
        StatusCode.UNKNOWN,
        "Exception was thrown by handler.",
    ),
    "an empty name": (read_request(""), StatusCode.UNKNOWN, "Exception was thrown by handler."),
    "a position that is none": (
        read_request(None, start={"position": {"commit_position": 1, "prepare_position": 2}}),
        StatusCode.UNKNOWN,
        "Exception was thrown by handler.",
    ),
    "a position past the end, backwards": (
        read_request(None, start={"position": {"commit_position": 1 << 40}}, read_direction=1),
        StatusCode.UNKNOWN,
        "Unexpected ReadAllResult: Error",
    ),
    "a position inside a record": (
        read_request(None, start={"position": {"commit_position": 63, "prepare_position": 63}}),
        StatusCode.UNKNOWN,
        "Unexpected ReadAllResult: InvalidPosition",
    ),
    "a filter without a subject": (
        read_request(None, filter={"count": {}}),
        StatusCode.INVALID_ARGUMENT,
        f"'{{ \"count\": {{ }} }}' is not a valid {OPTIONS_NAME}+Types+FilterOptions",
    ),
    "a filter with a window only": (
        read_request(None, filter={"max": 0, "checkpoint_interval_multiplier": 2}),
        StatusCode.INVALID_ARGUMENT,
        f'\'{{ "max": 0, "checkpointIntervalMultiplier": 2 }}\' is not a valid {OPTIONS_NAME}+Types+FilterOptions',
    ),
    "an empty filter": (
        read_request(None, filter={}),
        StatusCode.INVALID_ARGUMENT,
        f"'{{ }}' is not a valid {OPTIONS_NAME}+Types+FilterOptions",
    ),
    "a filter without a window": (
        read_request(None, filter={"event_type": {"prefix": ["x"]}}),
        StatusCode.INVALID_ARGUMENT,
        f"{NO_VERSION}+Types+FilterOptions+WindowOneofCase",
    ),
    "a filter with an empty window": (
        read_request(None, filter={"event_type": {"prefix": ["x"]}, "max": 0}),
        StatusCode.INVALID_ARGUMENT,
        "The window of a filter must be at least 1, got 0.",
    ),
    "a bad regular expression": (
        read_request(None, filter={"event_type": {"regex": "("}, "count": {}}),
        StatusCode.UNKNOWN,
        "Exception was thrown by handler. The filter cannot be used",
    ),
}


@pytest.mark.parametrize("case", OPTIONS)
async def test_options_that_cannot_be_used_are_refused(caller: Caller, case: str) -> None:
    request, code, message = OPTIONS[case]
    answer = await caller.ask(streams.READ, request)
    assert answer.code is code
    assert answer.status.message.startswith(message)


@pytest.mark.parametrize("amount", [{"count": 10}, {"subscription": {}}])
async def test_a_secondary_index_is_not_found(caller: Caller, amount: dict[str, Any]) -> None:
    """A server before version 25.1 takes the name for the prefix of ordinary streams, and finds nothing."""

    async def read(**expression: Any) -> Answer:
        wanted = {"stream_identifier": expression, "count": {}, "checkpoint_interval_multiplier": 1}
        return await caller.ask(streams.READ, read_request(None, filter=wanted, **amount))

    answer = await read(prefix=["$idx-ce-orders"])
    assert (answer.code, answer.error, answer.messages) == (StatusCode.NOT_FOUND, "index-not-found", [])
    assert answer.status.message == "Index '$idx-ce-orders' not found."
    assert dict(answer.status.metadata)["index-name"] == "$idx-ce-orders"
    both = await read(prefix=["s", "$idx-all"])
    assert both.code is StatusCode.INVALID_ARGUMENT
    assert both.status.message.startswith("Index reads only work with one index name and cannot be combined")


async def test_a_user_who_may_not_read_everything_learns_of_no_index() -> None:
    wanted = {"stream_identifier": {"prefix": ["$idx-all"]}, "count": {}, "checkpoint_interval_multiplier": 1}
    async with serving() as server, calling(server) as caller:
        assert (await caller.ask(streams.READ, read_request(None, filter=wanted))).error == "access-denied"


async def test_a_regex_that_takes_too_long_ends_the_read(caller: Caller, without_re2: None) -> None:
    await caller.append("s", event("a" * 1024))
    wanted = {"event_type": {"regex": f"(?:a{'b?' * 100})*$"}, "count": {}, "checkpoint_interval_multiplier": 1}
    answer = await caller.ask(streams.READ, read_request(None, filter=wanted))
    assert answer.code is StatusCode.INVALID_ARGUMENT
    assert "takes too long" in answer.status.message
