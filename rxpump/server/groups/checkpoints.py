"""The schedule of a group's checkpoints."""

from __future__ import annotations

from math import inf

from rxpump.server.groups.progress import Progress
from rxpump.server.groups.settings import GroupSettings


class Checkpoints:
    """Decides when a checkpoint is due. As on a real server, the first one is due at any time.

    Args:
        settings: Settings of the group.
        progress: Progress of the group.
    """

    def __init__(self, settings: GroupSettings, progress: Progress) -> None:
        self._settings = settings
        self._progress = progress
        self._last, self._time = (progress.last_completed, progress.completed), -inf
        self._before = self._last

    def due(self, now: float, *, is_timed: bool = False) -> int | None:
        """Return the checkpoint that is due; None if none is.

        Args:
            now: Current time in seconds.
            is_timed: Whether the time since the last checkpoint can make one due. Otherwise only the count of events
                can.
        """
        settings = self._settings
        count = self._progress.completed - self._last[1]
        if is_timed and settings.checkpoint_after_seconds:
            is_old = now - self._time >= settings.checkpoint_after_seconds
            is_due = is_old and count >= settings.checkpoint_min_count
        else:
            is_due = count >= settings.checkpoint_max_count
        return self.last(now) if is_due else None

    def last(self, now: float) -> int | None:
        """Return a checkpoint if any event was completed since the last one; None otherwise."""
        progress = self._progress
        if progress.last_completed == self._last[0]:
            return None
        self._before, self._last, self._time = self._last, (progress.last_completed, progress.completed), now
        return progress.last_completed

    def not_written(self) -> None:
        """Record that the last checkpoint could not be written, so that its events are included in the next one."""
        self._last = self._before

    def __repr__(self) -> str:
        return f"<Checkpoints: last {self._last[0]}, completed up to {self._progress.last_completed}>"
