"""The stream of the configuration, from which a restarted server reads its groups.

While the whole configuration is small, it is one event, as on a real server, and each change writes it again;
`$maxCount` keeps the last two events. When it is larger, a change of a group is one small event. The whole is written
again when the changes since then have as many bytes as the whole, or when a change could not be saved; then the
stream is truncated before it. So the cost of writing, storing and reading grows in proportion to the number of
groups, and not to its square.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator
from typing import Any, Final

from rxpump.model.positions import ExpectedVersion, StreamDirection
from rxpump.model.system_names import MAX_COUNT_KEY, TRUNCATE_BEFORE_KEY
from rxpump.server.groups.configuration import (
    Entry,
    apply_json,
    change_to_json,
    removal_to_json,
    to_json,
)
from rxpump.server.groups.settings import GroupSettings
from rxpump.server.groups.streams import (
    CONFIGURATION_CHANGE_TYPE,
    CONFIGURATION_STREAM,
    configuration_change,
    configuration_event,
    metadata_event,
    metadata_stream,
)
from rxpump.server.store.appender import AppendRequest
from rxpump.server.store.changes import Appended
from rxpump.server.store.group_commit import Outcome
from rxpump.server.store.record_schema import StreamPage
from rxpump.server.store.sqlite_store import SqliteStore
from rxpump.server.store.stored_stream import StoredStream
from rxpump.server.store.stream_window import Window

_log = logging.getLogger("rxpump.server")

_PAGE: Final = 500  # events
_SMALL: Final = 16 * 1024  # bytes up to which each change writes the whole configuration
_KEPT: Final = {MAX_COUNT_KEY: 2}  # Metadata of the stream while the configuration is small, as on a real server.


class SavedGroups:
    """The saved groups of a store.

    Attributes:
        entries: The groups by id, as read from the store and changed since.
        characters: Characters of the names and filters of all groups.
    """

    def __init__(self, store: SqliteStore) -> None:
        self._store = store
        self._whole_bytes = 0
        self._changed_bytes = 0
        self._must_write_whole = False
        self._has_stream = False
        self._is_counted = False  # whether $maxCount limits the stream
        self.entries: dict[str, Entry] = {}
        self._read()
        self.characters: int = sum(entry.settings.characters for entry in self.entries.values())

    def save(self, entry: Entry, by: str) -> asyncio.Future[Outcome]:
        """Save a group that was created or updated by the user `by`."""
        id = entry.settings.id
        before = self.entries.get(id)
        self.characters += entry.settings.characters - (before.settings.characters if before else 0)
        self.entries[id] = entry
        return self._append(entry.settings, change_to_json(entry, by), by)

    def remove(self, id: str, by: str) -> asyncio.Future[Outcome]:
        """Save that the user `by` deleted the group with this id."""
        removed = self.entries.pop(id)
        self.characters -= removed.settings.characters
        return self._append(removed.settings, removal_to_json(removed.settings, by), by)

    def _append(self, settings: GroupSettings, change: object, by: str) -> asyncio.Future[Outcome]:
        event = configuration_change(change)
        self._changed_bytes += len(event.data)
        is_whole = self._must_write_whole or self._whole_bytes <= _SMALL or self._changed_bytes > self._whole_bytes
        if is_whole:
            event = configuration_event(settings, to_json(self.entries.values(), by))
            self._whole_bytes, self._changed_bytes, self._must_write_whole = len(event.data), 0, False
            self._prepare_stream()
        saved = self._store.append(AppendRequest(CONFIGURATION_STREAM, ExpectedVersion.ANY, [event]))
        saved.add_done_callback(self._truncate if is_whole else self._check)
        return saved

    def _check(self, saved: asyncio.Future[Outcome]) -> None:
        if not isinstance(saved.result(), Appended):
            self._must_write_whole = True

    def _truncate(self, saved: asyncio.Future[Outcome]) -> None:
        self._check(saved)
        outcome = saved.result()
        if isinstance(outcome, Appended) and not self._is_counted and not self._store.is_closed:
            self._write_metadata({TRUNCATE_BEFORE_KEY: outcome.first})

    def _prepare_stream(self) -> None:
        """Limit the number of events of a new stream, and remove the limit when the configuration becomes large.

        With the limit, small changes would push out the event with the whole configuration.
        """
        if not self._has_stream:
            self._has_stream = self._is_counted = True
            self._write_metadata(_KEPT)
        if self._is_counted and self._whole_bytes > _SMALL:
            self._is_counted = False
            stream = self._store.read.stream(CONFIGURATION_STREAM)
            self._write_metadata({TRUNCATE_BEFORE_KEY: 0 if stream is None else stream.first_kept})

    def _write_metadata(self, metadata: dict[str, int]) -> None:
        stream = metadata_stream(CONFIGURATION_STREAM)
        self._store.append(AppendRequest(stream, ExpectedVersion.ANY, [metadata_event(metadata)]))

    def _read(self) -> None:
        stream = self._store.read.stream(CONFIGURATION_STREAM)
        if stream is None:
            return
        self._has_stream = True
        self._is_counted = self._must_write_whole = stream.metadata.max_count is not None
        for event in self._events(stream):
            try:
                content = json.loads(event.data)
                apply_json(content, self.entries)
            except ValueError as error:
                _log.error(
                    "event %d of the configuration of the persistent subscriptions cannot be read: %s",
                    event.event_number,
                    error,
                )
                continue
            if event.event_type != CONFIGURATION_CHANGE_TYPE:
                self._whole_bytes, self._changed_bytes = len(event.data), 0
            else:
                self._changed_bytes += len(event.data)

    def _events(self, stream: StoredStream) -> Iterator[Any]:
        first = stream.first_kept
        while first <= stream.last and not stream.is_tombstoned and not stream.is_soft_deleted:
            window = Window(first, min(first + _PAGE - 1, stream.last))
            page = self._store.read.stream_page(stream, window, StreamDirection.FORWARD, resolve_links=False)
            yield from (each.event for each in StreamPage.FromString(page.events).events)
            last = page.last_number
            first = last + 1 if page.cut and last is not None else window.high + 1

    def __repr__(self) -> str:
        return f"<SavedGroups: {len(self.entries)} groups, {self._changed_bytes} bytes of changes>"
