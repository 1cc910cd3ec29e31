"""Where a group reads on in a stream.

A real server reads pages until it has caught up, then keeps the newest events as they are written, in a
buffer of their own, and goes back to pages when that overflows. Here there is one way, with nothing to
switch between and no gap to lose events in: the feed only says that there is more, and pages are read
whenever a consumer has room. What was just written is in the store's cache, so that it costs little.
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
    """Reads `stream` from event `next_number` on, up to event number `until`."""

    def __init__(
        self, read: Reader, stream: str, next_number: int, settings: GroupSettings, *, until: int = _NO_END
    ) -> None:
        self.stream = stream
        self.next_number: int = next_number
        self.until = until
        self.may_have_more: bool = True
        self._read = read
        self._is_replay = stream != settings.stream
        self._resolve_links = settings.resolve_links or self._is_replay
        self._bucket_of = STRATEGIES[settings.strategy].bucket_of

    def page(self, count: int) -> list[Message]:
        """Read up to `count` events; none may be there, though there is more (`may_have_more`)."""
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
