"""All consumer groups of a server.

A change is in force at once, and answered when it is saved: all settings are one event in the
configuration stream, and a server that is started again reads the last one. If a change cannot be saved
it is in force until the server stops, and whoever asked for it is told so.
"""

from __future__ import annotations

import asyncio
import logging
from functools import cached_property
from typing import Final

from rxpump.expected_version import ExpectedVersion
from rxpump.limits import MAX_EVENT_NUMBER
from rxpump.server.persistent.configuration import Entry, from_json, to_json
from rxpump.server.persistent.consumer import Consumer
from rxpump.server.persistent.running_group import RunningGroup
from rxpump.server.persistent.settings import GroupSettings, group_id
from rxpump.server.persistent.streams import (
    CONFIGURATION_STREAM,
    checkpoint_stream,
    configuration_event,
    last_json,
    metadata_event,
    metadata_stream,
    parked_stream,
)
from rxpump.server.persistent.turns import Turns
from rxpump.server.store.appender import AppendRequest
from rxpump.server.store.deletion import DeleteRequest
from rxpump.server.store.group_commit import Outcome
from rxpump.server.store.sqlite_store import SqliteStore

_log = logging.getLogger("rxpump.server")

_MOST_BYTES: Final = 1024 * 1024  # that the settings of all groups may take: they are written at each change
_BYTES: Final = 512  # that those of one group take besides its names, about


class Groups:
    """The groups that `store` has written down; `tick` is how many seconds lie between two looks at the time."""

    def __init__(self, store: SqliteStore, tick: float = 1.0) -> None:
        self._store = store
        self._tick_seconds = tick
        self._timer: asyncio.TimerHandle | None = None
        self._turns = Turns()
        self._running: dict[str, RunningGroup] = {}

    @cached_property
    def _entries(self) -> dict[str, Entry]:
        return {entry.settings.id: entry for entry in self._saved()}

    def find(self, stream: str, group: str) -> RunningGroup | None:
        """Find a group by the names of its stream and its own."""
        return self.by_id(group_id(stream, group))

    def by_id(self, id: str) -> RunningGroup | None:
        """Find a group by what consumers call it when they acknowledge. It is made to run if it does not yet."""
        entry = self._entries.get(id)
        if entry is not None and id not in self._running:
            self._run(entry, self._checkpoint(id))
        return self._running.get(id)

    def has_room_for(self, settings: GroupSettings) -> bool:
        """Tell whether there may be one more group. A real server sets no limit, and pays for it."""
        return sum(_BYTES + len(id) for id in (*self._entries, settings.id)) <= _MOST_BYTES

    def connect(self, running: RunningGroup, consumer: Consumer) -> None:
        """Let a group deliver to `consumer` too."""
        if self._timer is None:
            self._set_timer()
        running.connect(consumer)

    # Changes --------------------------------------------------------------------------------------

    def create(self, settings: GroupSettings, by: str) -> asyncio.Future[Outcome]:
        """Make a group, of which there is none of that name; done when it is saved."""
        head = self._store.read.head(settings.stream)
        entry = Entry(settings, begins_after=head.last if settings.start_from < 0 else None)
        self._entries[settings.id] = entry
        self._run(entry, None)
        return self._save(by)

    def update(self, running: RunningGroup, settings: GroupSettings, by: str) -> asyncio.Future[Outcome]:
        """Give a group other settings, drop its consumers, and go on from its checkpoint, if it has one."""
        begins_after = self._entries[settings.id].begins_after
        if settings.start_from >= 0:
            begins_after = None
        elif begins_after is None:
            begins_after = self._store.read.head(settings.stream).last
        entry = self._entries[settings.id] = Entry(settings, begins_after)
        _end(running)
        self._run(entry, running.checkpoint)
        return self._save(by)

    def delete(self, running: RunningGroup, by: str) -> asyncio.Future[Outcome]:
        """End a group, drop its consumers and delete its streams: one of the same name starts over."""
        id = running.settings.id
        del self._entries[id], self._running[id]
        _end(running)
        for stream in (checkpoint_stream(id), parked_stream(id)):
            self._store.append(DeleteRequest(stream, ExpectedVersion.ANY, hard=False))
        return self._save(by)

    def stop(self) -> None:
        """Write down how far all groups are, and do nothing more."""
        if self._timer is not None:
            self._timer.cancel()
        for running in self._running.values():
            running.stop()

    def _run(self, entry: Entry, checkpoint: int | None) -> None:
        settings, begins_after = entry
        self._running[settings.id] = RunningGroup(
            settings,
            self._store,
            self._turns,
            begins_after=settings.start_from - 1 if begins_after is None else begins_after,
            checkpoint=checkpoint,
            now=asyncio.get_running_loop().time(),
        )

    # What is written down -------------------------------------------------------------------------

    def _saved(self) -> list[Entry]:
        try:
            return from_json(last_json(self._store.read, CONFIGURATION_STREAM))
        except ValueError as error:
            _log.error("the configuration of the persistent subscriptions cannot be read: %s", error)
            return []

    def _save(self, by: str) -> asyncio.Future[Outcome]:
        if self._store.read.stream(CONFIGURATION_STREAM) is None:
            metadata = [metadata_event({"$maxCount": 2})]
            self._store.append(
                AppendRequest(metadata_stream(CONFIGURATION_STREAM), ExpectedVersion.NO_STREAM, metadata)
            )
        event = configuration_event(to_json(self._entries.values(), by))
        return self._store.append(AppendRequest(CONFIGURATION_STREAM, ExpectedVersion.ANY, [event]))

    def _checkpoint(self, id: str) -> int | None:
        try:
            checkpoint = last_json(self._store.read, checkpoint_stream(id))
        except ValueError:
            return None
        if isinstance(checkpoint, int) and -1 <= checkpoint <= MAX_EVENT_NUMBER:
            return checkpoint
        return None

    # Time -------------------------------------------------------------------------------------------

    def _set_timer(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._tick_seconds, self._tick)

    def _tick(self) -> None:
        self._set_timer()
        now = asyncio.get_running_loop().time()
        for running in self._running.values():
            running.tick(now)

    def __repr__(self) -> str:
        return f"<Groups: {', '.join(self._entries) or 'none'}>"


def _end(running: RunningGroup) -> None:
    for consumer in tuple(running.group.consumers.values()):
        consumer.drop()
    running.stop()
