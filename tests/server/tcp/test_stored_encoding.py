"""The messages of the TCP protocol contain stored events in the encoding of the store."""

from __future__ import annotations

from typing import Any

import pytest

from rxpump.server.store import record_schema as stored
from rxpump.tcp.wire import codes, schema


def fields(message: Any) -> dict[str, tuple[int, int]]:
    return {field.name: (field.number, field.type) for field in message.DESCRIPTOR.fields}


@pytest.mark.parametrize(
    ("ours", "of_protocol"),
    [
        (stored.Record, schema.EventRecord),
        (stored.StreamEntry, schema.ResolvedIndexedEvent),
        (stored.LogEntry, schema.ResolvedEvent),
    ],
)
def test_a_stored_message_is_a_message_of_the_protocol(ours: Any, of_protocol: Any) -> None:
    assert fields(ours) == fields(of_protocol)


@pytest.mark.parametrize(
    ("page", "reply"),
    [
        (stored.StreamPage, schema.ReadStreamEventsCompleted),
        (stored.LogPage, schema.ReadAllEventsCompleted),
        (stored.LogPage, schema.FilteredReadAllEventsCompleted),
    ],
)
def test_a_stored_page_is_the_events_of_a_reply(page: Any, reply: Any) -> None:
    assert fields(page)["events"] == fields(reply)["events"]


def test_json_has_the_same_content_type() -> None:
    assert stored.JSON_CONTENT == codes.JSON_CONTENT
