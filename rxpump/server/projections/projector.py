"""Run one projection, which reads the log from its checkpoint on and writes links.

The projector always reads the log in pages. The feed only signals that there are new events. So the events that were
written before the projection was enabled are processed in the same way as new ones.

The id of a link is derived from its target and its stream, and the links of a batch for one stream are written
together. After a crash, some pages are read again, because the checkpoint is behind. The store detects the ids: a
write whose links all exist changes nothing, and a write of which only the first links exist is refused
(docs/protocol/tcp.md, section 4.3, row 5) and repeated link by link. So each link is written once, in the order of
the log.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterable, Sequence
from contextlib import suppress
from hashlib import blake2b
from typing import Any, Final
from uuid import UUID

from rxpump.model.positions import ExpectedVersion, Position, StreamDirection
from rxpump.server.projections.checkpoint import limit_checkpoints, read_checkpoint, save_checkpoint
from rxpump.server.projections.system import Link, Projection, is_own
from rxpump.server.store.append_rule import WrongVersion
from rxpump.server.store.appender import AppendRequest
from rxpump.server.store.changes import Appended, NotCommitted
from rxpump.server.store.committed_batch import CommittedBatch
from rxpump.server.store.feed import EVERYTHING
from rxpump.server.store.group_commit import Outcome
from rxpump.server.store.new_event import NewEvent
from rxpump.server.store.record_schema import LogPage
from rxpump.server.store.sqlite_store import SqliteStore

_log = logging.getLogger("rxpump.server")

PAGE: Final = 128
"""Number of events that are processed before other tasks run, which takes one or two milliseconds."""

MAX_PAGES: Final = 8
"""Number of pages whose links are written together, if writes wait for a disk."""

CHECKPOINT_AFTER: Final = 1000
"""Number of events between two checkpoints, without the links of projections."""

RETRY_AFTER: Final = 1.0
"""Seconds before a failed write is repeated, for example because the disk is full."""


class _Stopped(Exception):
    """The projector was stopped while a write failed."""


class _Batch:
    """Links by their streams.

    Attributes:
        position: Position of the last event that was read.
        links: Links by stream.
        size: Number of events that were read, without those that projections wrote.
    """

    def __init__(self, after: Position | None) -> None:
        self.position = after
        self.links: dict[str, list[Any]] = {}
        self.size = 0

    def add(self, projection: Projection, events: Sequence[Any]) -> None:
        """Add the links to some events, given as `LogEntry`."""
        for event in events:
            self.size += not is_own(event.event.event_stream_id)
            link = projection(event.event)
            if link is not None:
                self.links.setdefault(link.stream, []).append(_link_event(link, event))
        if events:
            self.position = Position(events[-1].commit_position, events[-1].prepare_position)


class Projector:
    """Runs a projection over a store.

    Args:
        name: Name of the projection.
        projection: Function that returns the link to an event.
        store: The store.
        lock: Lock that all projectors share, so that only one of them works at a time.

    Attributes:
        position: Position of the last event that was processed; None before the first.
        checkpoint: Position of the last checkpoint; None before the first.
        processed: Number of events that were processed since the start, without those that projections wrote.
        aborted: Set it before `stop` to stop without a last checkpoint.
    """

    def __init__(self, name: str, projection: Projection, store: SqliteStore, lock: asyncio.Lock) -> None:
        self.name = name
        self.position = self.checkpoint = read_checkpoint(store.read, name)
        self.processed: int = 0
        self.aborted = False
        self._projection = projection
        self._store = store
        self._lock = lock
        self._has_checkpoint = self.position is not None
        self._since_checkpoint = 0
        self._news = asyncio.Event()
        self._stopping = asyncio.Event()

    def receive(self, batch: CommittedBatch) -> None:
        """Continue to read, because there are new events."""
        self._news.set()

    def drop(self) -> None:
        """Continue to read, because there can be new events."""
        self._news.set()

    def stop(self) -> None:
        """Stop after the current page."""
        self._stopping.set()
        self._news.set()

    async def run(self) -> None:
        """Link existing and new events until `stop` is called."""
        self._store.feed.follow(EVERYTHING, self)
        try:
            while not self._stopping.is_set():
                self._news.clear()
                batch = await self._batch()
                if batch.position != self.position:
                    await self._advance(batch)
                    await asyncio.sleep(0)
                else:
                    await self._news.wait()
            if self._since_checkpoint and not self.aborted:
                await self._save()
        except _Stopped:
            _log.warning("%r stops without a checkpoint, because the store cannot be written", self)
        finally:
            self._store.feed.leave(EVERYTHING, self)

    async def _batch(self) -> _Batch:
        """Read some pages, and return the links to their events."""
        batch = _Batch(self.position)
        for _ in range(1 if self._store.path is None else MAX_PAGES):
            async with self._lock:
                events = self._page(batch.position)
                batch.add(self._projection, events)
            if len(events) < PAGE:
                break
            await asyncio.sleep(0)
        return batch

    def _page(self, after: Position | None) -> Sequence[Any]:
        """Return the next events as `LogEntry`."""
        read = self._store.read
        start = 0 if after is None else read.offset(Position(after.commit, after.prepare + 1))
        page = read.all_page(start, PAGE, StreamDirection.FORWARD, resolve_links=False)
        return LogPage.FromString(page.events).events  # type: ignore[no-any-return]

    async def _advance(self, batch: _Batch) -> None:
        """Write the links of a batch, and mark its events as processed."""
        links = batch.links.items()
        await self._write(AppendRequest(stream, ExpectedVersion.ANY, events) for stream, events in links)
        self.position = batch.position
        self.processed += batch.size
        self._since_checkpoint += batch.size
        if self._since_checkpoint >= CHECKPOINT_AFTER:
            await self._save()

    async def _save(self) -> None:
        assert self.position is not None
        self._since_checkpoint = 0
        if not self._has_checkpoint:
            await self._write([limit_checkpoints(self.name)])
            self._has_checkpoint = True
        await self._write([save_checkpoint(self.name, self.position)])
        self.checkpoint = self.position

    async def _write(self, requests: Iterable[AppendRequest]) -> None:
        """Append links. A write that fails is repeated until it succeeds."""
        pending = [(request, self._store.append(request)) for request in requests]
        for request, outcome in pending:
            await self._settle(request, await outcome)

    async def _settle(self, request: AppendRequest, outcome: Outcome) -> None:
        while isinstance(outcome, NotCommitted):
            await self._pause()
            outcome = await self._store.append(request)
        match outcome:
            case Appended():
                return
            case WrongVersion() if len(request.events) > 1:  # Some of the links were written before a crash.
                await self._write([request._replace(events=[event]) for event in request.events])
            case refusal:
                _log.warning("%r skips %d links in %r: %r", self, len(request.events), request.stream, refusal)

    async def _pause(self) -> None:
        """Wait before a write is repeated.

        Raises:
            _Stopped: The projector was stopped.
        """
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), RETRY_AFTER)
        if self._stopping.is_set():
            raise _Stopped

    def __repr__(self) -> str:
        return f"<Projector of {self.name}, {'not begun' if self.position is None else self.position}>"


def _link_event(link: Link, event: Any) -> Any:
    """Return the event of a link. As on a real server, its metadata describe the target."""
    record = event.event
    where = {
        "$c": event.commit_position,
        "$p": event.prepare_position,
        "$o": record.event_stream_id,
        "$causedBy": str(UUID(bytes_le=record.event_id)),
    }
    identity = f"{event.commit_position}/{event.prepare_position} {link.stream}"
    return NewEvent(
        event_id=blake2b(identity.encode(), digest_size=16, person=b"rxpump link").digest(),
        event_type=link.event_type,
        data=link.data,
        metadata=json.dumps(where).encode(),
    )
