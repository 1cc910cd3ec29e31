"""An event to be written."""

from __future__ import annotations

import json
import os
from typing import Any, Final
from uuid import UUID

from rxpump import checks
from rxpump.errors import InvalidArgument
from rxpump.events import Event
from rxpump.limits import MAX_EVENT_BYTES

UNSET: Final[Any] = object()
"""Stands for "not given" where None is a value."""

_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


class NewEvent:
    """An event that is not written yet: immutable, checked and encoded when it is made.

    type:      what happened; not empty.
    data:      `bytes` are stored as they are; anything else is stored as JSON, written as the json
               module writes it (a tuple comes back as a list). None: no data.
    metadata:  the same rule.
    id:        16 random bytes unless given. It is the event's identity: writing the same NewEvent
               again is recognised by the server as the same write.
    is_json:   True says that `bytes` given as data are JSON text already.
    body:      another name for `data`.

    Raises InvalidArgument for an empty type, data that JSON cannot hold, or an event over the
    server's limit of 16 MiB - 10 000 bytes (protocol section 4.17).
    """

    __slots__ = ("data", "id_bytes", "is_json", "metadata", "type")

    type: str
    data: bytes
    metadata: bytes
    is_json: bool
    id_bytes: bytes

    def __init__(
        self,
        type: str,
        data: Any = UNSET,
        *,
        metadata: Any = None,
        id: UUID | None = None,
        is_json: bool = False,
        body: Any = UNSET,
    ) -> None:
        if data is UNSET:
            data = None if body is UNSET else body
        elif body is not UNSET:
            raise InvalidArgument("body", body, "given only where data (its other name) is not")
        encoded, encoded_as_json = _to_bytes("data", data)
        set_field = object.__setattr__
        set_field(self, "type", checks.text("type", type))
        set_field(self, "data", encoded)
        set_field(self, "metadata", _to_bytes("metadata", metadata)[0])
        set_field(self, "is_json", encoded_as_json or is_json)
        set_field(self, "id_bytes", _random_id() if id is None else _given_id(id))
        if self.size > MAX_EVENT_BYTES:
            raise InvalidArgument("event", f"{type} of {self.size} bytes", f"at most {MAX_EVENT_BYTES} bytes")

    @property
    def id(self) -> UUID:
        """The event's identity."""
        return UUID(bytes_le=self.id_bytes)

    @property
    def size(self) -> int:
        """Bytes, counted as the server counts them against its limit."""
        return len(self.data) + len(self.metadata) + 2 * len(self.type)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a NewEvent does not change; make another one to set {name}")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"a NewEvent does not change; it keeps its {name}")

    def __repr__(self) -> str:
        return f"<NewEvent {self.type} {len(self.data)} bytes {self.id}>"


def as_new_event(item: object) -> NewEvent:
    """Take what a writer was given: a NewEvent, or an event that was read, to be written again as it is.

    The copy keeps its id, so copying it twice is one write. Raises InvalidArgument for anything else.
    """
    if isinstance(item, NewEvent):
        return item
    if isinstance(item, Event):
        return NewEvent(item.type, item.data, metadata=item.metadata, id=item.id, is_json=item.is_json)
    raise InvalidArgument("events", item, "NewEvents, or Events to copy")


def _to_bytes(part: str, value: Any) -> tuple[bytes, bool]:
    """Encode `value`; True with it if that made it JSON."""
    if value is None:
        return b"", False
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value), False
    try:
        return _encode(value).encode(), True
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidArgument(part, value, f"bytes, or what JSON can hold ({error})") from error


def _random_id() -> bytes:
    """Make a random (version 4) id; in .NET byte order the version is in byte 7, the variant in byte 8."""
    random = bytearray(os.urandom(16))
    random[7] = random[7] & 0x0F | 0x40
    random[8] = random[8] & 0x3F | 0x80
    return bytes(random)


def _given_id(id: UUID) -> bytes:
    if not isinstance(id, UUID) or not id.int:
        raise InvalidArgument("id", id, "a uuid.UUID that is not all zero")
    return id.bytes_le
