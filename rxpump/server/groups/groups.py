"""All consumer groups of a server.

A change takes effect at once, and its result is returned when it is saved (`rxpump.server.groups.saved_groups`). If
it cannot be saved, it is in effect until the server stops, and its caller receives the error.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from functools import cached_property
from typing import Final

from rxpump.model.positions import ExpectedVersion
from rxpump.model.system_names import checkpoint_stream, group_id, parked_stream
from rxpump.server.groups.configuration import Entry
from rxpump.server.groups.consumer import Consumer
from rxpump.server.groups.fair_scheduler import FairScheduler
from rxpump.server.groups.running_group import RunningGroup
from rxpump.server.groups.saved_groups import SavedGroups
from rxpump.server.groups.settings import GroupSettings
from rxpump.server.groups.streams import checkpoint_of, last_json
from rxpump.server.store.deletion import DeleteRequest
from rxpump.server.store.group_commit import Outcome
from rxpump.server.store.sqlite_store import SqliteStore

_log = logging.getLogger("rxpump.server")

_MAX_BYTES: Final = 8 * 1024 * 1024
"""Largest size in bytes of the settings of all groups, which must fit into one event."""

_BYTES: Final = 512
"""Approximate size of the settings of one group, without its names."""


class Groups:
    """The consumer groups of a store.

    Args:
        store: The store.
        tick: Seconds between two checks of deadlines and of checkpoints.
    """

    def __init__(self, store: SqliteStore, tick: float = 1.0) -> None:
        self._store = store
        self._tick_interval = tick
        self._timer: asyncio.TimerHandle | None = None
        self._scheduler = FairScheduler()
        self._running: dict[str, RunningGroup] = {}
        self._emptied: set[str] = set()
        self._ends: dict[str, int] = {}  # by id: the last number that a group that does not run could read at first

    @cached_property
    def _saved(self) -> SavedGroups:
        return SavedGroups(self._store)

    def has(self, stream: str, group: str) -> bool:
        """Return whether there is a group with this name."""
        return group_id(stream, group) in self._saved.entries

    def all_settings(self) -> Sequence[GroupSettings]:
        """Return the settings of all groups."""
        return [entry.settings for entry in self._saved.entries.values()]

    def had_groups(self, stream: str) -> bool:
        """Return whether a stream has a group, or has had one since the groups were started."""
        return stream in self._emptied or any(each.stream == stream for each in self.all_settings())

    def begins_after(self, id: str) -> int | None:
        """Return the number after which a group begins, if it was created to begin at the end; otherwise None."""
        return self._saved.entries[id].begins_after

    def find(self, stream: str, group: str) -> RunningGroup | None:
        """Return the group with this name; None if there is none."""
        return self.by_id(group_id(stream, group))

    def by_id(self, id: str) -> RunningGroup | None:
        """Return the group with this id; None if there is none. Start it if it does not run yet."""
        entry = self._saved.entries.get(id)
        if entry is not None and id not in self._running:
            self._run(entry, self._checkpoint(id))
        return self._running.get(id)

    def has_room_for(self, settings: GroupSettings) -> bool:
        """Return whether one more group fits into the limit of memory. A real server has no limit."""
        taken = _BYTES * len(self._saved.entries) + self._saved.characters
        return taken + _BYTES + settings.characters <= _MAX_BYTES

    def connect(self, running: RunningGroup, consumer: Consumer) -> None:
        """Add a consumer to a group."""
        if self._timer is None:
            self._set_timer()
        running.connect(consumer)

    # Changes --------------------------------------------------------------------------------------

    def create(self, settings: GroupSettings, by: str) -> asyncio.Future[Outcome]:
        """Create a group. There must be no group with its name.

        Until its first consumer connects, only its settings are in memory.

        Args:
            settings: Settings of the group.
            by: Login of the user.

        Returns:
            A future of the result, set when the change is saved.
        """
        end = self._ends[settings.id] = self._end(settings)
        return self._saved.save(Entry(settings, end if settings.start_from < 0 else None), by)

    def update(self, settings: GroupSettings, by: str) -> asyncio.Future[Outcome]:
        """Change the settings of a group, and drop its consumers.

        As on a real server, the group continues from its last checkpoint, so that events that were acknowledged later
        are delivered again. Without a checkpoint it continues from its start.

        Args:
            settings: New settings of the group.
            by: Login of the user.

        Returns:
            A future of the result, set when the change is saved.
        """
        begins_after = self._saved.entries[settings.id].begins_after
        end = self._ends[settings.id] = self._end(settings)
        if settings.start_from >= 0:
            begins_after = None
        elif begins_after is None:
            begins_after = end
        entry = Entry(settings, begins_after)
        running = self._running.pop(settings.id, None)
        if running is not None:
            _abandon(running)
            self._run(entry, running.checkpoint)
        return self._saved.save(entry, by)

    def delete(self, id: str, by: str) -> asyncio.Future[Outcome]:
        """Delete a group and its streams, and drop its consumers.

        A new group of the same name starts from the beginning.

        Args:
            id: Id of the group.
            by: Login of the user.

        Returns:
            A future of the result, set when the change is saved.
        """
        self._emptied.add(self._saved.entries[id].settings.stream)
        running = self._running.pop(id, None)
        self._ends.pop(id, None)
        if running is not None:
            _abandon(running)
        for stream in (checkpoint_stream(id), parked_stream(id)):
            if running is not None or self._store.read.stream(stream) is not None:
                self._store.append(DeleteRequest(stream, ExpectedVersion.ANY, hard=False))
        return self._saved.remove(id, by)

    def stop(self) -> None:
        """Write the checkpoints of all groups, and stop."""
        if self._timer is not None:
            self._timer.cancel()
        for running in self._running.values():
            running.stop()

    def anew(self) -> Groups:
        """Return a new object for the groups in the same store, like that of a server that has just started."""
        return Groups(self._store, self._tick_interval)

    def abandon(self) -> None:
        """Drop the consumers of all groups, and stop without writing checkpoints."""
        if self._timer is not None:
            self._timer.cancel()
        for running in self._running.values():
            _abandon(running)

    def _end(self, settings: GroupSettings) -> int:
        """Return the number of the last event that a group can read now; -1 if there is none."""
        if settings.is_on_all:
            return self._store.read.log().end - 1
        return self._store.read.head(settings.stream).last

    def _run(self, entry: Entry, checkpoint: int | None) -> None:
        settings, begins_after = entry
        self._running[settings.id] = RunningGroup(
            settings,
            self._store,
            self._scheduler,
            begins_after=settings.start_from - 1 if begins_after is None else begins_after,
            checkpoint=checkpoint,
            live_after=self._ends.pop(settings.id) if settings.id in self._ends else self._end(settings),
        )

    # Checkpoints ----------------------------------------------------------------------------------

    def _checkpoint(self, id: str) -> int | None:
        try:
            return checkpoint_of(last_json(self._store.read, checkpoint_stream(id)))
        except ValueError:
            return None

    # Time -------------------------------------------------------------------------------------------

    def _set_timer(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._tick_interval, self._tick)

    def _tick(self) -> None:
        self._set_timer()
        now = asyncio.get_running_loop().time()
        for running in self._running.values():
            running.tick(now)

    def __repr__(self) -> str:
        return f"<Groups: {', '.join(self._saved.entries) or 'none'}>"


def _abandon(running: RunningGroup) -> None:
    for consumer in tuple(running.group.consumers.values()):
        consumer.drop()
    running.abandon()
