"""The events of a page, from columns and from a message for each event."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rxpump.model.events import Event
from rxpump.model.positions import Position
from rxpump.tcp.records import IndexedEvents, PositionedEvents, page_events
from rxpump.tcp.wire import schema
from tests.decoding import malformed_fields


def record(number: int = 1, **fields: Any) -> Any:
    """Return a record with all fields; a field that is None is absent."""
    whole = {
        "event_stream_id": "ponies",
        "event_number": number,
        "event_id": bytes([number % 256]) * 16,
        "event_type": "PonyJumped",
        "data_content_type": 1,
        "metadata_content_type": 0,
        "data": b"%d" % number,
        "metadata": b"",
        "created": 639310103645817630 + number,
    }
    return schema.EventRecord(**{name: value for name, value in (whole | fields).items() if value is not None})


LINK = {"event_type": "$>", "event_stream_id": "links", "data": b"1@ponies"}


class Page:
    """A page of `$all`, parsed with columns and with rows."""

    def __init__(self, *events: Any) -> None:
        self.times_rows_were_parsed = 0
        message = schema.ReadAllEventsCompleted(events=events)
        self._payload: bytes = message.SerializeToString()
        self.events = page_events(schema.ReadAllEventsColumns.FromString(self._payload), self._parse_rows)

    def _parse_rows(self) -> IndexedEvents:
        self.times_rows_were_parsed += 1
        return self.rows()

    def rows(self) -> IndexedEvents:
        return PositionedEvents(schema.ReadAllEventsCompleted.FromString(self._payload).events)


def resolved(number: int = 1, link: Any = None, **fields: Any) -> Any:
    return schema.ResolvedEvent(
        event=record(number, **fields), link=link, commit_position=number * 100, prepare_position=number * 100 - 1
    )


def values(events: Sequence[Event]) -> list[Any]:
    return [
        (
            event.type, event.number, event.data, event.stream, event.id_bytes, event.metadata, event.is_json,
            event.created, event.position, event.received_number, event.is_broken_link, event,
        )
        for event in events
    ]  # fmt: skip


def test_an_ordinary_page_is_read_from_columns() -> None:
    page = Page(resolved(1), resolved(2), resolved(3))
    assert values(page.events) == values(page.rows())
    assert [event.position for event in page.events] == [
        Position(number * 100, number * 100 - 1) for number in (1, 2, 3)
    ]
    assert page.times_rows_were_parsed == 0


@pytest.mark.parametrize("field", ["metadata", "created", "data_content_type"])
def test_a_page_with_missing_optional_fields_is_read_from_rows(field: str) -> None:
    page = Page(resolved(1), resolved(2, **{field: None}), resolved(3))
    assert values(page.events) == values(page.rows())
    assert page.times_rows_were_parsed == 1, "once for the page"


@pytest.mark.parametrize("field", ["event_stream_id", "event_number", "event_id", "event_type", "data"])
def test_a_page_that_lacks_a_required_field_is_complete(field: str) -> None:
    page = Page(resolved(1), resolved(2, **{field: None}), resolved(3))
    assert values(page.events) == values(page.rows())
    assert len(page.events) == 3


@pytest.mark.parametrize(
    "event",
    [resolved(2, link=record(9, **LINK)), schema.ResolvedEvent(link=record(9, **LINK))],
    ids=["link", "broken link"],
)
def test_a_page_with_links_is_complete(event: Any) -> None:
    page = Page(resolved(1), event, resolved(3))
    assert values(page.events) == values(page.rows())
    assert [each.link for each in page.events] == [each.link for each in page.rows()]


def test_a_page_with_one_empty_event_has_one_event() -> None:
    assert len(Page(schema.ResolvedEvent()).events) == 1


def test_a_page_without_events_is_empty() -> None:
    assert list(Page().events) == []


def test_events_of_a_page_can_be_indexed_and_sliced() -> None:
    page = Page(*map(resolved, range(5)))
    for events in (page.events, page.rows()):
        whole = list(events)
        assert [events[0], events[-1]] == [whole[0], whole[-1]]
        assert events[1:4] == whole[1:4]
        assert events[::-2] == whole[::-2]
        with pytest.raises(IndexError):
            events[5]


def test_events_of_one_stream_have_no_position() -> None:
    message = schema.ReadStreamEventsCompleted(
        events=[schema.ResolvedIndexedEvent(event=record(number)) for number in range(3)]
    )
    payload = message.SerializeToString()
    events = page_events(
        schema.ReadStreamEventsColumns.FromString(payload),
        lambda: IndexedEvents(schema.ReadStreamEventsCompleted.FromString(payload).events),
    )
    assert [(event.number, event.position) for event in events] == [(0, None), (1, None), (2, None)]


OPTIONAL_FIELDS = ("event_number", "data", "metadata", "created", "data_content_type")


@given(
    st.lists(
        st.builds(
            lambda number, missing, link: resolved(
                number, link=record(7, **LINK) if link else None, **dict.fromkeys(missing)
            ),
            st.integers(0, 200),
            st.sets(st.sampled_from(OPTIONAL_FIELDS)),
            st.integers(0, 9).map(lambda choice: choice == 0),
        ),
        max_size=6,
    )
)
def test_columns_and_rows_have_the_same_events(events: list[Any]) -> None:
    page = Page(*events)
    assert values(page.events) == values(page.rows())


@pytest.mark.parametrize("link", [None, record(9, **LINK)], ids=["columns", "rows"])
@pytest.mark.parametrize(("field", "value"), [("id", {"event_id": b"17"}), ("created", {"created": (1 << 62) - 1})])
def test_a_malformed_field_raises_when_it_is_read(field: str, value: dict[str, Any], link: Any) -> None:
    page = Page(resolved(1, link=link, **value))
    assert malformed_fields(page.events[0]) == {field}
