"""What the server says of a write that succeeded."""

from __future__ import annotations

from dataclasses import dataclass

from rxpump.model.positions import Position


@dataclass(frozen=True, slots=True)
class WriteResult:
    """Events `first_event_number` to `last_event_number` of `stream` are durable.

    A write of no events has last = first - 1. `position` is that of the last event; it is None when
    the server recognised the write as done before and did not say where (docs/protocol/tcp.md, section 4.4).
    """

    stream: str
    first_event_number: int
    last_event_number: int
    position: Position | None
