"""When it is written down how far a group is."""

from __future__ import annotations

from rxpump.server.groups.progress import Progress
from rxpump.server.groups.settings import GroupSettings


class Checkpoints:
    """Tells which checkpoints of `progress` are due; `now` is in seconds."""

    def __init__(self, settings: GroupSettings, progress: Progress, now: float) -> None:
        self._settings = settings
        self._progress = progress
        self._last, self._time = progress.through, now
        self._before = self._last

    def due(self, now: float, *, is_timed: bool = False) -> int | None:
        """Give the checkpoint that is due, if one is; `is_timed` says that one may be due by the time."""
        settings = self._settings
        count = self._progress.through - self._last
        if is_timed and settings.checkpoint_after_seconds > 0:
            is_old = now - self._time >= settings.checkpoint_after_seconds
            is_due = is_old and count >= settings.checkpoint_min_count
        else:
            is_due = count >= settings.checkpoint_max_count
        return self.last(now) if is_due else None

    def last(self, now: float) -> int | None:
        """Give a checkpoint if anything was done since the one before, however little."""
        if self._progress.through == self._last:
            return None
        self._before, self._last, self._time = self._last, self._progress.through, now
        return self._last

    def not_written(self) -> None:
        """Be told that the last could not be written: what it covers is due again."""
        self._last = self._before

    def __repr__(self) -> str:
        return f"<Checkpoints: {self._last} given, {self._progress.through} reached>"
