"""Properties of events that were read directly, through a link, and through a broken link."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from rxpump.errors import NotJson
from rxpump.model.events import Event
from rxpump.model.positions import Position
from rxpump.tcp.records import indexed_event, positioned_event
from rxpump.tcp.wire import schema

ID = UUID("01020304-0506-0708-090a-0b0c0d0e0f10")
LINK_ID = UUID("11121314-1516-1718-191a-1b1c1d1e1f20")

RECORD = schema.EventRecord(
    event_stream_id="ponies",
    event_number=7,
    event_id=ID.bytes_le,
    event_type="PonyJumped",
    data_content_type=1,
    metadata_content_type=1,
    data=b'{"Height":10}',
    metadata=b'{"judge":"Applejack"}',
    created=639310103645817630,
    created_epoch=1795413564581,
)
LINK = schema.EventRecord(
    event_stream_id="index",
    event_number=3,
    event_id=LINK_ID.bytes_le,
    event_type="$>",
    data_content_type=0,
    data=b"7@ponies",
    metadata=b"{}",
    created=639310103645999990,
)
DIRECT = indexed_event(schema.ResolvedIndexedEvent(event=RECORD))
LINKED = indexed_event(schema.ResolvedIndexedEvent(event=RECORD, link=LINK))
BROKEN = indexed_event(schema.ResolvedIndexedEvent(link=LINK))


@pytest.mark.parametrize("event", [DIRECT, LINKED])
def test_an_event_has_the_values_that_were_written(event: Event) -> None:
    assert (event.stream, event.number, event.type, event.id) == ("ponies", 7, "PonyJumped", ID)
    assert (event.data, event.metadata, event.is_json) == (b'{"Height":10}', b'{"judge":"Applejack"}', True)
    assert event.json() == {"Height": 10}
    assert event.json_metadata() == {"judge": "Applejack"}
    assert event.event_number == event.number
    assert not event.is_broken_link


def test_created_is_the_time_of_the_server_in_utc() -> None:
    milliseconds = DIRECT.created.timestamp() * 1000
    assert DIRECT.created == datetime(2026, 11, 23, 5, 59, 24, 581763, tzinfo=UTC)
    assert int(milliseconds) == RECORD.created_epoch, "both say the same"


@pytest.mark.parametrize("kind", [1, 2, 3])
def test_the_kind_bits_of_a_dotnet_time_are_ignored(kind: int) -> None:
    record = schema.EventRecord()
    record.CopyFrom(RECORD)
    ticks = RECORD.created | kind << 62
    record.created = ticks - (1 << 64) if ticks >= 1 << 63 else ticks
    assert indexed_event(schema.ResolvedIndexedEvent(event=record)).created == DIRECT.created


def test_an_event_that_was_read_directly_has_no_link() -> None:
    assert DIRECT.link is None
    assert DIRECT.received is DIRECT
    assert (DIRECT.received_number, DIRECT.received_id_bytes) == (7, DIRECT.id_bytes)
    assert repr(DIRECT) == "<Event 7@ponies PonyJumped 13 bytes>"


@pytest.mark.parametrize("event", [LINKED, BROKEN])
def test_a_link_has_its_own_values(event: Event) -> None:
    link = event.link
    assert link is not None
    assert (link.stream, link.number, link.type, link.id) == ("index", 3, "$>", LINK_ID)
    assert (link.data, link.metadata, link.is_json) == (b"7@ponies", b"{}", False)
    assert link.created == DIRECT.created + timedelta(microseconds=(LINK.created - RECORD.created) // 10)
    assert not link.is_broken_link
    assert link.link is None
    assert link.received is link
    assert (event.received.stream, event.received_number, link.received_number) == ("index", 3, 3)
    assert event.received_id_bytes == LINK_ID.bytes_le


def test_the_repr_of_a_linked_event_shows_the_link() -> None:
    assert repr(LINKED) == "<Event 7@ponies PonyJumped 13 bytes via 3@index>"


def test_a_broken_link_has_no_data() -> None:
    assert BROKEN.is_broken_link
    assert (BROKEN.stream, BROKEN.number, BROKEN.type, BROKEN.id) == ("index", 3, "$>", LINK_ID)
    assert (BROKEN.data, BROKEN.metadata, BROKEN.is_json, BROKEN.json_metadata()) == (b"", b"", False, None)
    assert BROKEN.created == (BROKEN.link or DIRECT).created
    assert repr(BROKEN) == "<Event 3@index a link without a target>"
    with pytest.raises(NotJson, match="3@index is not JSON: the target of the link does not exist"):
        BROKEN.json()


def test_broken_links_and_links_to_event_0_are_distinguished() -> None:
    first = schema.EventRecord(event_stream_id="ponies", event_number=0, event_type="PonyBorn", event_id=bytes(16))
    assert indexed_event(schema.ResolvedIndexedEvent(event=first, link=LINK)).number == 0
    assert indexed_event(schema.ResolvedIndexedEvent(link=first)).number == 0


@pytest.mark.parametrize("links", [{}, {"link": LINK}])
def test_the_position_is_that_of_the_received_event(links: dict[str, Any]) -> None:
    event = positioned_event(schema.ResolvedEvent(event=RECORD, commit_position=300, prepare_position=200, **links))
    assert event.position == Position(300, 200)
    assert event.received.position == Position(300, 200)


@pytest.mark.parametrize("event", [DIRECT, LINKED, BROKEN, LINKED.received])
def test_an_event_of_a_single_stream_has_no_position(event: Event) -> None:
    assert event.position is None


def with_data(data: bytes, metadata: bytes = b"") -> Event:
    record = schema.EventRecord(
        event_stream_id="ponies", event_number=1, event_type="T", data=data, metadata=metadata
    )
    return indexed_event(schema.ResolvedIndexedEvent(event=record))


def test_json_can_have_a_byte_order_mark() -> None:
    assert with_data(b'\xef\xbb\xbf{"Height":10}').json() == {"Height": 10}


@pytest.mark.parametrize("data", [b"", b"{", b"\xff\xfe not json", b"[" * 100_000, b"9" * 10_000])
def test_the_error_for_invalid_json_names_the_event(data: bytes) -> None:
    with pytest.raises(NotJson) as caught:
        with_data(data).json()
    error = caught.value
    assert (error.stream, error.number, error.part) == ("ponies", 1, "data")
    assert isinstance(error, ValueError)
    assert error.reason
    assert error.__cause__ is not None


def test_no_metadata_is_none_and_bad_metadata_is_an_error() -> None:
    assert with_data(b"{}").json_metadata() is None
    with pytest.raises(NotJson, match="the metadata of event 1@ponies"):
        with_data(b"{}", b"nonsense").json_metadata()
