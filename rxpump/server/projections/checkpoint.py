"""How far a projection has come: the last event of a stream of its own, in a real server's form.

The stream's name ends in `-checkpoint`; its events have the position in their metadata. Only the newest is
needed, so the stream is told to keep few.
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
    """Name the stream of a projection's checkpoints."""
    return f"$projections-{projection}-checkpoint"


def read_checkpoint(read: Reader, projection: str) -> Position | None:
    """Read the position of the last event that is done with; None before the first, or if it makes no sense."""
    stream = read.stream(checkpoint_stream(projection))
    event = None if stream is None else read.event(stream, stream.last, resolve_links=False)
    if event is None:
        return None
    try:
        found = json.loads(StreamEntry.FromString(event.entry).event.metadata)
        return Position(int(found["$c"]), int(found["$p"]))
    except (ValueError, KeyError, TypeError):
        return None  # begin anew: what was linked before is known by its id


def save_checkpoint(projection: str, position: Position) -> AppendRequest:
    """Make the append that saves a checkpoint."""
    event = json_event(CHECKPOINT_TYPE, b"{}", _json({"$c": position.commit, "$p": position.prepare}))
    return AppendRequest(checkpoint_stream(projection), ExpectedVersion.ANY, [event])


def limit_checkpoints(projection: str) -> AppendRequest:
    """Make the append that lets the stream of checkpoints keep only the newest."""
    metadata = metadata_event(_json({MAX_COUNT_KEY: _KEPT}))
    return AppendRequest(METADATA_PREFIX + checkpoint_stream(projection), ExpectedVersion.ANY, [metadata])


def _json(content: Any) -> bytes:
    return json.dumps(content).encode()
