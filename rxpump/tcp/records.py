"""Make events from the protobuf messages that contain them.

A page is parsed into columns (`EventColumns` in `proto/eventstore.proto`): one list for each field, with a value for
each event. So no message is created for an event, which would take longer than everything else that is done for it.
Columns can be used if no event was reached through a link and every event has a stream, a number, an id, a type and
data. Any other page is parsed again, into a message for each event.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from rxpump.model.event_sequences import ColumnarEvents, EventSequence
from rxpump.model.events import Event, Record, broken_link
from rxpump.model.positions import Position


class IndexedEvents(EventSequence):
    """Events of ResolvedIndexedEvent messages, which have no position."""

    __slots__ = ("_messages",)

    def __init__(self, messages: Sequence[Any]) -> None:
        self._messages = messages

    def __len__(self) -> int:
        return len(self._messages)

    def event(self, index: int) -> Event:
        """Return a new event."""
        record = self.record(index)
        return Event(record.event_type, record.event_number, record.data, self, index)

    def record(self, index: int) -> Record:
        """Return the record of an event, or of a broken link."""
        resolved = self._messages[index]
        is_broken = not resolved.HasField("event") and resolved.HasField("link")
        record: Record = broken_link(resolved.link) if is_broken else resolved.event
        return record

    def link(self, index: int) -> Record | None:
        """Return the record of the link by which an event was reached, or None."""
        resolved = self._messages[index]
        return resolved.link if resolved.HasField("link") else None

    def position(self, index: int) -> Position | None:
        """Return None, because the messages have no position."""
        return None


class PositionedEvents(IndexedEvents):
    """Events of ResolvedEvent messages, which have a position."""

    __slots__ = ()

    def position(self, index: int) -> Position:
        """Return the position in `$all` at which an event was received."""
        resolved = self._messages[index]
        return Position(resolved.commit_position, resolved.prepare_position)


class _ColumnEvents(ColumnarEvents):
    """Events of a ResolvedEventColumns message.

    Args:
        columns: The message.
        parse_rows: Function that returns the same events, from a message for each of them.
    """

    __slots__ = ("_columns", "_parse_rows", "_resolved", "_rows")

    def __init__(self, columns: Any, parse_rows: Callable[[], IndexedEvents]) -> None:
        self._resolved = columns
        self._columns = event = columns.event
        super().__init__(event.event_type, event.event_number, event.data)
        self._parse_rows = parse_rows
        self._rows: IndexedEvents | None = None

    @property
    def rows(self) -> IndexedEvents:
        """The same events, parsed into a message for each event."""
        if self._rows is None:
            self._rows = self._parse_rows()
        return self._rows

    def record(self, index: int) -> Record:
        """Return a view of the values of an event."""
        return _ColumnRecord(self, index)

    def link(self, index: int) -> None:
        """Return None, because no event was reached through a link."""

    def position(self, index: int) -> Position | None:
        """Return the position in `$all` at which an event was received; None if the messages have no position."""
        commits, prepares = self._resolved.commit_position, self._resolved.prepare_position
        if len(commits) == len(prepares) == len(self):
            return Position(commits[index], prepares[index])
        return self.rows.position(index)

    def value(self, name: str, index: int) -> Any:
        """Return the value of a field of an event. If some events lack it, it is looked up in the rows."""
        column = getattr(self._columns, name)
        return column[index] if len(column) == len(self) else getattr(self.rows.record(index), name)


class _ColumnRecord:
    """The values of one event of a page, each looked up on access."""

    __slots__ = ("_events", "_index")

    def __init__(self, events: _ColumnEvents, index: int) -> None:
        self._events = events
        self._index = index

    def __getattr__(self, name: str) -> Any:
        return self._events.value(name, self._index)


def page_events(columns: Any, parse_rows: Callable[[], IndexedEvents]) -> Sequence[Event]:
    """Return the events of a page.

    Args:
        columns: A page that was parsed with columns, a `Read...Columns` message.
        parse_rows: Function that parses the page with a message for each event, and returns the events.
    """
    if not columns.HasField("events"):
        return ()
    resolved = columns.events
    event = resolved.event
    count = len(event.event_type)
    is_complete = (
        count == len(event.event_stream_id) == len(event.event_number) == len(event.event_id) == len(event.data)
    )
    if not count or not is_complete or resolved.HasField("link"):
        return parse_rows()
    return _ColumnEvents(resolved, parse_rows)


def indexed_event(resolved: Any) -> Event:
    """Return the event of a ResolvedIndexedEvent, which has no position."""
    return IndexedEvents((resolved,)).event(0)


def positioned_event(resolved: Any) -> Event:
    """Return the event of a ResolvedEvent, which has a position."""
    return PositionedEvents((resolved,)).event(0)
