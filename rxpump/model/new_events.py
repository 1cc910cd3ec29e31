"""Events to be written: new ones, copies of events that were read, and links."""

from __future__ import annotations

import os
from dataclasses import dataclass, fields
from random import Random
from typing import Any, Final, TypeVar
from uuid import UUID, uuid5

from rxpump.errors import InvalidArgument
from rxpump.model import checks, json_text
from rxpump.model.events import Event
from rxpump.model.json_forms import Encoder
from rxpump.model.limits import Limits
from rxpump.model.record_size import fits, text_bytes
from rxpump.model.system_names import LINK_EVENT_TYPE

UNSET: Final[Any] = object()
"""Default of an argument for which None has a meaning."""

# This module has its own generator, because a system call for each id takes ten times as long, and programs seed
# the generator of the module `random`. A forked child must not repeat the ids of its parent.
_random = Random()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_random.seed)

# In .NET byte order the version of an id is in byte 7, the variant in byte 8.
_RANDOM_BITS: Final = (1 << 128) - 1 & ~(0xF << 60 | 0x3 << 70)
_VERSION_4: Final = 0x4 << 60 | 0x2 << 70

_DERIVED = UUID("c2c5d6c4-7d0b-5b8e-8a51-3f1f3c0f4a6e")


@dataclass(frozen=True, slots=True)
class _Fields:
    type: str
    data: bytes
    metadata: bytes
    is_json: bool
    id_bytes: bytes
    size: int


# An assignment is refused, and `_Fields.__init__` takes longer than these functions, which run for each event.
_set_type, _set_data, _set_metadata, _set_is_json, _set_id_bytes, _set_size = (
    vars(_Fields)[field.name].__set__ for field in fields(_Fields)
)


class NewEvent(_Fields):
    """An event to be written. It is checked and encoded when it is made, and does not change.

        jump = NewEvent("PonyJumped", {"Height": 10})

    Args:
        type: Type of the event, not empty.
        data: Data. Bytes are stored as they are, None as no bytes, and any other value as JSON. Everything that
            `ops.decode` reads can be written: dataclasses, pydantic models, msgspec Structs and attrs classes, with
            times, UUIDs, Decimals, sets and enums in them (`rxpump.model.json_forms` lists the forms).
        metadata: Metadata, encoded like `data`.
        id: Id of the event; random by default. A server recognizes a write with the same ids as the same write.
        is_json: Whether bytes given as `data` are JSON.
        body: Another name of `data`.
        encoder: Function that is called with each object that has no JSON form, and returns the value to write in its
            place, like the argument `default` of `json.dumps`.

    Attributes:
        type: Type of the event.
        data: Encoded data.
        metadata: Encoded metadata.
        is_json: Whether the data are JSON.
        id_bytes: Id in the byte order of `UUID.bytes_le`.
        size: Bytes of data, metadata and type. The type counts in UTF-16 or UTF-8, whichever is longer, because
            servers need room for both.

    Raises:
        InvalidArgument: The type is empty, or JSON cannot represent the data. The size is checked when the event is
            written, because it depends on the protocol and the server.
    """

    __slots__ = ()

    def __init__(
        self,
        type: str,
        data: Any = UNSET,
        *,
        metadata: Any = None,
        id: UUID | None = None,
        is_json: bool = False,
        body: Any = UNSET,
        encoder: Encoder | None = None,
    ) -> None:
        if encoder is not None and not callable(encoder):
            raise InvalidArgument("encoder", encoder, "a function of an object, or None")
        if data is UNSET:
            data = None if body is UNSET else body
        elif body is not UNSET:
            raise InvalidArgument("body", body, "no value with data, because body is another name of data")
        encoded, encoded_as_json = _to_bytes("data", data, encoder)
        about = b"" if metadata is None else _to_bytes("metadata", metadata, encoder)[0]
        size = len(encoded) + len(about) + text_bytes(checks.text("type", type))
        _set_type(self, type)
        _set_data(self, encoded)
        _set_metadata(self, about)
        _set_is_json(self, encoded_as_json or is_json)
        _set_id_bytes(self, _random_id() if id is None else _given_id(id))
        _set_size(self, size)

    @property
    def id(self) -> UUID:
        """Id of the event."""
        return UUID(bytes_le=self.id_bytes)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a NewEvent does not change; make a new one with another {name}")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"a NewEvent does not change; its {name} cannot be deleted")

    def __hash__(self) -> int:
        return hash(self.id_bytes)

    def __repr__(self) -> str:
        return f"<NewEvent {self.type} {len(self.data)} bytes {self.id}>"


E = TypeVar("E", bound=NewEvent)


def as_new_event(item: object, stream: str, limits: Limits) -> NewEvent:
    """Return a NewEvent as it is, or a copy of an event that was read.

    A copy has the type, data and metadata of the event. Its id is derived from the id of the event and the name of
    the stream, so that copying the event to the same stream again is the same write. The copy cannot keep the id of
    the event, because a server recognizes an id only in the stream where it was written first.

    Args:
        item: A NewEvent, or an Event to copy.
        stream: Name of the stream that the result is written to.
        limits: Limits of the protocol.

    Raises:
        InvalidArgument: `item` is neither, or too large for a stream with this name.
    """
    if isinstance(item, NewEvent):
        return fitting(item, stream, limits)
    if isinstance(item, Event):
        id = derived_id(stream, str(item.id))
        copy = NewEvent(item.type, item.data, metadata=item.metadata, id=id, is_json=item.is_json)
        return fitting(copy, stream, limits)
    raise InvalidArgument("events", item, "NewEvents, or Events to copy")


def with_metadata(event: NewEvent, metadata: bytes, cls: type[E]) -> E:
    """Return a copy of an event with other metadata. It has the same id, so that it is the same write.

    Args:
        event: The event.
        metadata: Encoded metadata.
        cls: Class of the copy, a subclass of NewEvent or NewEvent itself.
    """
    copy = cls.__new__(cls)
    _set_type(copy, event.type)
    _set_data(copy, event.data)
    _set_metadata(copy, metadata)
    _set_is_json(copy, event.is_json)
    _set_id_bytes(copy, event.id_bytes)
    _set_size(copy, event.size - len(event.metadata) + len(metadata))
    return copy


def fitting(event: NewEvent, stream: str, limits: Limits) -> NewEvent:
    """Return an event. Check that it is within the limits of a protocol.

    Raises:
        InvalidArgument: The event is too large, alone or together with the name of its stream.
    """
    if limits.event_bytes is not None and event.size > limits.event_bytes:
        raise InvalidArgument("event", f"{event.type} of {event.size} bytes", f"at most {limits.event_bytes} bytes")
    if limits.record_bytes is not None and not fits(event.size, stream, limits.record_bytes):
        shown = f"{event.size} bytes for a stream with a name of {len(stream)} characters"
        raise InvalidArgument("event", shown, f"at most {limits.record_bytes} bytes, the name of the stream included")
    return event


def derived_id(stream: str, origin: str) -> UUID:
    """Return the id of an event that is made from another one.

    Args:
        stream: Name of the stream that the new event is written to.
        origin: Text that identifies the other event.

    Returns:
        An id that depends on the arguments only.
    """
    return uuid5(_DERIVED, f"{stream}\n{origin}")


def _to_bytes(part: str, value: Any, encoder: Encoder | None) -> tuple[bytes, bool]:
    """Return an encoded value, and whether it was encoded as JSON."""
    if value is None:
        return b"", False
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value), False
    try:
        return json_text.encode(value) if encoder is None else json_text.encode_with(value, encoder), True
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidArgument(part, value, f"bytes, or a value that JSON can represent ({error})") from error


def _random_id() -> bytes:
    """Return a random id (UUID version 4) in the byte order of `UUID.bytes_le`."""
    return (_random.getrandbits(128) & _RANDOM_BITS | _VERSION_4).to_bytes(16, "little")


def _given_id(id: UUID) -> bytes:
    if not isinstance(id, UUID) or not id.int:
        raise InvalidArgument("id", id, "a uuid.UUID that is not all zero")
    return id.bytes_le


def new_link(event: Event, stream: str) -> NewEvent:
    """Return a link to an event.

    If the event was read through a link, or is a link, the new link leads to its target, because a server follows a
    link to a link for one step only. The id of the link is derived from the target and the name of the stream, so
    that writing the same link twice is one write.

    Args:
        event: Event to link to.
        stream: Name of the stream that the link is written to.

    Raises:
        InvalidArgument: `event` is not an Event.
    """
    if not isinstance(event, Event):
        raise InvalidArgument("event", event, "an Event that was read")
    leads_to = _link_target(event)
    return NewEvent(LINK_EVENT_TYPE, leads_to, id=derived_id(stream, leads_to.decode(errors="backslashreplace")))


def _link_target(event: Event) -> bytes:
    if event.link is not None and event.is_broken_link:
        return event.link.data
    if event.type == LINK_EVENT_TYPE:
        return event.data
    return f"{event.number}@{event.stream}".encode()
