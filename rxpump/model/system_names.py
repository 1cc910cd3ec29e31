"""Names that Event Store reserves: prefixes of streams, streams, and types of events."""

from __future__ import annotations

from typing import Final

METADATA_PREFIX: Final = "$$"
"""Prefix of the stream that holds another stream's metadata; the rest is the name of that stream."""

SETTINGS_STREAM: Final = "$settings"
"""Stream whose last event holds the default access control lists."""

METADATA_EVENT_TYPE: Final = "$metadata"
"""Type that writers use for metadata events; servers do not check it (docs/protocol/tcp.md, section 4.9)."""

TOMBSTONE_EVENT_TYPE: Final = "$streamDeleted"
"""Type of the event, with number `MAX_EVENT_NUMBER`, that a hard delete writes."""

LINK_EVENT_TYPE: Final = "$>"
"""Type of an event that points to another event; its data is `number@stream`."""
