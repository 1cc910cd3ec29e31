"""Read the parts of write requests: the stream name, the expected version, and the events."""

from __future__ import annotations

from typing import Any, Final

from rxpump.model.limits import MAX_EVENT_NUMBER
from rxpump.model.positions import ExpectedVersion
from rxpump.model.record_size import fits, text_bytes, utf16_bytes
from rxpump.server.grpc.event_ids import NO_ID, read_id
from rxpump.server.store.new_event import NewEvent
from rxpump.server.store.record_schema import JSON_CONTENT

MAX_APPEND_BYTES: Final = 64 * 1024 * 1024
"""Size in bytes of all events of the largest append. A real server of version 26.1 accepts 256 MiB."""

MAX_EVENT_BYTES: Final = 16 * 1024 * 1024 - 10_000
"""Bytes of the largest event: data, metadata and type. The TCP protocol has the same limit."""

MAX_NAME: Final = MAX_EVENT_BYTES // 4
"""Characters of the longest name of a stream."""

MINUS_ONE: Final = (1 << 64) - 1
"""The number -1 in messages, whose numbers are unsigned."""

_TYPE: Final = "type"
_CONTENT_TYPE: Final = "content-type"
_JSON: Final = "application/json"
_NAMED: Final = {
    "no_stream": ExpectedVersion.NO_STREAM,
    "any": ExpectedVersion.ANY,
    "stream_exists": ExpectedVersion.STREAM_EXISTS,
}


class BadRequestField(Exception):
    """A field of a request cannot be used.

    Attributes:
        reason: Sentence about the field.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason: str = reason


class MissingMetadata(BadRequestField):
    """A proposed event lacks a key of its metadata.

    Attributes:
        key: The key.
    """

    def __init__(self, key: str) -> None:
        super().__init__("The given key was not present in the dictionary.")
        self.key: str = key


class MissingVersion(BadRequestField):
    """The expected version of a batch is missing."""

    def __init__(self) -> None:
        options = "EventStore.Client.Streams.BatchAppendReq+Types+Options"
        super().__init__(f"'None' is not a valid {options}+ExpectedStreamPositionOneofCase")


class EventTooLarge(BadRequestField):
    """A proposed event is too large.

    Attributes:
        event_id: Id of the event, as text.
        size: Bytes of the event.
    """

    def __init__(self, event_id: str, size: int) -> None:
        super().__init__(f"The event {event_id} has {size} bytes; at most {MAX_EVENT_BYTES} are allowed.")
        self.event_id: str = event_id
        self.size: int = size


def stream_name(identifier: Any) -> str:
    """Return the name in a `StreamIdentifier`. Bytes that are not UTF-8 become U+FFFD.

    Raises:
        BadRequestField: The name is empty or too long.
    """
    name = str(identifier.stream_name.decode(errors="replace"))
    if not name:
        raise BadRequestField("The name of the stream must not be empty.")
    if len(name) > MAX_NAME:
        raise BadRequestField(f"The name of the stream has {len(name)} characters; at most {MAX_NAME} are allowed.")
    return name


def expected_version(kind: str | None, number: int) -> int | None:
    """Return an expected version.

    Args:
        kind: Name of the field that holds it, as `WhichOneof` returns it.
        number: Number in the field, if it is a number.

    Returns:
        A number or a constant of `ExpectedVersion`; None if no field is set.

    Raises:
        BadRequestField: The number is too large.
    """
    if kind is None:
        return None
    return _NAMED[kind] if kind in _NAMED else signed_number(number)


def signed_number(number: int) -> int:
    """Return a number of an event that was sent as an unsigned number.

    Raises:
        BadRequestField: The number is too large.
    """
    if number == MINUS_ONE:
        return -1
    if number > MAX_EVENT_NUMBER:
        raise BadRequestField(f"The number {number} is larger than {MAX_EVENT_NUMBER}.")
    return number


def proposed_event(message: Any) -> NewEvent:
    """Return the event in a `ProposedEvent` message.

    Raises:
        BadRequestField: A field is missing or malformed, or the event is too large.
    """
    metadata = message.metadata
    event_type, content_type = metadata.get(_TYPE), metadata.get(_CONTENT_TYPE)
    if event_type is None or content_type is None:
        raise MissingMetadata(_TYPE if event_type is None else _CONTENT_TYPE)
    if not event_type:
        raise BadRequestField("Empty eventType provided. (Parameter 'eventType')")
    stored_type = JSON_CONTENT if content_type == _JSON else 0
    return NewEvent(_event_id(message), event_type, message.data, message.custom_metadata, stored_type)


def event_bytes(event: NewEvent) -> int:
    """Return the size of an event in bytes, which is compared with the limits."""
    return len(event.data) + len(event.metadata) + utf16_bytes(event.event_type)


def has_room(event: NewEvent, stream: str) -> bool:
    """Return whether an event fits into a record of a stream."""
    size = len(event.data) + len(event.metadata)
    name = event.event_type
    return size + utf16_bytes(name) <= MAX_EVENT_BYTES and fits(size + text_bytes(name), stream)


def _event_id(message: Any) -> bytes:
    try:
        event_id = read_id(message.id)
    except ValueError:
        raise BadRequestField("Unrecognized Guid format.") from None
    if event_id is None:
        raise BadRequestField("Value cannot be null. (Parameter 'dto')")
    if event_id == NO_ID:
        raise BadRequestField("Empty eventId provided. (Parameter 'eventId')")
    return event_id
