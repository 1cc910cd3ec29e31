from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from rxpump import Credentials
from rxpump.server.store import filtered_pages
from rxpump.server.store.pages import MAX_PAGE_BYTES
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.codes import FilterContext, FilterType, ReadAllResult
from rxpump.tcp.wire.commands import Command
from rxpump.tcp.wire.limits import MAX_PAGE_EVENTS
from tests.raw_client import ADMIN, OPS
from tests.server.talk import Talk

START, END = (0, 0), (-1, -1)
REGEX, PREFIX = FilterType
STREAM, TYPE = FilterContext


def ask(
    talk: Talk,
    position: tuple[int, int],
    count: int,
    *data: str,
    backward: bool = False,
    window: int | None = None,
    type: FilterType | int = PREFIX,
    by: FilterContext | int = STREAM,
    resolve: bool = False,
    user: Credentials | None = ADMIN,
) -> tuple[int, bytes]:
    """Return the reply as its command and its message."""
    command = Command.FILTERED_READ_ALL_EVENTS_BACKWARD if backward else Command.FILTERED_READ_ALL_EVENTS_FORWARD
    message = schema.FilteredReadAllEvents(
        commit_position=position[0],
        prepare_position=position[1],
        max_count=count,
        max_search_window=window,
        resolve_link_tos=resolve,
        filter=schema.Filter(context=by, type=type, data=data),
    )
    [(answer, payload)] = talk.send(command, message, user)
    return answer, payload


def read(
    talk: Talk, position: tuple[int, int], count: int, *data: str, backward: bool = False, **options: Any
) -> Any:
    answer, payload = ask(talk, position, count, *data, backward=backward, **options)
    expected = Command.FILTERED_READ_ALL_EVENTS_FORWARD_COMPLETED
    assert answer == (Command.FILTERED_READ_ALL_EVENTS_BACKWARD_COMPLETED if backward else expected)
    return schema.FilteredReadAllEventsCompleted.FromString(payload)


def numbers(page: Any) -> list[int]:
    return [int(event.event.data) for event in page.events]


def after(page: Any) -> tuple[int, int]:
    return page.next_commit_position, page.next_prepare_position


def of_type(name: str, data: str) -> Any:
    return schema.NewEvent(event_id=uuid4().bytes_le, event_type=name, data=data.encode())


@pytest.fixture
async def ten(talk: Talk) -> Talk:
    """A client of a server with ten events in the streams s0, s1 and s2, whose types are alternately Even and Odd."""
    for number in range(10):
        await talk.write(f"s{number % 3}", of_type("Odd" if number % 2 else "Even", str(number)))
    return talk


async def test_filters_select_by_stream_and_by_type(ten: Talk) -> None:
    assert numbers(read(ten, START, 10, "s1")) == [1, 4, 7]
    assert numbers(read(ten, START, 10, "s1", "s2")) == [1, 2, 4, 5, 7, 8]
    assert numbers(read(ten, START, 10, "Odd", by=TYPE)) == [1, 3, 5, 7, 9]
    assert numbers(read(ten, START, 10, "[02]$", type=REGEX)) == [0, 2, 3, 5, 6, 8, 9]
    assert numbers(read(ten, START, 10)) == list(range(10))


@pytest.mark.parametrize("backward", [False, True])
@pytest.mark.parametrize("window", [None, 1, 3, 100])
@pytest.mark.parametrize("count", [1, 2, 10])
async def test_pages_contain_each_matching_event_once(
    ten: Talk, backward: bool, window: int | None, count: int
) -> None:
    at, met, is_end = END if backward else START, [], False
    while not is_end:
        page = read(ten, at, count, "s1", backward=backward, window=window)
        assert len(page.events) <= min(count, window or count)
        assert not page.is_end_of_stream or after(page) != at
        met += numbers(page)
        at, is_end = after(page), page.is_end_of_stream
    assert met == sorted([1, 4, 7], reverse=backward)


async def test_the_window_limits_the_examined_events(ten: Talk) -> None:
    page = read(ten, START, 1, "s2", window=2)
    assert (numbers(page), page.is_end_of_stream) == ([], False)
    page = read(ten, after(page), 1, "s2", window=2)
    assert (numbers(page), page.is_end_of_stream) == ([2], False)
    assert numbers(ten.read_all(after(page), 1, user=ADMIN)) == [3]


async def test_the_page_that_reaches_the_end_reports_it(ten: Talk) -> None:
    assert not read(ten, START, 9, "s").is_end_of_stream
    page = read(ten, START, 10, "s")
    assert page.is_end_of_stream
    assert after(page) == after(ten.read_all(START, 11, user=ADMIN))
    assert not page.HasField("error")
    await ten.write("s1", "11")
    assert numbers(read(ten, after(page), 10, "s1")) == [11]
    nothing = read(ten, START, 10, "x", backward=True)
    assert (numbers(nothing), nothing.is_end_of_stream) == ([], True)


async def test_a_page_of_an_empty_store_is_the_last(talk: Talk) -> None:
    for backward in (False, True):
        page = read(talk, START, 10, "s", backward=backward)
        assert (numbers(page), page.is_end_of_stream) == ([], True)


@pytest.mark.parametrize("count", [0, -1])
async def test_a_count_of_zero_returns_no_events(ten: Talk, count: int) -> None:
    page = read(ten, (100, 100), count, "s", window=5)
    assert (numbers(page), after(page), page.is_end_of_stream) == ([], (100, 100), False)


async def test_a_link_is_matched_before_it_is_resolved(ten: Talk) -> None:
    await ten.write("links", "0@s1", "0@s2", "77@s0")
    page = read(ten, START, 10, "$>", by=TYPE, window=100, resolve=True)
    assert [event.event.data for event in page.events] == [b"1", b"2", b""]
    assert [event.link.event_number for event in page.events] == [0, 1, 2]
    assert [event.event.data for event in read(ten, START, 10, "links", window=100).events][:1] == [b"0@s1"]


async def test_access_is_denied_as_by_an_unfiltered_read(ten: Talk) -> None:
    for user in (None, OPS):
        for backward, denial in (
            (False, Command.READ_ALL_EVENTS_FORWARD_COMPLETED),
            (True, Command.READ_ALL_EVENTS_BACKWARD_COMPLETED),
        ):
            answer, payload = ask(ten, START, 10, "s", backward=backward, user=user)
            assert answer == denial
            reply = schema.ReadAllEventsCompleted.FromString(payload)
            assert (reply.result, after(reply)) == (ReadAllResult.ACCESS_DENIED, (-1, -1))


@pytest.mark.parametrize(
    ("position", "options", "why"),
    [
        (START, {"count": MAX_PAGE_EVENTS + 1}, "too big"),
        ((-1, 0), {}, "Invalid position"),
        ((2**40, 2**40), {"backward": True}, "Invalid position"),
    ],
)
async def test_a_failed_read_is_an_error_with_a_text(
    ten: Talk, position: tuple[int, int], options: dict[str, Any], why: str
) -> None:
    options = {"count": 10, "data": "s", **options}
    page = read(ten, position, options.pop("count"), options.pop("data"), **options)
    assert (page.result, why in page.error, after(page)) == (ReadAllResult.ERROR, True, (-1, -1))


@pytest.mark.usefixtures("without_re2")
async def test_a_costly_regex_is_an_error(talk: Talk) -> None:
    await talk.write("a" * 1000, "0")
    page = read(talk, START, 10, f"(?:a{'b?' * 100})*$", type=REGEX)
    assert (page.result, "too long" in page.error) == (ReadAllResult.ERROR, True)


async def test_a_costly_page_ends_early(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    await talk.write("s", *map(str, range(100)))
    monkeypatch.setattr(filtered_pages, "_STEPS", 300)
    at, met, pages, is_end = START, list[int](), 0, False
    while not is_end:
        page = read(talk, at, 100, "s", window=1000)
        met, pages = met + numbers(page), pages + 1
        at, is_end = after(page), page.is_end_of_stream
    assert (met, pages) == (list(range(100)), 2)


async def test_large_events_make_short_pages(talk: Talk) -> None:
    for _ in range(3):
        await talk.write("s", "1" * (MAX_PAGE_BYTES // 2 + 1))
    assert len(read(talk, START, 10, "s").events) == 2
    page = read(talk, START, 10, "x")
    assert (len(page.events), page.is_end_of_stream) == (0, False)
    await talk.write("links", *["0@s"] * 3)
    page = read(talk, START, 10, "links", window=100, resolve=True)
    assert len(page.events) == 0
    assert len(read(talk, after(page), 10, "links", window=100, resolve=True).events) == 2


@pytest.mark.parametrize(
    ("data", "options", "why"),
    [
        ("(", {"type": REGEX}, b"missing )"),
        ("x", {"type": 7}, b"the type of a filter"),
        ("x", {"by": 9}, b"the context of a filter"),
    ],
)
async def test_a_bad_filter_is_a_bad_request(ten: Talk, data: str, options: dict[str, Any], why: bytes) -> None:
    command, payload = ask(ten, START, 10, data, **options)
    assert (command, why in payload) == (Command.BAD_REQUEST, True)
