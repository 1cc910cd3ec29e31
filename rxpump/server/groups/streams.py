"""The streams that groups write to, and the events in them (docs/protocol/tcp.md, section 4.18)."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Final
from uuid import uuid4

from rxpump.model.system_names import ALL_STREAM, GROUP_PREFIX, LINK_EVENT_TYPE, METADATA_PREFIX
from rxpump.server.groups.message import Message
from rxpump.server.store import new_event
from rxpump.server.store.new_event import NewEvent
from rxpump.server.store.reader import Reader
from rxpump.server.store.record_schema import StreamEntry

CONFIGURATION_STREAM: Final = "$persistentSubscriptionConfig"
CONFIGURATION_TYPE: Final = "PersistentConfig1"
CONFIGURATION_CHANGE_TYPE: Final = "PersistentConfigChange"  # Only this server writes events of this type.
CHECKPOINT_TYPE: Final = "SubscriptionCheckpoint"

_OF_GROUPS_ON_ALL: Final = f"{GROUP_PREFIX}{ALL_STREAM}::"


def is_hidden_in_log(stream: str) -> bool:
    """Return whether reads of all streams leave out a stream, because it belongs to a group on all streams.

    Otherwise each checkpoint of such a group would be an event for the group.
    """
    return stream.startswith(_OF_GROUPS_ON_ALL)


def metadata_stream(stream: str) -> str:
    """Return the name of the stream with another stream's metadata."""
    return f"{METADATA_PREFIX}{stream}"


def checkpoint_event(through: int) -> NewEvent:
    """Return the event of a checkpoint: all events up to number `through` are completed."""
    return new_event.json_event(CHECKPOINT_TYPE, _json(through))


def configuration_event(configuration: object) -> NewEvent:
    """Return the event that holds the whole configuration."""
    return new_event.json_event(CONFIGURATION_TYPE, _json(configuration))


def configuration_change(change: object) -> NewEvent:
    """Return the event that holds a change of the configuration."""
    return new_event.json_event(CONFIGURATION_CHANGE_TYPE, _json(change))


def metadata_event(metadata: object) -> NewEvent:
    """Return an event for a metadata stream."""
    return new_event.metadata_event(_json(metadata))


def parked_event(message: Message, reason: str) -> NewEvent:
    """Return the link to a parked event. For an event that was parked before, the link is the same as before."""
    metadata: dict[str, object] = {"added": datetime.now(UTC).isoformat(), "reason": reason}
    if message.replay_of is None and message.number:  # A real server leaves out every 0.
        metadata["subscriptionEventNumber"] = message.number
    link = message.replay_of or message.address
    return NewEvent(event_id=uuid4().bytes_le, event_type=LINK_EVENT_TYPE, data=link, metadata=_json(metadata))


def last_json(read: Reader, stream: str) -> object:
    """Return the data of the last event of a stream as JSON; None if there is no event.

    Raises:
        ValueError: The data are not JSON.
    """
    found = read.stream(stream)
    event = None if found is None else read.event(found, found.last, resolve_links=False)
    return None if event is None else json.loads(StreamEntry.FromString(event.entry).event.data)


def _json(content: object) -> bytes:
    return json.dumps(content, indent=2, ensure_ascii=False).encode()
