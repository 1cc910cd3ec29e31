"""Convert ids of events and requests between 16 bytes in the store and two forms in messages.

The store holds the bytes in the order of a .NET GUID, as `UUID.bytes_le` does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from struct import Struct
from typing import Any, Final
from uuid import UUID

from rxpump.grpc.messages.shared import Uuid
from rxpump.server.store.record import varint

NO_ID: Final = bytes(16)

_GUID: Final = Struct("<IHH").unpack_from
_HALVES: Final = Struct(">qq")
_UNSIGNED: Final = (1 << 64) - 1
_TEXT_FIELD: Final = b"\x0a\x26\x12\x24"
"""Tag and size of the id of a RecordedEvent, then tag and size of the text in the id."""


class IdForm(Enum):
    """Form of the ids in the responses of a call. The values are names of fields of `Uuid`."""

    STRUCTURED = "structured"
    TEXT = "string"


def text_of_id(event_id: bytes) -> str:
    """Return an id of the store as text."""
    return str(UUID(bytes_le=event_id))


def id_field_as_text(event_id: bytes) -> bytes:
    """Return the encoded field `id` of a RecordedEvent, as text."""
    tail = event_id[8:].hex()
    return b"%b%08x-%04x-%04x-%b-%b" % (_TEXT_FIELD, *_GUID(event_id), tail[:4].encode(), tail[4:].encode())


def id_field_as_halves(event_id: bytes) -> bytes:
    """Return the encoded field `id` of a RecordedEvent, as two numbers."""
    most, least = _HALVES.unpack(UUID(bytes_le=event_id).bytes)
    halves = b"\x08%b\x10%b" % (varint(most & _UNSIGNED), varint(least & _UNSIGNED))
    return b"\x0a%c\x0a%c%b" % (len(halves) + 2, len(halves), halves)


ID_FIELDS: Final[Mapping[IdForm, Callable[[bytes], bytes]]] = {
    IdForm.TEXT: id_field_as_text,
    IdForm.STRUCTURED: id_field_as_halves,
}
"""Function that encodes the id of an event, for each form."""


def read_id(message: Any) -> bytes | None:
    """Return the id in a `Uuid` message, as the store holds it.

    Returns:
        The 16 bytes; None if the message has neither form.

    Raises:
        ValueError: The text is not an id.
    """
    match message.WhichOneof("form"):
        case "string":
            return UUID(message.string).bytes_le
        case "structured":
            halves = message.structured
            return UUID(bytes=_HALVES.pack(halves.most_significant_bits, halves.least_significant_bits)).bytes_le
    return None


def id_message(event_id: bytes, form: IdForm) -> Any:
    """Return an id of the store as a `Uuid` message."""
    if form is IdForm.TEXT:
        return Uuid(string=text_of_id(event_id))
    most, least = _HALVES.unpack(UUID(bytes_le=event_id).bytes)
    return Uuid(structured={"most_significant_bits": most, "least_significant_bits": least})
