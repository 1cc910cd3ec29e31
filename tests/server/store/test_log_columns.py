from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from rxpump.server.store.log_columns import log_columns
from rxpump.server.store.new_event import NewEvent
from rxpump.server.store.record import make_row, varint, varints
from rxpump.server.store.record_schema import LogPage

EVENTS = st.builds(
    NewEvent,
    event_id=st.binary(min_size=16, max_size=16),
    event_type=st.text(max_size=5),
    data_content_type=st.integers(0, 1),
    data=st.binary(max_size=5),
    metadata=st.binary(max_size=5),
)
NUMBERS = st.integers(0, 2**63 - 1)


def fields_of(entry: Any) -> tuple[Any, ...]:
    event = entry.event
    return (
        event.event_stream_id,
        event.event_number,
        event.event_id,
        event.event_type,
        event.data_content_type,
        event.data,
        event.metadata,
        event.created,
        entry.commit_position,
        entry.prepare_position,
    )


@given(st.lists(st.tuples(EVENTS, st.text(max_size=5), NUMBERS, NUMBERS), max_size=5))
def test_columns_hold_the_fields_of_all_events(events: list[tuple[NewEvent, str, int, int]]) -> None:
    rows = [
        make_row(event, stream=1, name=name, revision=number, position=position, now_ns=10**18)
        for event, name, number, position in events
    ]
    page = b"".join(row.all_head + row.record + row.all_tail for row in rows)
    columns = log_columns(page)
    assert list(zip(*columns, strict=True)) == [fields_of(entry) for entry in LogPage.FromString(page).events]


def test_events_that_lack_fields_are_parsed_one_by_one() -> None:
    page = LogPage()
    page.events.add(event={"event_stream_id": "first", "event_number": 1}, commit_position=10)
    page.events.add(event={"event_stream_id": "second", "data": b"data"}, prepare_position=20)
    columns = log_columns(page.SerializeToString())
    assert list(zip(*columns, strict=True)) == [fields_of(entry) for entry in page.events]


@given(st.lists(st.integers(0, 2**64 - 1) | st.integers(0, 300)))
def test_many_numbers_are_encoded_as_each_one_is(values: list[int]) -> None:
    assert varints(values) == [varint(value) for value in values]
