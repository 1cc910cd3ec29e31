"""Events for marbles: as a transport hands them over, without one."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

from rxpump.events import Event
from rxpump.wire import schema


def event(type: str = "Jumped", data: Any = None, *, stream: str = "ponies", number: int = 0) -> Event:
    """An event that was read; `data` is bytes as they are, anything else as JSON."""
    record = schema.EventRecord(
        event_stream_id=stream,
        event_number=number,
        event_id=uuid4().bytes_le,
        event_type=type,
        data=data if isinstance(data, bytes) else json.dumps(data).encode(),
    )
    return Event(schema.ResolvedIndexedEvent(event=record))


def broken_link(stream: str = "links", number: int = 0) -> Event:
    """A link that was resolved, and leads nowhere."""
    record = schema.EventRecord(
        event_stream_id=stream, event_number=number, event_id=uuid4().bytes_le, event_type="$>", data=b"0@gone"
    )
    return Event(schema.ResolvedIndexedEvent(link=record))
