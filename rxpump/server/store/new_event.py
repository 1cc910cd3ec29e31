"""Events that are to be written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol
from uuid import uuid4

from rxpump.model.system_names import METADATA_EVENT_TYPE
from rxpump.server.store.record_schema import JSON_CONTENT


class Writable(Protocol):
    """An event that can be written: a `NewEvent`, or the message of a protocol that has these attributes."""

    @property
    def event_id(self) -> bytes:
        """Id of the event, 16 bytes in the order of a .NET GUID."""

    @property
    def event_type(self) -> str:
        """Type of the event."""

    @property
    def data_content_type(self) -> int:
        """`JSON_CONTENT` if the data are JSON, otherwise 0."""

    @property
    def data(self) -> bytes:
        """Data of the event."""

    @property
    def metadata(self) -> bytes:
        """Metadata of the event."""


@dataclass(slots=True)
class NewEvent:
    """An event that the server itself writes; see `Writable` for the attributes."""

    event_id: bytes
    event_type: str
    data: bytes = b""
    metadata: bytes = b""
    data_content_type: int = 0


def json_event(event_type: str, data: bytes, metadata: bytes = b"") -> NewEvent:
    """Return an event with a new id whose data are JSON text."""
    return NewEvent(uuid4().bytes_le, event_type, data, metadata, JSON_CONTENT)


def metadata_event(data: bytes, event_id: bytes | None = None) -> NewEvent:
    """Return an event for a metadata stream whose data are JSON text. If no id is given, the id is new."""
    return NewEvent(event_id or uuid4().bytes_le, METADATA_EVENT_TYPE, data, b"", JSON_CONTENT)
