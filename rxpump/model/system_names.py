"""Names that Event Store reserves: prefixes of streams, streams, types of events, keys of metadata, and roles."""

from __future__ import annotations

from typing import Final

SYSTEM_PREFIX: Final = "$"
"""Prefix of the names of system streams and of the types of system events."""

ALL_STREAM: Final = "$all"
"""Name that servers use for the log of all streams."""

METADATA_PREFIX: Final = "$$"
"""Prefix of the stream that holds another stream's metadata; the rest is the name of that stream."""

INDEX_PREFIX: Final = "$idx-"
"""Prefix of the names of secondary indexes (docs/protocol/grpc.md, section 5.7)."""

GROUP_PREFIX: Final = "$persistentsubscription-"
"""Prefix of the streams of consumer groups (docs/protocol/tcp.md, section 4.18)."""

SETTINGS_STREAM: Final = "$settings"
"""Stream whose last event holds the default access control lists."""

SETTINGS_EVENT_TYPE: Final = "$settings"
"""Type that writers use for events of the settings stream; servers do not check it."""

METADATA_EVENT_TYPE: Final = "$metadata"
"""Type that writers use for metadata events; servers do not check it (docs/protocol/tcp.md, section 4.9)."""

TOMBSTONE_EVENT_TYPE: Final = "$streamDeleted"
"""Type of the event, with number `MAX_EVENT_NUMBER`, that a hard delete writes."""

LINK_EVENT_TYPE: Final = "$>"
"""Type of a link, whose data `number@stream` identify its target (docs/protocol/tcp.md, section 4.8)."""

MAX_COUNT_KEY: Final = "$maxCount"
"""Key of the number of last events that stay visible."""

MAX_AGE_KEY: Final = "$maxAge"
"""Key of the seconds for which an event stays visible."""

TRUNCATE_BEFORE_KEY: Final = "$tb"
"""Key of the number of the first visible event."""

CACHE_CONTROL_KEY: Final = "$cacheControl"
"""Key of the seconds for which HTTP caches may keep the stream."""

ACL_KEY: Final = "$acl"
"""Key of the access control list."""

EVERYONE: Final = "$all"
"""Role that every user has, anonymous users included."""

ADMINS: Final = "$admins"
"""Role that every access control list allows everything."""

OPS: Final = "$ops"
"""Role that may run scavenges."""


def group_id(stream: str, group: str) -> str:
    """Return the id of a consumer group, which is unique on a server."""
    return f"{stream}::{group}"


def checkpoint_stream(group_id: str) -> str:
    """Return the name of the stream with the checkpoints of a consumer group."""
    return f"{GROUP_PREFIX}{group_id}-checkpoint"


def parked_stream(group_id: str) -> str:
    """Return the name of the stream with the links to the parked events of a consumer group."""
    return f"{GROUP_PREFIX}{group_id}-parked"
