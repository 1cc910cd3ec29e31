"""Sources of events. Each reads pages from a cursor on, and then continues with committed events.

A read requests pages until it has enough events. A subscription requests pages until it has reached the end, and then
passes each committed batch. A source skips the events of a batch that it has already returned in a page.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol

from rxpump.model.limits import MAX_EVENT_NUMBER
from rxpump.model.positions import Position, StreamDirection
from rxpump.server.grpc.call_errors import CallError, invalid_argument, stream_deleted
from rxpump.server.grpc.event_encoder import EventEncoder
from rxpump.server.store.committed_batch import CommittedBatch
from rxpump.server.store.filtered_pages import filtered_page
from rxpump.server.store.filters import LogFilter
from rxpump.server.store.located_pages import located_page
from rxpump.server.store.reader import Reader
from rxpump.server.store.record_schema import LogEntry
from rxpump.server.store.regex_matcher import TooCostly
from rxpump.server.store.stored_stream import StoredStream
from rxpump.server.store.stream_window import Window

PAGE: Final = 256
"""Number of events in a page, which takes about a millisecond to encode."""

EXAMINED: Final = 1024
"""Largest number of events that a page with a filter examines."""


class EncodedPage(NamedTuple):
    """A page of events.

    Attributes:
        messages: The events, each as a message with its prefix.
        is_end: Whether there are no further events now.
    """

    messages: Sequence[bytes]
    is_end: bool


class PagedSource(Protocol):
    """A source of stored events."""

    def page(self, most: int) -> EncodedPage:
        """Return about `most` next events, and move the cursor after them.

        Raises:
            CallError: There can be no further events.
        """


class PageSource(PagedSource, Protocol):
    """A source of stored and new events."""

    def committed(self, batch: CommittedBatch) -> Sequence[bytes]:
        """Return the messages of a batch that is newer than the cursor, and move the cursor after it."""


class StreamPages:
    """The events of a stream.

    Args:
        read: Reader of the store.
        encoder: Encoder of the events.
        name: Name of the stream.
        number: Number of the first event to return.
        direction: Direction of the read.

    Attributes:
        name: Name of the stream.
        number: Number of the next event to return.
        stream: The stream when the last page was read; None if it did not exist or was soft-deleted.
        first_found: Number of the first event that was returned; None before.
        last_found: Number of the last event that was returned; None before.
    """

    def __init__(
        self, read: Reader, encoder: EventEncoder, name: str, number: int, direction: StreamDirection
    ) -> None:
        self.name: str = name
        self.number: int = number
        self.stream: StoredStream | None = None
        self.first_found: int | None = None
        self.last_found: int | None = None
        self._read = read
        self._encoder = encoder
        self._direction = direction

    def page(self, most: int) -> EncodedPage:
        """Return the next events; none if the stream does not exist.

        Raises:
            CallError: The stream was tombstoned.
        """
        stream = self._read.stream(self.name)
        if stream is not None and stream.is_tombstoned:
            raise stream_deleted(self.name)
        self.stream = None if stream is None or stream.is_soft_deleted else stream
        if self.stream is None:
            return EncodedPage((), True)
        if self._direction is StreamDirection.FORWARD:
            return self._forward(self.stream, most)
        return self._backward(self.stream, most)

    def _forward(self, stream: StoredStream, most: int) -> EncodedPage:
        low = max(self.number, stream.first_kept)
        high = min(low + most - 1, stream.last)
        messages, last, cut = self._located(stream, Window(low, high))
        self.number = last + 1 if cut else max(self.number, high + 1)
        return EncodedPage(messages, self.number > stream.last)

    def _backward(self, stream: StoredStream, most: int) -> EncodedPage:
        high = min(self.number, stream.last)
        low = max(high - most + 1, stream.first_kept)
        messages, last, cut = self._located(stream, Window(low, high))
        self.number = (last if cut else min(low, high + 1)) - 1
        return EncodedPage(messages, self.number < stream.first_kept)

    def _located(self, stream: StoredStream, window: Window) -> tuple[list[bytes], int, bool]:
        """Return the messages of a window, the number of the last one, and whether there is more in the window."""
        if window.low > window.high:
            return [], -1, False
        page = located_page(self._read, stream, window, self._direction)
        messages, columns = self._encoder.page(page.events)
        if messages:
            self.last_found = columns.numbers[-1]
            if self.first_found is None:
                self.first_found = columns.numbers[0]
        return messages, columns.numbers[-1] if messages else -1, page.cut

    def committed(self, batch: CommittedBatch) -> Sequence[bytes]:
        """Return the messages of a batch of the stream."""
        first, last = (batch.events[at].entry.event.event_number for at in (0, -1))
        messages = self._encoder.committed(batch)[max(0, self.number - first) :]
        if last != MAX_EVENT_NUMBER and last >= self.number:
            self.number, self.last_found = last + 1, last
        return messages

    def __repr__(self) -> str:
        return f"<StreamPages of {self.name!r} from {self.number}>"


class AllPages:
    """The events of all streams.

    Args:
        read: Reader of the store.
        encoder: Encoder of the events.
        offset: Offset in the log at which to start.
        direction: Direction of the read.

    Attributes:
        offset: Offset of the next event to return.
        position: Position of the last event; None before the first.
    """

    def __init__(self, read: Reader, encoder: EventEncoder, offset: int, direction: StreamDirection) -> None:
        self.offset: int = offset
        self.position: Position | None = None
        self._read = read
        self._encoder = encoder
        self._direction = direction

    def page(self, most: int) -> EncodedPage:
        """Return the next events."""
        page = self._read.all_page(self.offset, most, self._direction, resolve_links=False)
        messages, columns = self._encoder.page(page.events)
        if columns.commits:
            self.position = Position(columns.commits[-1], columns.prepares[-1])
            self.offset = offset_behind(self._read, self.position, self._direction)
        return EncodedPage(messages, page.size < most and not page.cut)

    def committed(self, batch: CommittedBatch) -> Sequence[bytes]:
        """Return the messages of a batch."""
        start = batch.index_after(self.offset - 1)
        last = batch.events[-1]
        if start < len(batch.events):
            self.offset = last.position + 1
            self.position = Position(last.entry.commit_position, last.entry.prepare_position)
        return self._encoder.committed(batch)[start:]

    def __repr__(self) -> str:
        return f"<AllPages from {self.offset}>"


class FilteredPages:
    """The events of all streams that pass a filter.

    Args:
        read: Reader of the store.
        encoder: Encoder of the events.
        offset: Offset in the log at which to start.
        direction: Direction of the read.
        wanted: The filter.

    Attributes:
        offset: Offset of the next event to examine.
    """

    def __init__(
        self, read: Reader, encoder: EventEncoder, offset: int, direction: StreamDirection, wanted: LogFilter
    ) -> None:
        self.offset: int = offset
        self._read = read
        self._encoder = encoder
        self._direction = direction
        self._wanted = wanted

    def page(self, most: int) -> EncodedPage:
        """Return the next events that pass.

        Raises:
            CallError: The filter takes too long.
        """
        try:
            page = filtered_page(
                self._read,
                self.offset,
                self._direction,
                self._wanted,
                count=most,
                window=EXAMINED,
                resolve_links=False,
            )
        except TooCostly:
            raise too_costly() from None
        if page.examined:
            last = LogEntry.FromString(page.last_tail)
            at = Position(last.commit_position, last.prepare_position)
            self.offset = offset_behind(self._read, at, self._direction)
        return EncodedPage(self._encoder.page(page.events).messages, page.is_end)

    def __repr__(self) -> str:
        return f"<FilteredPages from {self.offset}, {self._wanted!r}>"


def offset_behind(read: Reader, position: Position, direction: StreamDirection) -> int:
    """Return the offset at which a read continues after an event."""
    if direction is StreamDirection.BACKWARD:
        return read.offset(position)
    return read.offset(Position(position.commit, position.prepare + 1))


def too_costly() -> CallError:
    """Return the error of a filter that takes too long."""
    return invalid_argument("The regular expression of the filter takes too long to search.")
