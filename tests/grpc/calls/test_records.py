"""Events made from the messages that contain them."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from google.protobuf.message import DecodeError

from rxpump.errors import MalformedReply
from rxpump.grpc.calls.fields import UNSIGNED_MINUS_ONE
from rxpump.grpc.calls.records import EventColumns, received_events
from rxpump.model.events import Event
from rxpump.model.positions import Position
from tests.decoding import malformed_fields
from tests.grpc.reads.read_server import event, link, recorded

ID = UUID("01020304-0506-0708-090a-0b0c0d0e0f10")
NEGATIVE = UUID("fedcba98-7654-3210-8899-aabbccddeeff")


def received(message: Any) -> Event:
    return received_events([message.SerializeToString()])[0]


def halves(id: UUID) -> dict[str, int]:
    high = int.from_bytes(id.bytes[:8], "big", signed=True)
    return {"most_significant_bits": high, "least_significant_bits": int.from_bytes(id.bytes[8:], "big", signed=True)}


@pytest.mark.parametrize("id", [ID, NEGATIVE])
def test_ids_are_read_in_both_forms(id: UUID) -> None:
    text = received(event(0, id={"string": str(id)}))
    structured = received(event(0, id={"structured": halves(id)}))
    assert text.id == structured.id == id
    assert text == structured


def test_every_value_of_an_event_is_read() -> None:
    found = received(event(7, "café", custom_metadata=b'{"a":1}'))
    assert (found.stream, found.number, found.type, found.data) == ("café", 7, "T", b"7")
    assert (found.json(), found.json_metadata(), found.is_json) == (7, {"a": 1}, True)
    assert found.created == datetime(2020, 9, 13, 12, 26, 40, tzinfo=UTC)
    assert (found.position, found.link, found.is_broken_link) == (Position(700, 700), None, False)


@pytest.mark.parametrize("count", [1, 9])
def test_a_position_that_the_server_does_not_send_is_none(count: int) -> None:
    """Servers before version 22.6 do not send it in reads of a stream (docs/protocol/grpc.md, section 5.1)."""
    unknown: dict[str, Any] = {"commit_position": UNSIGNED_MINUS_ONE, "prepare_position": UNSIGNED_MINUS_ONE}
    events = received_events(encoded(*(event(number, **unknown) for number in range(count))))
    assert [each.position for each in events] == [None] * count


def test_binary_data_are_not_json() -> None:
    metadata = {"type": "T", "content-type": "application/octet-stream", "created": "0"}
    assert not received(event(1, metadata=metadata)).is_json


def test_a_name_that_is_not_utf_8_is_shown() -> None:
    found = received(event(1, stream_identifier={"stream_name": b"a\xff"}))
    assert found.stream == "a\ufffd"


def test_a_resolved_link_has_the_place_of_the_link() -> None:
    found = received(link(3, recorded(9)))
    assert (found.stream, found.number, found.received_number) == ("s", 9, 3)
    assert found.link is not None
    assert (found.link.stream, found.position) == ("links", Position(300, 300))


def test_a_link_without_a_target_is_broken() -> None:
    found = received(link(3, None))
    assert (found.is_broken_link, found.stream, found.number, found.data) == (True, "links", 3, b"")
    assert found.position == Position(300, 300)


def encoded(*messages: Any) -> list[bytes]:
    return [message.SerializeToString() for message in messages]


@pytest.mark.parametrize("count", [1, 3, 4, 50])
def test_events_of_messages_are_a_sequence(count: int) -> None:
    events = received_events(encoded(*map(event, range(1, count + 1))))
    assert type(events) is (EventColumns if count >= 4 else list)
    assert [each.number for each in events] == list(range(1, count + 1))
    assert (events[-1].number, len(events)) == (count, count)
    assert [each.data for each in events[1:3]] == [b"2", b"3"][: count - 1]
    assert pickle.loads(pickle.dumps(events[-1])) == events[-1]
    assert repr(events) == (f"<EventColumns, {count}>" if count >= 4 else repr([*events]))


def test_columns_and_rows_have_the_same_events() -> None:
    messages = encoded(*(event(n, "café", custom_metadata=b"{}") for n in range(1, 10)))
    events = received_events(messages)
    alone = [received_events([message])[0] for message in messages]
    assert isinstance(events, EventColumns)
    assert [*events] == alone
    assert [each.position for each in events] == [each.position for each in alone]
    assert [each.created for each in events] == [each.created for each in alone]
    assert [each.link for each in events] == [None] * 9


OTHER_ORDER = {"created": "5", "type": "T", "content-type": "application/json"}


@pytest.mark.parametrize(
    "odd",
    [
        event(0),
        event(5, data=b""),
        event(5, metadata={}),
        event(5, metadata={"type": "T"}),
        event(5, metadata={**OTHER_ORDER, "more": "x"}),
        link(5, recorded(9)),
        link(5, None),
    ],
)
def test_a_page_with_an_event_that_lacks_a_field_is_read(odd: Any) -> None:
    messages = encoded(*map(event, range(1, 5)), odd)
    assert [*received_events(messages)] == [received_events([message])[0] for message in messages]


def test_bytes_that_are_no_events_are_refused() -> None:
    for count in (1, 10):
        with pytest.raises(DecodeError):
            received_events([b"\x0a\xff\xff"] * count)


def timed(created: str) -> dict[str, str]:
    return {"type": "T", "content-type": "application/json", "created": created}


@pytest.mark.parametrize("count", [1, 9])
@pytest.mark.parametrize(
    ("fields", "malformed"),
    [
        ({"id": {"string": "17"}}, {"id", "id_bytes", "received_id_bytes"}),
        ({"metadata": timed("soon")}, {"created"}),
        ({"metadata": timed("9" * 5000)}, {"created"}),
        ({"metadata": timed("3" + "0" * 18)}, {"created"}),
    ],
)
def test_a_malformed_field_raises_when_it_is_read(fields: dict[str, Any], malformed: set[str], count: int) -> None:
    events = received_events(encoded(*(event(number, **fields) for number in range(1, count + 1))))
    assert malformed_fields(events[-1]) == malformed
    with pytest.raises(MalformedReply, match=f"the read of <.*{count}@s.*> cannot be parsed"):
        getattr(events[-1], min(malformed))


def test_a_field_beside_the_columns_that_is_malformed_raises() -> None:
    messages = [message.replace(b"?" * 9, b"\xff" * 9) for message in encoded(*map(_with_text_id, range(1, 10)))]
    events = received_events(messages)
    assert isinstance(events, EventColumns)
    assert [each.data for each in events] == [b"%d" % number for number in range(1, 10)]
    assert malformed_fields(events[0]) == {
        "stream", "id", "id_bytes", "received_id_bytes", "metadata", "is_json", "created", "is_broken_link",
    }  # fmt: skip


def _with_text_id(number: int) -> Any:
    return event(number, id={"string": "?" * 9})
