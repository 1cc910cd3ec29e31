"""Events that the server itself writes: JSON, under ids that it makes up."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from rxpump.tcp.wire.codes import JSON_CONTENT, METADATA_EVENT_TYPE
from rxpump.tcp.wire.schema import NewEvent


def own_event(event_type: str, data: bytes, metadata: bytes = b"") -> Any:
    """Make a NewEvent of JSON text."""
    return NewEvent(
        event_id=uuid4().bytes_le,
        event_type=event_type,
        data_content_type=JSON_CONTENT,
        data=data,
        metadata=metadata,
    )


def metadata_event(data: bytes) -> Any:
    """Make a NewEvent for a metadata stream."""
    return own_event(METADATA_EVENT_TYPE, data)
