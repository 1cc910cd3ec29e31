"""Events for marble tests, as a transport creates them."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

from rxpump.model.events import Event, single_event
from rxpump.tcp.records import indexed_event, positioned_event
from rxpump.tcp.wire import schema


def event(
    type: str = "Jumped",
    data: Any = None,
    *,
    stream: str = "ponies",
    number: int = 0,
    metadata: Any = None,
    position: int | None = None,
) -> Event:
    """Return an event that was read. `data` is written as JSON unless it is bytes."""
    record = schema.EventRecord(
        event_stream_id=stream,
        event_number=number,
        event_id=uuid4().bytes_le,
        event_type=type,
        data=data if isinstance(data, bytes) else json.dumps(data).encode(),
        metadata=b"" if metadata is None else json.dumps(metadata).encode(),
    )
    if position is None:
        return single_event(record)
    return positioned_event(schema.ResolvedEvent(event=record, commit_position=position, prepare_position=position))


def linked(target: Event, stream: str = "links", number: int = 0) -> Event:
    """Return an event that was reached through a link."""
    link = event("$>", f"{target.number}@{target.stream}".encode(), stream=stream, number=number)
    return single_event(target._record, link._record)


def events(count: int, **same: Any) -> list[Event]:
    """Return the events 0 to count - 1 of one stream."""
    return [event(number=number, **same) for number in range(count)]


def broken_link(stream: str = "links", number: int = 0) -> Event:
    """Return a link that was resolved and whose target does not exist."""
    record = schema.EventRecord(
        event_stream_id=stream, event_number=number, event_id=uuid4().bytes_le, event_type="$>", data=b"0@gone"
    )
    return indexed_event(schema.ResolvedIndexedEvent(link=record))
