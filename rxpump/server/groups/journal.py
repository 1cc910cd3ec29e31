"""The journal of a group: checkpoints and parked events in its own streams (docs/protocol/tcp.md, section 4.18)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from rxpump.model.acl import ACL_KEYS
from rxpump.model.positions import ExpectedVersion
from rxpump.model.system_names import (
    ACL_KEY,
    ADMINS,
    MAX_COUNT_KEY,
    TRUNCATE_BEFORE_KEY,
    checkpoint_stream,
    parked_stream,
)
from rxpump.server.groups.group import Park
from rxpump.server.groups.settings import GroupSettings
from rxpump.server.groups.streams import (
    checkpoint_event,
    last_position,
    metadata_event,
    metadata_stream,
    parked_event,
)
from rxpump.server.store.appender import AppendRequest
from rxpump.server.store.changes import Appended
from rxpump.server.store.group_commit import Outcome
from rxpump.server.store.sqlite_store import SqliteStore

_CHECKPOINTS_KEPT: Final = 5  # A real server keeps as many, although only the last one is read.

_ADMINS_ONLY: Final = dict.fromkeys(ACL_KEYS.values(), ADMINS)

OnWritten = Callable[[Outcome | None], None]
"""Callback with the result of a write: None if it succeeded, otherwise the failure."""


class Journal:
    """Writes checkpoints and parked events of one group.

    Args:
        settings: Settings of the group.
        store: Store to write to.
        checkpoint: Last checkpoint that was written; None before the first.
    """

    def __init__(self, settings: GroupSettings, store: SqliteStore, checkpoint: int | None) -> None:
        self.checkpoint = checkpoint
        self._settings = settings
        self._store = store

    def write_checkpoint(self, number: int, then: OnWritten) -> None:
        """Write a checkpoint for all events up to `number`, then call `then` with its failure or None."""
        stream = checkpoint_stream(self._settings.id)
        if self._settings.is_on_all:
            number = last_position(self._store.read, number)
        before, self.checkpoint = self.checkpoint, number
        is_first = before is None

        def written(failure: Outcome | None) -> None:
            if failure is not None:
                self.checkpoint = before
            then(failure)

        left = self._store.read.stream(stream) if is_first else None
        self._append(stream, [checkpoint_event(self._settings, number)], written)
        if is_first:  # Hide the checkpoints of a deleted group with the same name.
            hidden = 0 if left is None else left.last + 1
            self._write_metadata(stream, {MAX_COUNT_KEY: _CHECKPOINTS_KEPT, TRUNCATE_BEFORE_KEY: hidden})

    def park(self, parks: Sequence[Park], then: OnWritten) -> None:
        """Write links to events that no consumer could process."""
        events = [parked_event(message, reason) for message, reason in parks]
        self._append(parked_stream(self._settings.id), events, then)

    def truncate_parked(self, before: int) -> None:
        """Remove the parked events before number `before`, by truncation of the parked stream."""
        metadata = {TRUNCATE_BEFORE_KEY: before, ACL_KEY: _ADMINS_ONLY}
        self._write_metadata(parked_stream(self._settings.id), metadata)

    def _write_metadata(self, stream: str, metadata: Mapping[str, object]) -> None:
        self._append(metadata_stream(stream), [metadata_event(metadata)], _nothing)

    def _append(self, stream: str, events: Sequence[Any], then: OnWritten) -> None:
        def written(outcome: asyncio.Future[Outcome]) -> None:
            result = outcome.result()
            then(None if isinstance(result, Appended) else result)

        self._store.append(AppendRequest(stream, ExpectedVersion.ANY, events)).add_done_callback(written)

    def __repr__(self) -> str:
        return f"<Journal of {self._settings.id!r}, checkpoint {self.checkpoint}>"


def _nothing(failure: Outcome | None) -> None:
    pass
