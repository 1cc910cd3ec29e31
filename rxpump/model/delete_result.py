"""What the server says of a delete that succeeded."""

from __future__ import annotations

from dataclasses import dataclass

from rxpump.model.positions import Position


@dataclass(frozen=True, slots=True)
class DeleteResult:
    """`stream` is deleted; `position` is where the delete stands in the whole database, None if not told."""

    stream: str
    position: Position | None
