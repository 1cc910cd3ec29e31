"""The streams that groups write to, and the events in them (docs/protocol/tcp.md, section 4.18)."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Final
from uuid import uuid4

from rxpump.model.limits import MAX_EVENT_NUMBER
from rxpump.model.system_names import ALL_STREAM, GROUP_PREFIX, LINK_EVENT_TYPE, METADATA_PREFIX
from rxpump.server.groups.message import Message
from rxpump.server.groups.settings import GroupSettings
from rxpump.server.store import new_event
from rxpump.server.store.new_event import NewEvent
from rxpump.server.store.reader import Reader
from rxpump.server.store.record_schema import StreamEntry

CONFIGURATION_STREAM: Final = "$persistentSubscriptionConfig"
CONFIGURATION_TYPE: Final = "$PersistentConfig"
CONFIGURATION_TYPE_OF_V4: Final = "PersistentConfig1"
CONFIGURATION_CHANGE_TYPE: Final = "PersistentConfigChange"  # Only this server writes events of this type.
CHECKPOINT_TYPE: Final = "$SubscriptionCheckpoint"
CHECKPOINT_TYPE_OF_V4: Final = "SubscriptionCheckpoint"

_CHECKPOINT: Final = re.compile(r"(?:C:)?(?P<number>-?\d{1,19})(?:/P:-?\d{1,19})?")
_OF_GROUPS_ON_ALL: Final = f"{GROUP_PREFIX}{ALL_STREAM}::"


def is_hidden_in_log(stream: str) -> bool:
    """Return whether reads of all streams leave out a stream, because it belongs to a group on all streams.

    Otherwise each checkpoint of such a group would be an event for the group.
    """
    return stream.startswith(_OF_GROUPS_ON_ALL)


def metadata_stream(stream: str) -> str:
    """Return the name of the stream with another stream's metadata."""
    return f"{METADATA_PREFIX}{stream}"


def checkpoint_event(settings: GroupSettings, number: int) -> NewEvent:
    """Return the event of a checkpoint: all events up to `number` are completed.

    Version 4 writes the number as a number, later versions write it as a text.
    """
    if not settings.follows_v23:
        return new_event.json_event(CHECKPOINT_TYPE_OF_V4, _json(number))
    return new_event.json_event(CHECKPOINT_TYPE, _json(settings.position_text(number)))


def checkpoint_of(content: object) -> int | None:
    """Return the number in the data of a checkpoint; None if there is none."""
    found = _CHECKPOINT.fullmatch(str(content))
    number = -2 if found is None else int(found["number"])
    return number if -1 <= number <= MAX_EVENT_NUMBER else None


def configuration_event(settings: GroupSettings, configuration: object) -> NewEvent:
    """Return the event that holds the whole configuration after a change of the group with these settings."""
    kind = CONFIGURATION_TYPE if settings.follows_v23 else CONFIGURATION_TYPE_OF_V4
    return new_event.json_event(kind, _json(configuration))


def configuration_change(change: object) -> NewEvent:
    """Return the event that holds a change of the configuration."""
    return new_event.json_event(CONFIGURATION_CHANGE_TYPE, _json(change))


def metadata_event(metadata: object) -> NewEvent:
    """Return an event for a metadata stream, compact as those of a real server."""
    return new_event.metadata_event(json.dumps(metadata, separators=(",", ":")).encode())


def parked_event(message: Message, reason: str) -> NewEvent:
    """Return the link to a parked event. For an event that was parked before, the link is the same as before."""
    metadata: dict[str, object] = {"added": datetime.now(UTC).isoformat(), "reason": reason}
    if number := message.original_number:  # A real server leaves out every 0.
        metadata["subscriptionEventNumber"] = number
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


def last_position(read: Reader, offset: int) -> int:
    """Return the position of the last event up to an offset in the log; -1 if there is none."""
    found = read.rows("SELECT max(position) FROM events WHERE position <= ?", (offset,)).fetchone()[0]
    return -1 if found is None else int(found)


def _json(content: object) -> bytes:
    return json.dumps(content, indent=2, ensure_ascii=False).encode()
