"""What becomes of a scavenge."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ScavengeResult:
    """A scavenge is done, or (from version 5 of the server on) has begun; which, tells `is_done`.

    id:           by which it is found in the stream `$scavenges`; None where it is done.
    seconds:      how long it took; None where it has only begun.
    bytes_saved:  how much smaller the database is; None where it has only begun.
    """

    id: str | None = None
    seconds: float | None = None
    bytes_saved: int | None = None

    @property
    def is_done(self) -> bool:
        """Whether there is nothing left to wait for."""
        return self.seconds is not None
