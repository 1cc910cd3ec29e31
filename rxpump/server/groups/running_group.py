"""A running consumer group, which connects the state machine of a group to the store, the loop and the consumers.

The state machine (`rxpump.server.groups.group`) decides; this module passes events and the time to it and carries out
its decisions. All of that happens in `work`, which `rxpump.server.groups.fair_scheduler` calls.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Final, NamedTuple

from rxpump.model.group_settings import NackAction
from rxpump.model.limits import MAX_EVENT_NUMBER
from rxpump.model.system_names import parked_stream
from rxpump.server.groups.consumer import Consumer
from rxpump.server.groups.fair_scheduler import FairScheduler
from rxpump.server.groups.group import MAX_PENDING, Group, Park
from rxpump.server.groups.journal import Journal
from rxpump.server.groups.log_cursor import LogCursor
from rxpump.server.groups.measurement import Latencies, Measurement
from rxpump.server.groups.message import Message
from rxpump.server.groups.settings import GroupSettings
from rxpump.server.groups.stream_cursor import StreamCursor
from rxpump.server.store.changes import NotCommitted
from rxpump.server.store.committed_batch import CommittedBatch
from rxpump.server.store.failures import STORE_FAILURES, describe
from rxpump.server.store.feed import EVERYTHING
from rxpump.server.store.group_commit import Outcome
from rxpump.server.store.sqlite_store import SqliteStore
from rxpump.server.store.stored_stream import StoredStream

_log = logging.getLogger("rxpump.server")

_BATCH: Final = 100
"""Events that are processed between two checks of the time."""


class Reading(NamedTuple):
    """How far a group has read.

    Attributes:
        is_behind: Whether it has not read all events.
        waiting: Number of new events that wait for a consumer.
        last: Number of the last event that it has read; None if there is none.
    """

    is_behind: bool
    waiting: int
    last: int | None


class RunningGroup:
    """Runs one group.

    Args:
        settings: Settings of the group.
        store: Store of the events.
        scheduler: Scheduler of all groups.
        begins_after: Number of the event after which the group starts if it has no checkpoint.
        checkpoint: Last checkpoint; None if there is none.
        live_after: Last number that the group could read when it was created, or at the start of the server.

    Attributes:
        group: State machine of the group.
        measurement: Counts of the events that were delivered.
    """

    def __init__(
        self,
        settings: GroupSettings,
        store: SqliteStore,
        scheduler: FairScheduler,
        *,
        begins_after: int,
        checkpoint: int | None,
        live_after: int,
    ) -> None:
        last_completed = begins_after if checkpoint is None else checkpoint
        self.settings = settings
        self.group: Group = Group(settings, last_completed)
        self._store = store
        self._journal = Journal(settings, store, checkpoint)
        self._scheduler = scheduler
        self.measurement: Measurement = Measurement()
        self._followed = EVERYTHING if settings.is_on_all else settings.stream
        self._stream: StreamCursor | LogCursor
        if settings.is_on_all:
            self._stream = LogCursor(store.read, last_completed + 1, settings)
        else:
            self._stream = StreamCursor(
                store.read,
                settings.stream,
                last_completed + 1,
                settings,
                awaits_tombstone=live_after < MAX_EVENT_NUMBER,
            )
        self._live_after = live_after
        self._replay: StreamCursor | None = None
        self._last_read: int | None = None
        self._is_writing_checkpoint = False
        self._is_stopped = False

    @property
    def checkpoint(self) -> int | None:
        """Last checkpoint; None before the first."""
        return self._journal.checkpoint

    def reading(self) -> Reading:
        """Return how far the group has read, as if it had filled its buffer.

        A group without consumers reads nothing itself, but a real server fills the buffer. So such a group is behind
        if its unread events do not fit into the buffer.
        """
        room = max(0, min(self.settings.buffer_size, MAX_PENDING) - self.group.buffered)
        room -= room % self.settings.page_size
        unread = self._stream.unread(room + 1)
        is_behind = unread.amount > room
        if is_behind:
            unread = self._stream.unread(room)
        return Reading(
            self._stream.may_have_more if self.group.consumers else is_behind,
            self.group.buffered - self.group.retries + unread.amount,
            self._last_read if unread.last is None else unread.last,
        )

    @property
    def live(self) -> int:
        """Number of events since the creation of the group or the start of the server, up to `live_buffer_size`."""
        return self._stream.count_after(self._live_after, max(0, self.settings.live_buffer_size))

    # Consumers ----------------------------------------------------------------------------------

    def connect(self, consumer: Consumer) -> None:
        """Add a consumer. Deliveries start in the next iteration of the event loop."""
        consumer.leave = partial(self._disconnect, consumer)
        consumer.resume = self._wake
        if self.settings.record_statistics:
            consumer.latencies = Latencies(self._now)
        if not self.group.consumers:
            self._store.feed.follow(self._followed, self)
            self._stream.may_have_more = True
        self.group.connect(consumer)
        self._wake()

    def _disconnect(self, consumer: Consumer) -> None:
        self.group.disconnect(consumer)
        if not self.group.consumers:
            self._store.feed.leave(self._followed, self)
        self._wake()

    def acknowledge(self, event_ids: Iterable[bytes], consumer_id: bytes) -> None:
        """Complete events that a consumer has acknowledged."""
        self.group.acknowledge(event_ids, consumer_id)
        self._wake()

    def nack(self, event_ids: Iterable[bytes], consumer_id: bytes, action: NackAction, text: str) -> None:
        """Park, complete or retry events that a consumer could not process (see `Group.nack`)."""
        self.group.nack(event_ids, consumer_id, action, text)
        self._wake()

    def receive(self, batch: CommittedBatch) -> None:
        """Schedule a read, because the stream has new events."""
        self._stream.may_have_more = True
        self._wake()

    def drop(self) -> None:
        """Mark that there can be new events. They are read like any others."""
        self._stream.may_have_more = True

    def replay_parked(self, most: int | None = None) -> None:
        """Deliver all events again that are in the parked stream now. A running replay is extended to them.

        When all of them are completed or parked again, the parked stream is truncated before its new events. If the
        server stops earlier, all of them are still in the stream.

        Args:
            most: Number of events to deliver again, the oldest first; None for all.
        """
        last = self._last_parked(most)
        if last is None:
            return
        if self._replay is None:
            parked = parked_stream(self.settings.id)
            self._replay = StreamCursor(self._store.read, parked, 0, self.settings, until=last)
        else:
            self._replay.extend(last)
        self._wake()

    def truncate_parked(self, most: int | None = None) -> None:
        """Remove parked events.

        Args:
            most: Number of events to remove, the oldest first; None for all.
        """
        last = self._last_parked(most)
        if last is not None:
            self._journal.truncate_parked(last + 1)

    @property
    def parked(self) -> int:
        """Number of parked events, without those that are being delivered again."""
        found = self._store.read.stream(parked_stream(self.settings.id))
        if found is None or found.is_soft_deleted:
            return 0
        return max(0, found.last - self._first_parked(found) + 1)

    def _first_parked(self, found: StoredStream) -> int:
        """Return the number of the first event of the parked stream that no replay has requested."""
        return max(found.first_kept, 0 if self._replay is None else self._replay.until + 1)

    def _last_parked(self, most: int | None) -> int | None:
        """Return the number of the last of the first `most` parked events; None if there are none."""
        found = self._store.read.stream(parked_stream(self.settings.id))
        if found is None or found.is_soft_deleted or most == 0:
            return None
        return found.last if most is None else min(found.last, self._first_parked(found) + most - 1)

    # Work ---------------------------------------------------------------------------------------

    def tick(self, now: float) -> None:
        """Retry expired deliveries, and write a checkpoint if one is due. Call it about once a second."""
        self.group.tick(now)
        if self.group.consumers:
            self._wake()
        self._write_checkpoint(self.group.checkpoints.due(now, is_timed=True))
        self.measurement.tick(now)
        for consumer in self.group.consumers.values():
            consumer.measurement.tick(now)

    def stop(self) -> None:
        """Write a checkpoint if events were completed since the last one, and stop."""
        self._write_checkpoint(self.group.checkpoints.last(self._now()))
        self.abandon()

    def abandon(self) -> None:
        """Stop without writing a checkpoint."""
        self._store.feed.leave(self._followed, self)
        self._is_stopped = True

    def _wake(self) -> None:
        if not self._is_stopped:
            self._scheduler.schedule(self)

    def work(self, until: float) -> None:
        """Process pending work until the time `until` at the latest."""
        if self._is_stopped:
            return
        while self._step():
            if self._now() >= until:
                self._wake()
                break
        self._write_parks(self.group.parks())
        if not self._is_writing_checkpoint:
            self._write_checkpoint(self.group.checkpoints.due(self._now()))
        self._end_replay()

    def _step(self) -> bool:
        """Process a batch of work, and return whether there was any."""
        now = self._now()
        expired = self.group.expire(now, _BATCH)
        messages: dict[Consumer, list[Message]] = {}
        for message, consumer, _ in self.group.deliver(now, _BATCH):
            messages.setdefault(consumer, []).append(message)
        for consumer in messages:
            self.measurement.add(len(messages[consumer]))
            consumer.deliver(messages[consumer])
        return self._read() or bool(messages) or expired > 0

    def _read(self) -> bool:
        is_replaying = self._replay is not None and self._replay.may_have_more
        source = self._replay if self._replay is not None and is_replaying else self._stream
        wanted = self.group.wanted if source.may_have_more else 0
        if wanted:
            try:
                messages = source.page(wanted)
                self.group.take(messages)
                if messages and source is self._stream:
                    self._last_read = messages[-1].number
                if isinstance(source, LogCursor):
                    self.group.skip(source.next_number - 1)
                elif not messages and source is self._stream and source.is_unreadable():
                    self._drop_consumers()
            except STORE_FAILURES as failure:
                self._fail(describe(failure))
        return wanted > 0

    def _fail(self, reason: str) -> None:
        """Drop all consumers, because the stream cannot be read. A later consumer causes another attempt."""
        _log.error("%r cannot continue to read: %s", self, reason)
        self._drop_consumers(reason)

    def _drop_consumers(self, reason: str | None = None) -> None:
        for consumer in tuple(self.group.consumers.values()):
            consumer.drop(reason)

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    # Writes ---------------------------------------------------------------------------------------

    def _write_parks(self, parks: Sequence[Park]) -> None:
        if parks:
            self._journal.park(parks, partial(self._parks_written, parks))

    def _parks_written(self, parks: Sequence[Park], failure: Outcome | None) -> None:
        # The store has already logged NotCommitted.
        if failure is not None and not isinstance(failure, NotCommitted):
            _log.error("%r could not park %d events: %s", self, len(parks), failure)
        for message, _ in parks:
            if failure is None:
                self.group.parked(message)
            else:
                self.group.not_parked(message)
        self._wake()

    def _write_checkpoint(self, last_completed: int | None) -> None:
        if last_completed is not None:
            self._is_writing_checkpoint = True
            self._journal.write_checkpoint(last_completed, self._checkpoint_written)

    def _checkpoint_written(self, failure: Outcome | None) -> None:
        self._is_writing_checkpoint = False
        if failure is not None:
            # The checkpoint is written again after the next completed event or tick. An immediate retry could repeat
            # endlessly.
            if not isinstance(failure, NotCommitted):  # The store has already logged NotCommitted.
                _log.error("%r could not write its checkpoint: %s", self, failure)
            self.group.checkpoints.not_written()
        else:
            self._wake()

    def _end_replay(self) -> None:
        replay = self._replay
        if replay is not None and not replay.may_have_more and not self.group.replays:
            self._replay = None
            self._journal.truncate_parked(replay.until + 1)

    def __repr__(self) -> str:
        state = "stopped" if self._is_stopped else repr(self.group)
        return f"<RunningGroup {self.settings.id!r}, {state}>"
