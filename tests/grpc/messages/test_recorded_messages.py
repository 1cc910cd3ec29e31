"""The schema has all messages that real servers and clients sent, with all of their fields."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from google.protobuf.unknown_fields import UnknownFieldSet

from rxpump.grpc.messages import server_features, streams
from rxpump.grpc.messages.methods import ServerVersion
from rxpump.grpc.messages.table import METHODS
from tests.grpc.messages import recorded
from tests.grpc.messages.encoding import canonical
from tests.grpc.messages.recorded import RecordedMessage

MESSAGES = recorded.load()
REDACTION = {"geteventpositions", "switchchunks"}
"""Methods that servers list although no client can call them."""


def title(each: RecordedMessage) -> str:
    return f"{each.server}-{each.case}-{each.method}"


def unknown_fields(message: Any, path: str = "") -> Iterator[str]:
    """Return the paths of the fields that the schema lacks."""
    unknown = UnknownFieldSet(message)
    yield from (f"{path}/{unknown[index].field_number}" for index in range(len(unknown)))
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        is_map = field.message_type.GetOptions().map_entry
        if is_map and field.message_type.fields_by_name["value"].message_type is None:
            continue
        inner = value.values() if is_map else [value] if hasattr(value, "DESCRIPTOR") else value
        for each in inner:
            yield from unknown_fields(each, f"{path}/{field.name}")


@pytest.mark.parametrize("each", MESSAGES, ids=title)
def test_no_field_of_a_recorded_message_is_unknown(each: RecordedMessage) -> None:
    assert list(unknown_fields(each.message_class.FromString(each.data))) == []


@pytest.mark.parametrize("each", MESSAGES, ids=title)
def test_a_recorded_message_is_encoded_as_it_was(each: RecordedMessage) -> None:
    """The bytes are the same except for the order of fields and of map entries, which has no meaning."""
    encoded = each.message_class.FromString(each.data).SerializeToString()
    descriptor = each.message_class.DESCRIPTOR
    assert canonical(encoded, descriptor) == canonical(each.data, descriptor)


def test_most_recorded_messages_are_encoded_to_the_same_bytes() -> None:
    """The exceptions are maps of several entries, and JavaScript clients, which have another order of fields."""
    equal = [each for each in MESSAGES if each.message_class.FromString(each.data).SerializeToString() == each.data]
    others = {(str(each.method), each.from_client) for each in MESSAGES if each not in equal}
    assert len(equal) > 0.8 * len(MESSAGES)
    assert others <= {
        ("Append", True),
        ("AppendSession", True),
        ("BatchAppend", True),
        ("Create", True),
        ("Delete", True),
        ("Read", False),
        ("Stats", False),
        ("Update", True),
    }


def test_an_unknown_field_is_found() -> None:
    message = streams.ReadResponse.FromString(bytes.fromhex("0a04 0a02 7801"))
    assert list(unknown_fields(message)) == ["/event/event/15"]


def test_every_service_is_among_the_recorded_messages() -> None:
    called = {each.method.path.partition("/")[2].partition("/")[0] for each in MESSAGES}
    services = {path.partition("/")[2].partition("/")[0] for path in METHODS}
    assert services - called == {"kurrentdb.protocol.v2.indexes.IndexesService"}


FEATURES = [
    each for each in MESSAGES if each.method is server_features.GET_SUPPORTED_METHODS and not each.from_client
]


@pytest.mark.parametrize("each", FEATURES, ids=title)
def test_the_table_has_the_methods_that_a_server_lists(each: RecordedMessage) -> None:
    supported = each.message_class.FromString(each.data)
    version = ServerVersion(*map(int, supported.event_store_server_version.split(".")))
    listed = {(method.service_name, method.method_name) for method in supported.methods}
    redaction = {feature for feature in listed if feature[1] in REDACTION}
    assert len(redaction) == len(REDACTION)
    assert listed - redaction == {method.feature for method in METHODS.values() if method.since <= version}


def test_the_servers_of_three_generations_listed_their_methods() -> None:
    assert {each.server for each in FEATURES} == {"23.10", "24.10", "26.1"}
