from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rxpump.server.store.record import Row, make_row, record_and_tail, varint
from rxpump.tcp.wire import schema

NOON = 1_795_413_620_577_838_912  # 2026-11-23 03:20:20.577838912 UTC, in Unix nanoseconds


def row_of(event: Any, **where: Any) -> Row:
    defaults: dict[str, Any] = {"stream": 7, "name": "ponies", "revision": 3, "position": 300, "now_ns": NOON}
    return make_row(event, **defaults | where)


def new_event(**fields: Any) -> Any:
    return schema.NewEvent(**{"event_id": bytes(range(16)), "event_type": "Jumped", "data": b"{}"} | fields)


def test_a_page_of_a_stream_joins_the_columns() -> None:
    row = row_of(new_event(data_content_type=1, metadata=b"m"))
    page = schema.ReadStreamEventsCompleted.FromString((row.stream_head + row.record) * 2)
    assert len(page.events) == 2
    record = page.events[1].event
    assert (record.event_stream_id, record.event_number, record.event_type) == ("ponies", 3, "Jumped")
    assert (record.event_id, record.data, record.metadata) == (bytes(range(16)), b"{}", b"m")
    assert (record.data_content_type, record.metadata_content_type) == (1, 1)
    assert (record.created, record.created_epoch) == (639_310_104_205_778_389, 1_795_413_620_577)


def test_a_page_of_all_joins_the_columns() -> None:
    row = row_of(new_event())
    page = schema.ReadAllEventsCompleted.FromString((row.all_head + row.record + row.all_tail) * 2)
    assert [event.event.event_number for event in page.events] == [3, 3]
    assert (page.events[0].commit_position, page.events[0].prepare_position) == (300, 300)


@pytest.mark.parametrize("size", [0, 10, 60, 200, 20_000, 3_000_000])
def test_the_record_of_an_event_is_found_in_a_page(size: int) -> None:
    row = row_of(new_event(data=bytes(size)))
    assert record_and_tail(row.stream_head + row.record) == (row.record, b"")
    assert record_and_tail(row.all_head + row.record + row.all_tail) == (row.record, row.all_tail)


def test_empty_fields_are_written_too() -> None:
    record = schema.ResolvedIndexedEvent.FromString(
        row_of(new_event(data=b"", data_content_type=7), revision=0).record
    )
    present = {field.name for field, _ in record.event.ListFields()}
    assert present == {field.name for field in schema.EventRecord.DESCRIPTOR.fields}
    assert record.event.data_content_type == 0


def test_the_next_record_begins_after_the_last() -> None:
    row = row_of(new_event())
    assert row.position_after == 300 + len(row.record)


@pytest.mark.parametrize(
    ("data", "target"),
    [
        (b"0@target", ("target", 0)),
        (b"-1@target", ("target", -1)),
        (b" +12 @target", ("target", 12)),
        (b"3@user@host", ("user@host", 3)),
        (b"3@@", ("@", 3)),
        ("7@bücher\n".encode(), ("bücher\n", 7)),
        (b"not a link", ("", None)),
        (b"x@target", ("", None)),
        (b"@target", ("", None)),
        (b"5@", ("", None)),
        (b"-2@target", ("", None)),
        (b"1_0@target", ("", None)),
        (b"9223372036854775808@target", ("", None)),
        (b"99999999999999999999@target", ("", None)),
        (b"", ("", None)),
    ],
)
def test_the_data_of_a_link_name_its_target(data: bytes, target: tuple[Any, ...]) -> None:
    row = row_of(new_event(event_type="$>", data=data))
    assert (row.link_stream, row.link_revision) == target


def test_only_links_have_targets() -> None:
    row = row_of(new_event(data=b"0@target"))
    assert (row.link_stream, row.link_revision) == (None, None)


@given(st.integers(0, 2**63 - 1))
def test_numbers_are_encoded_like_protobuf(number: int) -> None:
    assert b"\x18" + varint(number) == schema.ResolvedEvent(commit_position=number).SerializeToString()


@given(
    name=st.text(min_size=1) | st.just("long" * 1000),
    event_type=st.text(min_size=1),
    revision=st.integers(0, 2**63 - 1),
    content_type=st.integers(-(2**31), 2**31 - 1),
    data=st.binary(max_size=300),
    metadata=st.binary(max_size=300),
    now_ns=st.integers(0, 2**63 - 1),
)
def test_a_record_is_encoded_like_protobuf(
    name: str, event_type: str, revision: int, content_type: int, data: bytes, metadata: bytes, now_ns: int
) -> None:
    event = new_event(event_type=event_type, data_content_type=content_type, data=data, metadata=metadata)
    row = row_of(event, name=name, revision=revision, now_ns=now_ns)
    expected = schema.EventRecord(
        event_stream_id=name,
        event_number=revision,
        event_id=event.event_id,
        event_type=event_type,
        data_content_type=int(content_type == 1),
        metadata_content_type=int(content_type == 1),
        data=data,
        metadata=metadata,
        created=621_355_968_000_000_000 + now_ns // 100,
        created_epoch=now_ns // 1_000_000,
    )
    assert row.record == schema.ResolvedIndexedEvent(event=expected).SerializeToString()
