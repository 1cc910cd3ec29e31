from __future__ import annotations

import math
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

import rxpump
from rxpump.errors import InvalidArgument
from rxpump.model.events import Event, single_event
from rxpump.model.limits import Limits
from rxpump.model.new_events import NewEvent, as_new_event, fitting
from rxpump.settings import Settings
from rxpump.tcp.wire import schema

RECURSIVE: list[Any] = []
RECURSIVE.append(RECURSIVE)


def read_back(event: NewEvent) -> Event:
    """Return the event as it is after it was written and read."""
    record = schema.EventRecord(
        event_stream_id="ponies",
        event_type=event.type,
        event_id=event.id_bytes,
        data_content_type=1 if event.is_json else 0,
        data=event.data,
        metadata=event.metadata,
    )
    return single_event(record)


@pytest.mark.parametrize(
    ("data", "stored", "is_json"),
    [
        ({"Pony": "Derpy", "Height": 10}, b'{"Pony":"Derpy","Height":10}', True),
        ([1, 2.5, None, True], b"[1,2.5,null,true]", True),
        ((1, 2), b"[1,2]", True),
        ("übung", '"übung"'.encode(), True),
        (0, b"0", True),
        (False, b"false", True),
        ({}, b"{}", True),
        (b"\x00\xff", b"\x00\xff", False),
        (bytearray(b"ab"), b"ab", False),
        (memoryview(b"ab"), b"ab", False),
        (None, b"", False),
    ],
)
def test_bytes_are_not_encoded_and_other_values_become_json(data: Any, stored: bytes, is_json: bool) -> None:
    event = NewEvent("PonyJumped", data, metadata=data)
    assert (event.data, event.metadata, event.is_json) == (stored, stored, is_json)
    assert NewEvent("PonyJumped", body=data).data == stored


def test_an_event_can_have_no_data() -> None:
    event = NewEvent("PonySlept")
    assert (event.data, event.metadata, event.is_json) == (b"", b"", False)


def test_bytes_can_be_marked_as_json() -> None:
    assert NewEvent("PonyJumped", b'{"Height":10}', is_json=True).is_json


text = st.text(st.characters(exclude_categories=["Cs"]))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
    max_leaves=12,
)


@given(json_values.filter(lambda value: value is not None))
def test_json_values_are_equal_after_a_round_trip(value: Any) -> None:
    assert read_back(NewEvent("Any", value)).json() == value


@pytest.mark.parametrize("data", [object(), {object()}, math.nan, math.inf, "\ud800", RECURSIVE, {("a",): 1}])
def test_data_without_a_json_form_are_refused(data: Any) -> None:
    with pytest.raises(InvalidArgument, match=r"^data is .*bytes, or a value that JSON can represent \("):
        NewEvent("PonyJumped", data)
    with pytest.raises(InvalidArgument, match=r"^metadata is "):
        NewEvent("PonyJumped", {}, metadata=data)


def test_an_encoder_converts_objects_without_a_json_form() -> None:
    event = NewEvent("Turned", {"by": 1j}, metadata={"from": 2j}, encoder=lambda value: value.imag)
    assert (event.data, event.metadata) == (b'{"by":1.0}', b'{"from":2.0}')


def test_an_encoder_that_fails_causes_invalid_argument() -> None:
    def encoder(value: object) -> object:
        raise TypeError("no complex numbers")

    with pytest.raises(InvalidArgument, match=r"^data is .*no complex numbers"):
        NewEvent("Turned", 1j, encoder=encoder)
    with pytest.raises(InvalidArgument, match=r"^encoder is 5; allowed is a function of an object, or None"):
        NewEvent("Turned", 1, encoder=5)  # type: ignore[arg-type]


async def test_publish_event_uses_the_encoder_of_the_settings() -> None:
    settings = Settings(encoder=lambda value: value.imag)
    async with rxpump.connect("memory://", settings=settings) as client:
        await client.publish_event("tops", "Turned", {"by": 1j})
        assert (await client.get_event("tops")).json() == {"by": 1.0}


def test_an_encoder_in_the_settings_must_be_a_function() -> None:
    with pytest.raises(InvalidArgument, match=r"^encoder is 'json'; allowed is a function of an object, or None"):
        Settings(encoder="json")  # type: ignore[arg-type]


@pytest.mark.parametrize("type", ["", None, b"PonyJumped", 3, "\ud800"])
def test_a_type_must_be_text(type: Any) -> None:
    with pytest.raises(InvalidArgument, match=r"^type is "):
        NewEvent(type)


def test_body_is_another_name_of_data() -> None:
    with pytest.raises(InvalidArgument, match=r"no value with data"):
        NewEvent("PonyJumped", {}, body={})
    with pytest.raises(InvalidArgument):
        NewEvent("PonyJumped", None, body=None)


def test_an_event_above_the_limit_of_a_protocol_is_refused() -> None:
    limits = Limits(event_bytes=100)
    largest = NewEvent("T", bytes(98))
    assert largest.size == 100
    assert fitting(largest, "s", limits) is largest
    larger = NewEvent("T", bytes(97), metadata=b"12")
    assert fitting(larger, "s", Limits()) is larger
    with pytest.raises(InvalidArgument, match=r"^event is 'T of 101 bytes'; allowed is at most 100 bytes"):
        fitting(larger, "s", limits)


def test_a_record_contains_the_name_of_the_stream() -> None:
    event, limits = NewEvent("T", bytes(98)), Limits(record_bytes=1000)
    assert fitting(event, "s" * 300, limits) is event
    with pytest.raises(InvalidArgument, match=r"^event is '100 bytes for a stream with a name of 400 characters'"):
        fitting(event, "s" * 400, limits)


def test_ids_are_random_uuids_of_version_4() -> None:
    ids = {NewEvent("PonyJumped").id for _ in range(100)}
    assert len(ids) == 100
    assert {(id.version, id.variant) for id in ids} == {(4, UUID(int=0, version=4).variant)}


def test_id_bytes_have_dotnet_byte_order() -> None:
    id = UUID("01020304-0506-0708-090a-0b0c0d0e0f10")
    event = NewEvent("T", id=id)
    assert event.id == id
    assert event.id_bytes == bytes.fromhex("0403020106050807090a0b0c0d0e0f10")  # docs/protocol/tcp.md, section 8


@pytest.mark.parametrize("id", [UUID(int=0), "01020304-0506-0708-090a-0b0c0d0e0f10", b"0123456789abcdef"])
def test_an_id_that_servers_refuse_is_refused(id: Any) -> None:
    with pytest.raises(InvalidArgument, match=r"^id is .* not all zero"):
        NewEvent("T", id=id)


def test_a_new_event_does_not_change() -> None:
    event = NewEvent("PonyJumped", {"Height": 10})
    with pytest.raises(AttributeError, match="a NewEvent does not change; make a new one with another type"):
        event.type = "PonySlept"  # type: ignore[misc]
    with pytest.raises(AttributeError):
        del event.data
    with pytest.raises(AttributeError):
        event.color = "pink"


def test_the_repr_shows_type_size_and_id() -> None:
    id = uuid4()
    assert repr(NewEvent("PonyJumped", b"12345", id=id)) == f"<NewEvent PonyJumped 5 bytes {id}>"


def test_a_copy_of_an_event_has_its_own_id() -> None:
    read = read_back(NewEvent("PonyJumped", {"Height": 10}, metadata={"judge": "Applejack"}))
    copy = as_new_event(read, "out", Limits())
    assert (copy.type, copy.data, copy.metadata, copy.is_json) == (read.type, read.data, read.metadata, True)
    assert copy.id != read.id
    assert as_new_event(read, "out", Limits()).id == copy.id
    assert as_new_event(read, "other", Limits()).id != copy.id
    assert as_new_event(copy, "out", Limits()) is copy


@pytest.mark.parametrize("item", [None, {"type": "PonyJumped"}, "PonyJumped", b""])
def test_only_new_events_and_events_can_be_written(item: Any) -> None:
    with pytest.raises(InvalidArgument, match=r"^events is .*allowed is NewEvents, or Events to copy"):
        as_new_event(item, "out", Limits())
