"""The checkpoints of a projection: events of its own stream with the position up to which it has read the log.

As on a real server, the name of the stream ends in `-checkpoint` and the position is in the metadata of the events.
Only the last checkpoint is needed, so the stream keeps few events.
"""

from __future__ import annotations

import json
from typing import Any, Final

from rxpump.model.positions import ExpectedVersion, Position
from rxpump.model.system_names import MAX_COUNT_KEY, METADATA_PREFIX
from rxpump.server.store.appender import AppendRequest
from rxpump.server.store.new_event import json_event, metadata_event
from rxpump.server.store.reader import Reader
from rxpump.server.store.record_schema import StreamEntry

CHECKPOINT_TYPE: Final = "$ProjectionCheckpoint"
_KEPT: Final = 2


def checkpoint_stream(projection: str) -> str:
    """Return the name of the stream with a projection's checkpoints."""
    return f"$projections-{projection}-checkpoint"


def read_checkpoint(read: Reader, projection: str) -> Position | None:
    """Return the position of the last event that was processed; None without a valid checkpoint."""
    stream = read.stream(checkpoint_stream(projection))
    event = None if stream is None else read.event(stream, stream.last, resolve_links=False)
    if event is None:
        return None
    try:
        found = json.loads(StreamEntry.FromString(event.entry).event.metadata)
        return Position(int(found["$c"]), int(found["$p"]))
    except (ValueError, KeyError, TypeError):
        return None  # Start from the beginning of the log. Links that exist are not written again.


def save_checkpoint(projection: str, position: Position) -> AppendRequest:
    """Return the append that saves a checkpoint."""
    event = json_event(CHECKPOINT_TYPE, b"{}", _json({"$c": position.commit, "$p": position.prepare}))
    return AppendRequest(checkpoint_stream(projection), ExpectedVersion.ANY, [event])


def limit_checkpoints(projection: str) -> AppendRequest:
    """Return the append that limits the number of stored checkpoints."""
    metadata = metadata_event(_json({MAX_COUNT_KEY: _KEPT}))
    return AppendRequest(METADATA_PREFIX + checkpoint_stream(projection), ExpectedVersion.ANY, [metadata])


def _json(content: Any) -> bytes:
    return json.dumps(content).encode()
