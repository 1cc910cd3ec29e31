"""The position at which a group continues to read a stream.

A real server reads pages until it has caught up, then keeps new events in a live buffer, and returns to pages if that
buffer overflows. This server only reads pages: the feed signals that there are more events, and a page is read when a
consumer is not full. So there are no two modes between which events could be lost. Pages of new events are cheap,
because they are in the cache of SQLite.

A tombstone is the last event of its stream. As on a real server, a group receives it if it existed before, after the
earlier events. A group that is made later, or runs again after a restart of the server, cannot read the stream.
"""

from __future__ import annotations

from typing import NamedTuple

from rxpump.model.limits import MAX_EVENT_NUMBER
from rxpump.model.positions import StreamDirection
from rxpump.server.groups.message import Message, messages_of
from rxpump.server.groups.settings import GroupSettings
from rxpump.server.groups.strategies import STRATEGIES
from rxpump.server.store import stream_window
from rxpump.server.store.metadata import Metadata
from rxpump.server.store.reader import Reader
from rxpump.server.store.stored_stream import StoredStream

_NO_END = MAX_EVENT_NUMBER


class Unread(NamedTuple):
    """Events that a group has not read yet: how many, and the number of the last one; None if there are none."""

    amount: int
    last: int | None


class StreamCursor:
    """Reads a stream page by page.

    Args:
        read: Reader of the store.
        stream: Name of the stream: that of the group, or its parked stream for a replay.
        next_number: Number of the first event to read.
        settings: Settings of the group.
        until: Number of the last event to read.
        awaits_tombstone: Whether the tombstone of the stream is read, if the stream gets one.

    Attributes:
        may_have_more: Whether there can be further events to read.
    """

    def __init__(
        self,
        read: Reader,
        stream: str,
        next_number: int,
        settings: GroupSettings,
        *,
        until: int = _NO_END,
        awaits_tombstone: bool = False,
    ) -> None:
        self.stream = stream
        self.next_number: int = next_number
        self.until: int = until
        self.may_have_more: bool = True
        self._awaits_tombstone = awaits_tombstone
        self._has_tombstone = False
        self._read = read
        self._is_replay = stream != settings.stream
        self._resolve_links = settings.resolve_links or self._is_replay
        self._bucket_of = STRATEGIES[settings.strategy].bucket_of

    def extend(self, until: int) -> None:
        """Read up to event number `until`, if that is further than before."""
        if until > self.until:
            self.until = until
            self.may_have_more = True

    def unread(self, most: int) -> Unread:
        """Return how many events of the stream were not read yet, at most `most`."""
        stream = self._readable()
        if stream is None:
            return Unread(0, None)
        last = self._last(stream)
        first = max(self.next_number, stream.metadata.first_kept(last))
        count = max(0, min(min(last, self.until) - first + 1, most))
        if stream.is_tombstoned and count < most:
            return Unread(count + 1, MAX_EVENT_NUMBER)
        return Unread(count, first + count - 1 if count else None)

    def count_after(self, number: int, most: int) -> int:
        """Return how many events of the stream come after a number, at most `most`."""
        stream = self._read.stream(self.stream)
        if stream is None:
            return 0
        return max(0, min(self._last(stream) + stream.is_tombstoned - number, most))

    def is_unreadable(self) -> bool:
        """Return whether the stream got its tombstone before the cursor was made."""
        stream = self._read.stream(self.stream)
        return stream is not None and stream.is_tombstoned and not self._awaits_tombstone

    def page(self, count: int) -> list[Message]:
        """Read up to `count` events.

        Returns:
            The messages. They can be empty although there are further events; see `may_have_more`.
        """
        stream = self._readable()
        if stream is None:
            self.may_have_more = False
            return []
        last = self._last(stream)
        first, bounds = self.next_number, (min(last, self.until), stream.metadata.first_kept(last))
        window = stream_window.forward(first, count, *bounds)
        page = self._read.stream_page(stream, window, StreamDirection.FORWARD, resolve_links=self._resolve_links)
        messages = messages_of(page.events, self._bucket_of, are_replays=self._is_replay)
        found = messages[-1].number if messages else None
        then = stream_window.after_forward(first, count, found, page.cut, *bounds)
        self.next_number = max(first, then.next_event_number)
        self.may_have_more = not then.is_end_of_stream
        if stream.is_tombstoned and not self.may_have_more:
            self._has_tombstone = True
            messages += self._tombstone(stream)
        return messages

    def _readable(self) -> StoredStream | None:
        """Return the stream; None if it has no events to read."""
        stream = self._read.stream(self.stream)
        if stream is None:
            return None
        if stream.is_tombstoned:
            return stream if self._awaits_tombstone and not self._has_tombstone else None
        return None if stream.is_soft_deleted else stream

    def _last(self, stream: StoredStream) -> int:
        """Return the number of the last event of a stream before its tombstone."""
        return self._read.last_before_tombstone(stream) if stream.is_tombstoned else stream.last

    def _tombstone(self, stream: StoredStream) -> list[Message]:
        whole = stream._replace(metadata=Metadata())  # A tombstone is never too old.
        window = stream_window.Window(MAX_EVENT_NUMBER, MAX_EVENT_NUMBER)
        page = self._read.stream_page(whole, window, StreamDirection.FORWARD, resolve_links=False)
        return messages_of(page.events, self._bucket_of)

    def __repr__(self) -> str:
        return (
            f"<StreamCursor {self.stream!r} from {self.next_number}{' on' if self.may_have_more else ', at its end'}>"
        )
