"""A checkpoint in the event store itself."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import asdict
from typing import Any, Protocol

from rxpump.checkpoints.checkpoint import Checkpoint
from rxpump.errors import EventNotFound, StreamNotFound
from rxpump.model import checks
from rxpump.model.events import Event

TYPE = "CheckpointSaved"


class ReadsAndWrites(Protocol):
    """What is needed of a client."""

    def publish_event(self, stream: str, type: str, data: Any, /) -> Awaitable[Any]:
        """Write one event."""

    def get_event(self, stream: str, /) -> Awaitable[Event]:
        """Read the last event."""


class EventStoreCheckpoint:
    """Keeps a checkpoint as the last event of `stream`.

    Each save is one more event there; after `client.set_metadata(stream, max_count=1)` the server keeps only the
    last. A pipeline that follows the whole database sees its own saves, and should leave them out. Errors are
    those of the client, and InvalidArgument for an event that is something else.
    """

    def __init__(self, client: ReadsAndWrites, stream: str) -> None:
        self.stream: str = checks.written_stream(stream)
        self._client = client

    async def load(self) -> Checkpoint | None:
        """Read the last event; None if there is none."""
        try:
            last = await self._client.get_event(self.stream)
        except (StreamNotFound, EventNotFound):
            return None
        return Checkpoint.from_json(last.data)

    async def save(self, checkpoint: Checkpoint) -> None:
        """Write it behind the others."""
        await self._client.publish_event(self.stream, TYPE, asdict(checkpoint))

    def __repr__(self) -> str:
        return f"<EventStoreCheckpoint {self.stream}>"
