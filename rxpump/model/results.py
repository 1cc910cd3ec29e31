"""Results of requests that change something: writes, deletes and scavenges."""

from __future__ import annotations

from dataclasses import dataclass

from rxpump.model.positions import Position


@dataclass(frozen=True, slots=True)
class WriteResult:
    """Result of a write; its events are durable.

    Attributes:
        stream: Name of the stream.
        first_event_number: Number of the first event that was written. Over gRPC, servers do not return it, so it is
            calculated from `last_event_number` and the number of events. This is not the number of the first event if
            an append with ANY or STREAM_EXISTS repeats events between which there are others in the stream.
        last_event_number: Number of the last event. A write of no events has the number before `first_event_number`.
        position: Position of the last event in the log. None if the server recognized a repeated write and did not
            send the position (docs/protocol/tcp.md, section 4.4).
    """

    stream: str
    first_event_number: int
    last_event_number: int
    position: Position | None


@dataclass(frozen=True, slots=True)
class DeleteResult:
    """Result of a delete.

    Attributes:
        stream: Name of the stream.
        position: Position of the delete in the log; None if the server did not name it.
    """

    stream: str
    position: Position | None


@dataclass(frozen=True, slots=True)
class ScavengeResult:
    """Result of a scavenge, which has completed or only started.

    Servers before version 5 reply when the scavenge has completed, later ones when it has started.

    Attributes:
        id: Id of a scavenge that has started, as in the stream `$scavenges`; None if it has completed.
        seconds: Duration; None if it has only started.
        bytes_saved: Bytes by which the database became smaller; None if it has only started.
    """

    id: str | None = None
    seconds: float | None = None
    bytes_saved: int | None = None

    @property
    def is_done(self) -> bool:
        """Whether the scavenge has completed."""
        return self.seconds is not None
