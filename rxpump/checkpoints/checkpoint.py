"""Checkpoints of pipelines, and the interface of the stores that keep them."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from rxpump.errors import InvalidArgument
from rxpump.model.events import Event
from rxpump.model.positions import Position
from rxpump.model.signals import Examined
from rxpump.model.system_names import ALL_STREAM


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The last event up to which a pipeline has completed its work.

    A pipeline over one stream resumes with `from_event=checkpoint.number + 1`. A pipeline over the log resumes with
    `from_position=checkpoint.position`.

    A subscription to the log with a filter also reports positions up to which no further event matches. A checkpoint
    at such a position has the stream "$all" and the number -1.

    Attributes:
        stream: Name of the stream that the event was received from; of an event that was read through a link, the
            stream of the link.
        number: Number of the event, or of the link, in that stream.
        position: Position of the event in the log. None if the server did not name it, as for reads of one stream.
    """

    stream: str
    number: int
    position: Position | None = None

    @classmethod
    def of(cls, event: Event | Examined) -> Checkpoint:
        """Return the checkpoint after an event, or after a position up to which a filter has examined the log.

        Raises:
            InvalidArgument: `event` is neither.
        """
        if isinstance(event, Examined):
            return cls(ALL_STREAM, -1, event.position)
        if not isinstance(event, Event):
            raise InvalidArgument("origin", event, "an Event, because only events that were read have a number")
        received = event.received
        return cls(received.stream, received.number, event.position)

    def to_json(self) -> str:
        """Return the checkpoint as a JSON text."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str | bytes) -> Checkpoint:
        """Read a text that `to_json` returned.

        Raises:
            InvalidArgument: The text is not a checkpoint.
        """
        try:
            fields: dict[str, Any] = json.loads(text)
            stream, number, position = fields["stream"], fields["number"], fields["position"]
            if not (isinstance(stream, str) and isinstance(number, int)):
                raise ValueError("a stream or number of the wrong type")
            return cls(stream, number, None if position is None else Position(*map(int, position)))
        except (ValueError, TypeError, KeyError) as error:
            raise InvalidArgument(
                "checkpoint", text, f"a text that Checkpoint.to_json returned ({error!r})"
            ) from error


class CheckpointStore(Protocol):
    """Keeps the checkpoint of one pipeline."""

    async def load(self) -> Checkpoint | None:
        """Return the checkpoint that was saved last, or None if none was saved."""

    async def save(self, checkpoint: Checkpoint) -> None:
        """Replace the checkpoint. Return when the new one is durable."""
