"""How far a pipeline has come, and what can keep that."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from rxpump.errors import InvalidArgument
from rxpump.model.events import Event
from rxpump.model.positions import Position


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """An event with which, and with all before it, a pipeline is done.

    stream, number:  where it was received: of a link, the link's own place.
    position:        where it stands in the whole database; None where that was not told.

    A pipeline over one stream goes on at `from_event=checkpoint.number + 1`; one over the whole database at
    `from_position=checkpoint.position`, which every event of that has. (The events of a single stream have one
    only when they arrive live, so it is of no use there.)
    """

    stream: str
    number: int
    position: Position | None = None

    @classmethod
    def of(cls, event: Event) -> Checkpoint:
        """Make the one that says that this event is done. Raises InvalidArgument for what is no event."""
        if not isinstance(event, Event):
            raise InvalidArgument("origin", event, "an Event: only what comes of events that were read has a place")
        received = event.received
        return cls(received.stream, received.number, event.position)

    def to_json(self) -> str:
        """Write it as text."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str | bytes) -> Checkpoint:
        """Read what `to_json` wrote. Raises InvalidArgument for anything else."""
        try:
            fields: dict[str, Any] = json.loads(text)
            stream, number, position = fields["stream"], fields["number"], fields["position"]
            if not (isinstance(stream, str) and isinstance(number, int)):
                raise ValueError("a stream or number of the wrong type")
            return cls(stream, number, None if position is None else Position(*map(int, position)))
        except (ValueError, TypeError, KeyError) as error:
            raise InvalidArgument("checkpoint", text, f"what a checkpoint was saved as ({error!r})") from error


class CheckpointStore(Protocol):
    """Keeps the latest checkpoint of one pipeline."""

    async def load(self) -> Checkpoint | None:
        """Give the one that was saved last, None if none was."""

    async def save(self, checkpoint: Checkpoint) -> None:
        """Keep it instead of the one before; return when it is durable."""
