"""The source of a subscription with a filter, which also sends checkpoints (docs/protocol/grpc.md, section 5.9).

A client resumes from a checkpoint if it has received no event for a long time. While a subscription catches up, the
server reads pages. It moves the checkpoint to the last event of a page, or to the beginning of a page without events.
It sends the checkpoint after each interval of examined events and at the end. The live events of the log are counted
from the start of the subscription, and the last one of an interval is the checkpoint.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from typing import Any, Final

from rxpump.model.positions import Position, StreamDirection
from rxpump.server.grpc.event_encoder import EventEncoder
from rxpump.server.grpc.page_sources import EXAMINED, EncodedPage, offset_behind, too_costly
from rxpump.server.grpc.subscription_messages import checkpoint_message
from rxpump.server.store.committed_batch import CommittedBatch
from rxpump.server.store.filtered_pages import FilteredPage, FilteredScan
from rxpump.server.store.filters import LogFilter
from rxpump.server.store.pages import MAX_PAGE_BYTES
from rxpump.server.store.reader import Reader
from rxpump.server.store.record_schema import LogEntry, LogPage
from rxpump.server.store.regex_matcher import TooCostly

_COUNT: Final = 32
"""Number of events on a page of a real server."""

_STEPS: Final = 4_000
_STEPS_PER_EVENT: Final = 200
"""Further steps that a filter may take for each event of a committed batch, which is about 0.1 ms."""


class CheckpointedPages:
    """The events of all streams that pass a filter, and checkpoints.

    Args:
        read: Reader of the store.
        encoder: Encoder of the events.
        offset: Offset in the log at which to start.
        wanted: The filter.
        window: Largest number of events that a page examines.
        interval: Number of events to examine between two checkpoints.
        after: Position after which the subscription starts; None for the start of the log.

    Attributes:
        offset: Offset of the next event to examine.
        position: Position of the current checkpoint, sent or not; None before the first.
    """

    def __init__(
        self,
        read: Reader,
        encoder: EventEncoder,
        offset: int,
        wanted: LogFilter,
        window: int,
        interval: int,
        after: Position | None,
    ) -> None:
        self.offset: int = offset
        self.position: Position | None = after
        self._read = read
        self._encoder = encoder
        self._wanted = wanted
        self._window = min(window, EXAMINED)
        self._interval = interval
        self._examined = 0  # events since the last interval
        self._examined_live = 0
        self._begins = Position(0, 0) if after is None else after  # the next page
        self._sent: Position | None = None  # the last checkpoint
        self._has_read = False  # since the subscription was live

    def page(self, most: int) -> EncodedPage:
        """Return about `most` next events that pass, and checkpoints that are due.

        Raises:
            CallError: The filter takes too long.
        """
        scan = FilteredScan(self._read, self.offset, StreamDirection.FORWARD, self._wanted, resolve_links=False)
        try:
            with closing(scan):
                return self._pages(scan, most)
        except TooCostly:
            raise too_costly() from None

    def _pages(self, scan: FilteredScan, most: int) -> EncodedPage:
        messages: list[bytes] = []
        examined = size = 0
        while True:
            page = scan.page(_COUNT, self._window)
            found = self._encoder.page(page.events).messages
            messages += found
            examined, size = examined + page.examined, size + len(page.events)
            if page.examined:
                self._move(page)
            if self._examined >= self._interval and not page.is_end:
                self._examined %= self._interval
                messages += self._checkpoint()
            is_costly = page.examined < self._window and len(found) < _COUNT
            is_large = len(messages) >= most or examined >= EXAMINED or size >= MAX_PAGE_BYTES
            if page.is_end or is_costly or is_large:
                return EncodedPage(messages, page.is_end)

    def _move(self, page: FilteredPage) -> None:
        """Move the checkpoint and the beginning of the next page."""
        self._has_read = True
        self._examined += page.examined
        if page.events:
            self.position = _position(LogPage.FromString(page.events).events[-1])
        elif self.position is None or self.position < self._begins:
            self.position = self._begins
        last = _position(LogEntry.FromString(page.last_tail))
        self.offset = offset_behind(self._read, last, StreamDirection.FORWARD)
        is_alone = last.prepare == last.commit
        self._begins = Position(last.commit + len(page.last_record), 0) if is_alone else last

    def last_checkpoint(self) -> Sequence[bytes]:
        """Return the checkpoint at the end of the log, if events were read and it was not sent."""
        found = self._checkpoint() if self._has_read else ()
        self._has_read, self._examined = False, 0
        return found

    def committed(self, batch: CommittedBatch) -> Sequence[bytes]:
        """Return the messages of a batch that pass, and checkpoints that are due.

        Raises:
            CallError: The filter takes too long.
        """
        messages: list[bytes] = []
        start = batch.index_after(self.offset - 1)
        search = self._wanted.search
        most_steps = search.steps + _STEPS + _STEPS_PER_EVENT * len(batch.events)
        try:
            for index, event in enumerate(batch.events[start:], start):
                self._begins = _position(event.entry)
                self.offset = event.position + 1
                if self._wanted.matches(event.entry.event):
                    messages.append(self._encoder.committed(batch)[index])
                    self.position = self._begins
                self._examined_live += 1
                if self._examined_live >= self._interval:
                    self._examined_live = 0
                    self.position = self._begins
                    messages += self._checkpoint()
                if search.steps > most_steps:
                    raise TooCostly
        except TooCostly:
            raise too_costly() from None
        return messages

    def _checkpoint(self) -> Sequence[bytes]:
        """Return the current checkpoint, unless it was sent."""
        if self.position is None or (self._sent is not None and self.position <= self._sent):
            return ()
        self._sent = self.position
        return (checkpoint_message(self.position),)

    def __repr__(self) -> str:
        return f"<CheckpointedPages from {self.offset}, {self._wanted!r}>"


def _position(entry: Any) -> Position:
    return Position(entry.commit_position, entry.prepare_position)
