from __future__ import annotations

import pytest

from rxpump.model.events import Event
from rxpump.model.pages import AllPage, StreamPage
from rxpump.model.positions import Position
from rxpump.tcp.records import PositionedEvents
from rxpump.tcp.wire import schema


def records(count: int) -> list[schema.ResolvedEvent]:
    return [
        schema.ResolvedEvent(event=schema.EventRecord(event_stream_id="ponies", event_type="T", event_number=number))
        for number in range(count)
    ]


def stream_page(count: int, is_end: bool = False) -> StreamPage:
    return StreamPage(
        PositionedEvents(records(count)),
        stream="ponies",
        next_event_number=count,
        last_event_number=9,
        is_end_of_stream=is_end,
    )


def all_page(count: int) -> AllPage:
    return AllPage(PositionedEvents(records(count)), position=Position(0, 0), next_position=Position(50, 0))


@pytest.mark.parametrize("page", [stream_page(3), all_page(3)])
def test_a_page_is_a_list_of_events(page: StreamPage | AllPage) -> None:
    assert len(page) == 3
    assert [event.number for event in page] == [0, 1, 2]
    assert [event.number for event in reversed(page)] == [2, 1, 0]
    assert (page[0].number, page[-1].number) == (0, 2)
    assert [event.number for event in page[1:]] == [1, 2]
    assert all(isinstance(event, Event) for event in page.events)
    with pytest.raises(IndexError):
        page[3]


def test_a_page_keeps_the_events_that_it_has_decoded() -> None:
    page = stream_page(2)
    assert len(list(page)) == len(list(page)) == 2
    assert page[0] is page[0]
    assert page[1] in page
    assert list(page) == list(page.events)


def test_a_page_of_a_stream_has_the_start_of_the_next() -> None:
    page = stream_page(3)
    assert (page.stream, page.next, page.next_event_number, page.last_event_number) == ("ponies", 3, 3, 9)
    assert (page.is_end_of_stream, page.is_last) == (False, False)
    assert repr(page) == "<StreamPage 3 events of ponies, next 3>"


def test_an_empty_page_is_not_the_end_of_a_stream() -> None:
    empty = stream_page(0)
    assert not empty
    assert not empty.is_last, "truncated events are skipped by empty pages"
    last = stream_page(1, is_end=True)
    assert last.is_last
    assert repr(last) == "<StreamPage 1 events of ponies, next 1, end of stream>"


def test_an_empty_page_is_the_end_of_the_database() -> None:
    page = all_page(1)
    assert (page.position, page.next_position, page.next) == (Position(0, 0), Position(50, 0), Position(50, 0))
    assert not page.is_last
    assert all_page(0).is_last
    assert "AllPage 1 events from" in repr(page)
