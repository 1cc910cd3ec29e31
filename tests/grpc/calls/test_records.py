"""Events made from the messages that contain them."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime
from uuid import UUID

import pytest

from rxpump.grpc.calls.records import MessageEvents, event_of_log, event_of_stream
from rxpump.grpc.messages import streams
from rxpump.model.positions import Position
from tests.grpc.reads.read_server import event, link, recorded

ID = UUID("01020304-0506-0708-090a-0b0c0d0e0f10")
NEGATIVE = UUID("fedcba98-7654-3210-8899-aabbccddeeff")


def halves(id: UUID) -> dict[str, int]:
    high = int.from_bytes(id.bytes[:8], "big", signed=True)
    return {"most_significant_bits": high, "least_significant_bits": int.from_bytes(id.bytes[8:], "big", signed=True)}


@pytest.mark.parametrize("id", [ID, NEGATIVE])
def test_ids_are_read_in_both_forms(id: UUID) -> None:
    text = event_of_stream(event(0, id={"string": str(id)}).event)
    structured = event_of_stream(event(0, id={"structured": halves(id)}).event)
    assert text.id == structured.id == id
    assert text == structured


def test_every_value_of_an_event_is_read() -> None:
    found = event_of_log(event(7, "café", custom_metadata=b'{"a":1}').event)
    assert (found.stream, found.number, found.type, found.data) == ("café", 7, "T", b"7")
    assert (found.json(), found.json_metadata(), found.is_json) == (7, {"a": 1}, True)
    assert found.created == datetime(2020, 9, 13, 12, 26, 40, tzinfo=UTC)
    assert (found.position, found.link, found.is_broken_link) == (Position(700, 700), None, False)


def test_an_event_of_a_stream_has_no_position() -> None:
    assert event_of_stream(event(7).event).position is None


def test_binary_data_are_not_json() -> None:
    metadata = {"type": "T", "content-type": "application/octet-stream", "created": "0"}
    assert not event_of_stream(event(1, metadata=metadata).event).is_json


def test_a_name_that_is_not_utf_8_is_shown() -> None:
    found = event_of_stream(event(1, stream_identifier={"stream_name": b"a\xff"}).event)
    assert found.stream == "a\ufffd"


def test_a_resolved_link_has_the_place_of_the_link() -> None:
    found = event_of_log(link(3, recorded(9)).event)
    assert (found.stream, found.number, found.received_number) == ("s", 9, 3)
    assert found.link is not None
    assert (found.link.stream, found.position) == ("links", Position(300, 300))


def test_a_link_without_a_target_is_broken() -> None:
    found = event_of_log(link(3, None).event)
    assert (found.is_broken_link, found.stream, found.number, found.data) == (True, "links", 3, b"")
    assert found.position == Position(300, 300)


def test_events_of_messages_are_a_sequence() -> None:
    messages = b"".join(event(number).SerializeToString() for number in range(4))
    events = MessageEvents(streams.ReadEvents.FromString(messages).events, event_of_log)
    assert [each.number for each in events] == [0, 1, 2, 3]
    assert (events[-1].number, [each.number for each in events[1:3]], len(events)) == (3, [1, 2], 4)
    assert pickle.loads(pickle.dumps(events[2])) == events[2]
