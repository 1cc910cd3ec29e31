"""The position at which a group continues to read a stream.

A real server reads pages until it has caught up, then keeps new events in a live buffer, and returns to pages if that
buffer overflows. This server only reads pages: the feed signals that there are more events, and a page is read when a
consumer is not full. So there are no two modes between which events could be lost. Pages of new events are cheap,
because they are in the cache of SQLite.
"""

from __future__ import annotations

from rxpump.model.positions import StreamDirection
from rxpump.server.groups.message import Message, messages_of
from rxpump.server.groups.settings import GroupSettings
from rxpump.server.groups.strategies import STRATEGIES
from rxpump.server.store import stream_window
from rxpump.server.store.reader import Reader

_NO_END = 2**63 - 1


class StreamCursor:
    """Reads a stream page by page.

    Args:
        read: Reader of the store.
        stream: Name of the stream: that of the group, or its parked stream for a replay.
        next_number: Number of the first event to read.
        settings: Settings of the group.
        until: Number of the last event to read.

    Attributes:
        may_have_more: Whether there can be further events to read.
    """

    def __init__(
        self, read: Reader, stream: str, next_number: int, settings: GroupSettings, *, until: int = _NO_END
    ) -> None:
        self.stream = stream
        self.next_number: int = next_number
        self.until: int = until
        self.may_have_more: bool = True
        self._read = read
        self._is_replay = stream != settings.stream
        self._resolve_links = settings.resolve_links or self._is_replay
        self._bucket_of = STRATEGIES[settings.strategy].bucket_of

    def extend(self, until: int) -> None:
        """Read up to event number `until`, if that is further than before."""
        if until > self.until:
            self.until = until
            self.may_have_more = True

    def has_more_than(self, count: int) -> bool:
        """Return whether more than `count` events of the stream were not read yet."""
        stream = self._read.stream(self.stream)
        if stream is None or stream.is_tombstoned or stream.is_soft_deleted:
            return False
        return min(stream.last, self.until) - max(self.next_number, stream.first_kept) >= count

    def page(self, count: int) -> list[Message]:
        """Read up to `count` events.

        Returns:
            The messages. They can be empty although there are further events; see `may_have_more`.
        """
        stream = self._read.stream(self.stream)
        if stream is None or stream.is_tombstoned or stream.is_soft_deleted:
            self.may_have_more = False
            return []
        first, bounds = self.next_number, (min(stream.last, self.until), stream.first_kept)
        window = stream_window.forward(first, count, *bounds)
        page = self._read.stream_page(stream, window, StreamDirection.FORWARD, resolve_links=self._resolve_links)
        messages = messages_of(page.events, self._bucket_of, are_replays=self._is_replay)
        found = messages[-1].number if messages else None
        then = stream_window.after_forward(first, count, found, page.cut, *bounds)
        self.next_number = max(first, then.next_event_number)
        self.may_have_more = not then.is_end_of_stream
        return messages

    def __repr__(self) -> str:
        return (
            f"<StreamCursor {self.stream!r} from {self.next_number}{' on' if self.may_have_more else ', at its end'}>"
        )
