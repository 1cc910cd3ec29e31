"""Events as plain values, which tests compare."""

from __future__ import annotations

from typing import Any

from rxpump.model import json_text
from rxpump.model.events import Event
from rxpump.model.new_events import NewEvent
from rxpump.model.system_names import TOMBSTONE_EVENT_TYPE

PlainEvent = tuple[Any, ...]
"""An event as `(type, data)`, or as `(type, data, metadata)` if it has metadata."""


def plain(event: Event | NewEvent) -> PlainEvent:
    """Return an event as a plain value: `(type, data)`, or `(type, data, metadata)` if it has metadata.

    Data that were written as JSON, and metadata, are decoded. Other data are bytes, or None if there are none.

    Args:
        event: An event that was read, or one to be written.

    Example:
        assert plain(NewEvent("Placed", {"price": 5})) == ("Placed", {"price": 5})
    """
    data = _decoded(event.data) if event.is_json else event.data or None
    metadata = _decoded(event.metadata)
    return (event.type, data) if metadata is None else (event.type, data, metadata)


def plain_if_event(value: object) -> object:
    """Return a value with all events, also those in lists and tuples, replaced by plain values."""
    match value:
        case Event() | NewEvent():
            return plain(value)
        case list():
            return [plain_if_event(each) for each in value]
        case tuple() if type(value) is tuple:
            return tuple(plain_if_event(each) for each in value)
        case _:
            return value


def is_of_a_program(event: Event) -> bool:
    """Return whether an event was written by a program, not by the server for internal purposes."""
    return not event.stream.startswith("$") and event.type != TOMBSTONE_EVENT_TYPE


def _decoded(data: bytes) -> Any:
    if not data:
        return None
    try:
        return json_text.decode(data)
    except (ValueError, RecursionError):
        return data
