"""The position at which a group on all streams continues to read the log.

The number of an event is its offset in the log, so that the numbers rise like those in a stream.
"""

from __future__ import annotations

from typing import Any

from rxpump.model.positions import Position, StreamDirection
from rxpump.server.groups.message import Message
from rxpump.server.groups.settings import GroupSettings
from rxpump.server.groups.strategies import STRATEGIES
from rxpump.server.groups.stream_cursor import Unread
from rxpump.server.groups.streams import is_hidden_in_log
from rxpump.server.store.filtered_pages import filtered_page
from rxpump.server.store.pages import resolve
from rxpump.server.store.reader import Reader
from rxpump.server.store.record import link_of
from rxpump.server.store.record_schema import LogEntry, LogPage
from rxpump.server.store.regex_matcher import TooCostly

_EXAMINED = 512
"""Largest number of events that a page with a filter examines."""

_LOOKED_AHEAD = 100
"""Largest number of events that are examined to count unread ones, for each group of a list of groups."""


class LogCursor:
    """Reads the log page by page.

    Args:
        read: Reader of the store.
        next_number: Position in the log of the first event to read.
        settings: Settings of the group.

    Attributes:
        next_number: Position in the log of the next event to read.
        may_have_more: Whether there can be further events to read.
    """

    def __init__(self, read: Reader, next_number: int, settings: GroupSettings) -> None:
        self.next_number: int = next_number
        self.may_have_more: bool = True
        self._read = read
        self._resolve_links = settings.resolve_links
        self._filter = None if settings.filter is None else settings.filter.compiled()
        self._bucket_of = STRATEGIES[settings.strategy].bucket_of

    def unread(self, most: int) -> Unread:
        """Return how many events of the log were not read yet, at most `most`.

        With a filter, only the next events of the log are examined.
        """
        if self._filter is None:
            query = "SELECT count(*), max(position) FROM (SELECT position FROM events WHERE position >= ? LIMIT ?)"
            return Unread(*self._read.rows(query, (self.next_number, most)).fetchone())
        events = self._filtered(most, _LOOKED_AHEAD)[0] if most else ()
        return Unread(len(events), self._offset(events[-1]) if events else None)

    def count_after(self, offset: int, most: int) -> int:
        """Return how many events of the log come after an offset, at most `most`; 0 if there is a filter."""
        if self._filter is not None:
            return 0
        query = "SELECT count(*) FROM (SELECT 1 FROM events WHERE position > ? LIMIT ?)"
        return int(self._read.rows(query, (offset, most)).fetchone()[0])

    def page(self, count: int) -> list[Message]:
        """Read up to `count` events.

        Returns:
            The messages. They can be empty although there are further events; see `may_have_more`.
        """
        events, last, self.may_have_more = (
            self._plain(count) if self._filter is None else self._filtered(count, _EXAMINED)
        )
        messages = [self._message(each) for each in events if not is_hidden_in_log(each.event.event_stream_id)]
        if last is not None:
            self.next_number = self._offset(last) + 1
        return messages

    def _plain(self, count: int) -> tuple[Any, Any, bool]:
        """Return up to `count` events, the last one that was examined, and whether there can be more."""
        page = self._read.all_page(self.next_number, count, StreamDirection.FORWARD, resolve_links=False)
        events = LogPage.FromString(page.events).events
        return events, events[-1] if events else None, page.cut or page.size == count

    def _filtered(self, count: int, window: int) -> tuple[Any, Any, bool]:
        """Return up to `count` events, the last one that was examined, and whether there can be more."""
        assert self._filter is not None, "there is a filter"
        try:
            page = filtered_page(
                self._read,
                self.next_number,
                StreamDirection.FORWARD,
                self._filter,
                count=count,
                window=window,
                resolve_links=False,
            )
        except TooCostly:
            return (), None, False
        last = LogEntry.FromString(page.last_tail) if page.examined else None
        return LogPage.FromString(page.events).events, last, not page.is_end

    def _offset(self, entry: Any) -> int:
        commit, prepare = entry.commit_position, entry.prepare_position
        return int(commit) if prepare == commit else self._read.offset(Position(commit, prepare))

    def _message(self, entry: Any) -> Message:
        record = entry.event
        stream, number = link_of(record) if self._resolve_links else (None, None)
        encoded: bytes = entry.SerializeToString()
        if stream:
            tail = LogEntry(commit_position=entry.commit_position, prepare_position=entry.prepare_position)
            link = LogEntry(event=record).SerializeToString()
            encoded = resolve(link, self._read.target(stream, number)) + tail.SerializeToString()
        bucket = self._bucket_of(LogEntry.FromString(encoded) if stream else entry)
        return Message(self._offset(entry), record.event_id, encoded, bucket=bucket)

    def __repr__(self) -> str:
        return f"<LogCursor from {self.next_number}{' on' if self.may_have_more else ', at its end'}>"
