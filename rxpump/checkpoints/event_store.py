"""Checkpoints that are kept in a stream of the event store."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import asdict
from typing import Any, Protocol

from rxpump.checkpoints.checkpoint import Checkpoint
from rxpump.errors import EventNotFound, StreamNotFound
from rxpump.model import checks
from rxpump.model.events import Event

TYPE = "CheckpointSaved"
"""Type of the events."""


class ReadsAndWrites(Protocol):
    """The methods of a client that a checkpoint store needs."""

    def publish_event(self, stream: str, type: str, data: Any, /) -> Awaitable[Any]:
        """Append one event."""

    def get_event(self, stream: str, /) -> Awaitable[Event]:
        """Read the last event."""


class EventStoreCheckpoint:
    """A checkpoint that is the last event of a stream.

    Each save appends an event. After `client.set_metadata(stream, max_count=1)` the server keeps only the last one. A
    pipeline over the log also receives these events, and should drop them.

    `load` and `save` raise the errors of the client. `load` raises InvalidArgument if the last event is not a
    checkpoint.

    Args:
        client: Client that reads and appends the events.
        stream: Name of the stream.
    """

    def __init__(self, client: ReadsAndWrites, stream: str) -> None:
        self.stream: str = checks.written_stream(stream)
        self._client = client

    async def load(self) -> Checkpoint | None:
        """Return the checkpoint of the last event, or None if the stream has no event."""
        try:
            last = await self._client.get_event(self.stream)
        except (StreamNotFound, EventNotFound):
            return None
        return Checkpoint.from_json(last.data)

    async def save(self, checkpoint: Checkpoint) -> None:
        """Append an event with the checkpoint."""
        await self._client.publish_event(self.stream, TYPE, asdict(checkpoint))

    def __repr__(self) -> str:
        return f"<EventStoreCheckpoint {self.stream}>"
