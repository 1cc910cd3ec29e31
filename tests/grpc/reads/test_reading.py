"""Reads to the end, pages and single events, with a scripted server."""

from __future__ import annotations

from contextlib import aclosing
from itertools import chain
from typing import Any

import pytest

from rxpump.errors import (
    AccessDenied,
    EventNotFound,
    MalformedReply,
    OperationTimedOut,
    ReadFailed,
    StreamDeleted,
    StreamNotFound,
)
from rxpump.grpc.protocol.call_status import CallStatus, StatusCode
from rxpump.grpc.reads.ends import find_all_end, find_stream_end
from rxpump.grpc.reads.pages import read_all_page, read_event, read_stream_page
from rxpump.grpc.reads.reading import AllReading, StreamReading
from rxpump.model.filters import EventFilter
from rxpump.model.positions import END, FIRST_POSITION, LAST_POSITION, START, Position, StreamDirection
from rxpump.settings import Settings
from tests.grpc.clients import QUICK
from tests.grpc.reads.read_server import (
    CAUGHT_UP,
    CUT,
    DELETED,
    OK,
    UNKNOWN_POSITION,
    WAIT,
    Encoded,
    event,
    first,
    in_turn,
    last,
    not_found,
    reading_from,
)

FORWARD = StreamDirection.FORWARD
BACKWARD = StreamDirection.BACKWARD
DENIED = CallStatus(StatusCode.PERMISSION_DENIED, "", (("exception", "access-denied"),))
NOT_READY = CallStatus(StatusCode.UNAVAILABLE, "Server Is Not Ready")


async def numbers(reading: Any) -> list[list[int]]:
    """Return the numbers of the events of each batch."""
    async with aclosing(reading.batches()) as batches:
        return [[each.number for each in batch] async for batch in batches]


def stream_reading(caller: Any, start: Any = START, direction: StreamDirection = FORWARD, batch_size: int = 3) -> Any:
    return StreamReading(caller, "s", start, direction, batch_size=batch_size, resolve_links=False)


def all_reading(caller: Any, start: Any = START, direction: StreamDirection = FORWARD, **options: Any) -> Any:
    return AllReading(caller, start, direction, **{"batch_size": 3, "resolve_links": False, **options})


async def test_a_read_is_one_call_in_batches() -> None:
    async with reading_from(in_turn([*map(event, range(8)), last(7)])) as (server, caller):
        batches = await numbers(stream_reading(caller, 0))
        assert [number for batch in batches for number in batch] == list(range(8))
        assert max(map(len, batches)) == 3
        [options] = server.requests
        assert (options.stream.revision, options.count, options.read_direction) == (0, 2**63 - 1, 0)
        assert options.HasField("no_filter")
        assert options.uuid_option.HasField("structured")
        assert options.control_option.compatibility == 1


@pytest.mark.parametrize(
    ("direction", "cut", "rest", "revision"),
    [(FORWARD, [3, 4], [5, 6], 5), (BACKWARD, [4, 3], [2, 1, 0], 2)],
)
async def test_a_read_continues_after_a_lost_connection(
    direction: StreamDirection, cut: list[int], rest: list[int], revision: int
) -> None:
    script = in_turn([*map(event, cut), WAIT], [*map(event, rest)])
    async with reading_from(script) as (server, caller):
        reading = stream_reading(caller, cut[0], direction)
        received: list[int] = []
        async with aclosing(reading.batches()) as batches:
            async for batch in batches:
                received += [each.number for each in batch]
                if received == cut:
                    server.server.endpoints[-1].transport.abort()
        assert received == cut + rest
        assert server.requests[1].stream.revision == revision


async def test_a_backward_read_ends_with_the_first_event() -> None:
    async with reading_from(in_turn([event(1), event(0), CUT])) as (server, caller):
        assert await numbers(stream_reading(caller, END, BACKWARD)) in ([[1, 0]], [[1], [0]])
        assert len(server.requests) == 1


async def test_a_refused_read_is_repeated() -> None:
    async with reading_from(in_turn([NOT_READY], [NOT_READY], [event(0)])) as (_, caller):
        assert await numbers(stream_reading(caller)) == [[0]]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ([not_found()], StreamNotFound),
        ([DELETED], StreamDeleted),
        ([DENIED], AccessDenied),
        ([UNKNOWN_POSITION], ReadFailed),
    ],
)
async def test_a_read_that_fails_raises_the_error(answer: list[Any], error: type[Exception]) -> None:
    async with reading_from(in_turn(answer)) as (_, caller):
        with pytest.raises(error):
            await numbers(stream_reading(caller))


async def test_a_missing_batch_times_out() -> None:
    async with reading_from(in_turn([event(0), WAIT]), Settings(timeout=0.05, reconnect=QUICK)) as (_, caller):
        with pytest.raises(OperationTimedOut):
            await numbers(stream_reading(caller))


async def test_a_message_that_cannot_be_parsed_is_malformed() -> None:
    class Garbage:
        def SerializeToString(self) -> bytes:
            return b"\x0a\xff\xff"

    async with reading_from(in_turn([Garbage()])) as (_, caller):
        with pytest.raises(MalformedReply):
            await numbers(stream_reading(caller))


async def test_a_resumed_read_of_all_repeats_no_event() -> None:
    script = in_turn([event(3), event(4), CUT], [event(4), event(5)], [event(5), OK])
    async with reading_from(script) as (server, caller):
        received = await numbers(all_reading(caller, Position(300, 300)))
        assert [number for batch in received for number in batch] == [3, 4, 5]
        assert server.requests[1].all.position.commit_position == 400


async def test_a_backward_read_of_all_continues_before_the_last_event() -> None:
    async with reading_from(in_turn([event(4), CUT], [event(3)])) as (server, caller):
        received = await numbers(all_reading(caller, END, BACKWARD))
        assert [number for batch in received for number in batch] == [4, 3]
        assert server.requests[0].all.HasField("end")
        assert server.requests[1].all.position.commit_position == 400


@pytest.mark.parametrize(
    ("start", "field"), [(START, "start"), (FIRST_POSITION, "start"), (END, "end"), (LAST_POSITION, "end")]
)
async def test_the_ends_of_all_have_names(start: Any, field: str) -> None:
    async with reading_from(in_turn([event(1)])) as (server, caller):
        await numbers(all_reading(caller, start, BACKWARD))
        assert server.requests[0].all.WhichOneof("from") == field


async def test_a_filter_is_applied_by_the_server_and_the_client() -> None:
    async with reading_from(in_turn([event(1, "so"), event(2, "s")])) as (server, caller):
        assert await numbers(all_reading(caller, where=EventFilter(stream_prefix="so"))) in ([[1]], [[1], []])
        filter = server.requests[0].filter
        assert filter.stream_identifier.regex == "^so"
        assert filter.HasField("count")
        assert filter.checkpoint_interval_multiplier == 1


async def test_a_filter_that_no_server_has_is_applied_by_the_client() -> None:
    async with reading_from(in_turn([event(1), event(2)])) as (server, caller):
        received = await numbers(all_reading(caller, where=EventFilter(type_regex=r"\d")))
        assert [number for batch in received for number in batch] == []
        assert server.requests[0].HasField("no_filter")


@pytest.mark.parametrize("number", [3, END])
async def test_one_event_is_read_backward(number: Any) -> None:
    async with reading_from(in_turn([event(3), last(3)])) as (server, caller):
        assert (await read_event(caller, "s", number, resolve_links=False)).number == 3
        assert (server.requests[0].read_direction, server.requests[0].count) == (1, 1)


@pytest.mark.parametrize(
    ("of_the_stream", "error"),
    [([event(3), last(3)], EventNotFound), ([DENIED], EventNotFound), ([not_found()], StreamNotFound)],
)
async def test_metadata_of_a_stream_is_a_stream_too(of_the_stream: list[Any], error: type[Exception]) -> None:
    """Over TCP, the metadata stream of a stream that exists is empty if there is no metadata."""
    async with reading_from(in_turn([not_found("$$s")], of_the_stream)) as (server, caller):
        with pytest.raises(error) as raised:
            await read_event(caller, "$$s", END, resolve_links=False)
        assert vars(raised.value)["stream"] == "$$s"
        assert server.requests[1].stream.stream_identifier.stream_name == b"s"


@pytest.mark.parametrize("answer", [[event(3), last(3)], [last(3)]])
async def test_an_event_with_another_number_is_event_not_found(answer: list[Any]) -> None:
    async with reading_from(in_turn(answer)) as (_, caller):
        with pytest.raises(EventNotFound) as raised:
            await read_event(caller, "s", 7, resolve_links=False)
        assert raised.value.number == 7


@pytest.mark.parametrize(
    ("start", "direction", "answer", "following", "is_end", "last_number"),
    [
        (0, FORWARD, [event(0), event(1), last(4)], 2, False, 4),
        (3, FORWARD, [event(3), event(4), last(4)], 5, True, 4),
        (4, FORWARD, [event(4), last(4)], 5, True, 4),
        (9, FORWARD, [last(4)], 5, True, 4),
        (0, FORWARD, [first(5), last(4)], 5, True, 4),
        (0, FORWARD, [first(3), event(3), event(4), last(4)], 5, True, 4),
        (0, FORWARD, [first(1), event(1), event(2), last(4)], 3, False, 4),
        (3, FORWARD, [event(3), event(4)], 5, False, None),
        (3, FORWARD, [event(3)], 4, True, None),
        (START, FORWARD, [], 0, True, None),
        (7, FORWARD, [], 7, True, None),
        (END, BACKWARD, [event(4), event(3), last(4)], 2, False, 4),
        (END, BACKWARD, [event(4), last(4)], -1, True, 4),
        (END, BACKWARD, [event(4), event(3)], 2, False, None),
        (END, BACKWARD, [event(4)], -1, True, None),
        (1, BACKWARD, [event(1), event(0), last(4)], -1, True, 4),
        (9, BACKWARD, [event(5), event(4), last(5)], 3, False, 5),
        (START, BACKWARD, [event(0), last(5)], -1, True, 5),
        (1, BACKWARD, [last(4)], -1, True, 4),
        (1, BACKWARD, [], -1, True, None),
    ],
)
async def test_a_page_names_the_next_one(
    start: Any, direction: StreamDirection, answer: list[Any], following: int, is_end: bool, last_number: int | None
) -> None:
    async with reading_from(in_turn(answer)) as (server, caller):
        page = await read_stream_page(caller, "s", start, 2, direction, resolve_links=False)
        assert (page.next, page.is_last, page.last_event_number) == (following, is_end, last_number)
        assert [each.number for each in page] == [
            each.event.event.stream_revision for each in answer if is_event(each)
        ]
        assert server.requests[0].count == 2


def is_event(response: Any) -> bool:
    return bool(response.HasField("event"))


async def test_events_around_another_message_are_all_read() -> None:
    """A later version of the server can send messages of a kind that is not known, and fields before the event."""
    newer = Encoded(b"\xaa\x01\x00")  # field 21
    late = Encoded(b"\xaa\x01\x02hi" + event(2).SerializeToString())
    answer = [event(0), newer, event(1), CAUGHT_UP, late, event(3), last(3)]
    async with reading_from(lambda _: answer) as (_, caller):
        page = await read_stream_page(caller, "s", 0, 10, FORWARD, resolve_links=False)
        assert [each.number for each in page] == [0, 1, 2, 3]
        assert [*chain.from_iterable(await numbers(stream_reading(caller, 0)))] == [0, 1, 2, 3]


async def test_pages_of_all_join_by_the_event_after_a_page() -> None:
    script = in_turn([event(1), event(2), event(3)], [event(3), event(4)], [event(4), event(5)])
    async with reading_from(script) as (server, caller):
        page = await read_all_page(caller, START, 2, FORWARD, resolve_links=False)
        assert ([each.number for each in page], page.next, page.is_last) == ([1, 2], Position(300, 0), False)
        page = await read_all_page(caller, page.next, 2, FORWARD, resolve_links=False)
        assert ([each.number for each in page], page.is_last) == ([3, 4], True)
        page = await read_all_page(caller, page.next, 2, FORWARD, resolve_links=False)
        assert [each.number for each in page] == [5]
        assert [each.count for each in server.requests] == [3, 3, 4]
        assert server.requests[2].all.position.commit_position == 400


async def test_a_forward_page_at_the_end_is_empty() -> None:
    async with reading_from(in_turn([event(4)], [event(4), event(5)])) as (_, caller):
        page = await read_all_page(caller, END, 2, FORWARD, resolve_links=False)
        assert (len(page), page.is_last) == (0, True)
        page = await read_all_page(caller, page.next, 2, FORWARD, resolve_links=False)
        assert [each.number for each in page] == [5]


async def test_a_backward_page_of_all_ends_before_its_last_event() -> None:
    async with reading_from(in_turn([event(4), event(3)], [event(2)])) as (_, caller):
        page = await read_all_page(caller, END, 2, BACKWARD, resolve_links=False)
        assert (page.next, page.is_last) == (Position(300, 300), False)
        page = await read_all_page(caller, page.next, 2, BACKWARD, resolve_links=False)
        assert ([each.number for each in page], page.is_last) == ([2], True)


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([[event(4), last(6)]], (6, 4)),
        ([[event(4)]], (4, 4)),
        ([[last(6)]], (6, None)),
        ([[not_found()], [not_found()]], (-1, None)),
        ([[not_found()], [event(1), last(1)]], (None, None)),
        ([[not_found()], [DENIED]], (None, None)),
    ],
)
async def test_the_end_of_a_stream_is_its_last_event(
    answers: list[Any], expected: tuple[int | None, int | None]
) -> None:
    async with reading_from(in_turn(*answers)) as (server, caller):
        end = await find_stream_end(caller, "s")
        assert (end.last, end.readable) == expected
        names = [bytes(each.stream.stream_identifier.stream_name) for each in server.requests]
        assert names == [b"s", b"$$s"][: len(answers)]


@pytest.mark.parametrize(
    ("after", "answers", "expected"),
    [
        (Position(300, 300), [[event(4)]], Position(400, 400)),
        (Position(500, 500), [[event(4)], [event(4)]], Position(500, 500)),
        (Position(500, 500), [[event(4)], [UNKNOWN_POSITION]], Position(400, 400)),
        (FIRST_POSITION, [[], []], FIRST_POSITION),
        (Position(500, 500), [[], [UNKNOWN_POSITION]], None),
    ],
)
async def test_the_end_of_all_is_its_last_position(
    after: Position, answers: list[Any], expected: Position | None
) -> None:
    async with reading_from(in_turn(*answers)) as (_, caller):
        end = await find_all_end(caller, after)
        assert end.last == expected
