"""Make events from the protobuf messages that contain them. The values of an event are converted on access.

Several responses are parsed into columns (`ReadEventsColumns` in `proto/grpc/streams.proto`): one list for each
field, with a value for each event. So no message is created for an event, which would take longer than everything
else that is done for it. Columns can be used if no event was reached through a link, every event has a number and
data, and the metadata of all events have the same keys in the same order. Otherwise the bytes are parsed again, into
a message for each event. A field with the value 0 is not sent, so the first event of a stream has no number.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from itertools import repeat
from struct import Struct
from typing import Any, Final, overload
from uuid import UUID

from rxpump.grpc.calls.fields import JSON, UNSIGNED_MINUS_ONE
from rxpump.grpc.messages import streams
from rxpump.model.events import Event, Record, broken_link
from rxpump.model.positions import Position

_HALVES: Final = Struct(">qq")
_TICKS_OF_1970: Final = 621_355_968_000_000_000
"""Units of 100 ns from the year 1 to 1970."""

_FEWEST_OF_COLUMNS: Final = 4
"""Smallest number of events for which parsing into columns is faster than a message for each event."""


class GrpcRecord:
    """One stored event in a RecordedEvent message.

    Args:
        message: The RecordedEvent.
    """

    __slots__ = ("_message",)

    def __init__(self, message: Any) -> None:
        self._message = message

    @property
    def event_stream_id(self) -> str:
        """Name of the stream."""
        return str(self._message.stream_identifier.stream_name, "utf-8", "replace")

    @property
    def event_number(self) -> int:
        """Number of the event in its stream, from 0."""
        number: int = self._message.stream_revision
        return number

    @property
    def event_id(self) -> bytes:
        """The 16 bytes of the id in the order of `UUID.bytes_le`."""
        id = self._message.id
        if id.HasField("structured"):
            halves = id.structured
            text = _HALVES.pack(halves.most_significant_bits, halves.least_significant_bits)
            return text[3::-1] + text[5:3:-1] + text[7:5:-1] + text[8:]
        return UUID(id.string).bytes_le if id.string else bytes(16)

    @property
    def event_type(self) -> str:
        """Type of the event."""
        type: str = self._message.metadata["type"]
        return type

    @property
    def data_content_type(self) -> int:
        """1 if the data are JSON, otherwise 0."""
        return 1 if self._message.metadata["content-type"] == JSON else 0

    @property
    def data(self) -> bytes:
        """Body of the event."""
        data: bytes = self._message.data
        return data

    @property
    def metadata(self) -> bytes:
        """Metadata of the event; empty if there are none."""
        metadata: bytes = self._message.custom_metadata
        return metadata

    @property
    def created(self) -> int:
        """Time at which the server stored the event, in units of 100 ns since the year 1 (UTC)."""
        return int(self._message.metadata["created"] or 0) + _TICKS_OF_1970

    def __repr__(self) -> str:
        return f"<GrpcRecord {self.event_number}@{self.event_stream_id}>"


class _Events(Sequence[Event], ABC):
    """Events, each created on access. They take most of their values from this object."""

    __slots__ = ()

    @abstractmethod
    def _event(self, index: int) -> Event:
        """Return a new event. `index` is from 0."""

    def __iter__(self) -> Iterator[Event]:
        return map(self._event, range(len(self)))

    @overload
    def __getitem__(self, index: int) -> Event: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Event]: ...
    def __getitem__(self, index: int | slice) -> Event | Sequence[Event]:
        if isinstance(index, slice):
            return [self._event(each) for each in range(len(self))[index]]
        return self._event(range(len(self))[index])

    def __repr__(self) -> str:
        return f"<{type(self).__name__}, {len(self)}>"


class EventRows(_Events):
    """Events that have one message each.

    Args:
        messages: Messages with an `event` and a `link`: ReadEvent or DeliveredEvent.
    """

    __slots__ = ("_messages",)

    def __init__(self, messages: Sequence[Any]) -> None:
        self._messages = messages

    def __len__(self) -> int:
        return len(self._messages)

    def _event(self, index: int) -> Event:
        record = self.record(index)
        return Event(record.event_type, record.event_number, record.data, self, index)

    def record(self, index: int) -> Record:
        """Return the record of an event, or of a broken link."""
        read = self._messages[index]
        if not read.HasField("event") and read.HasField("link"):
            return broken_link(GrpcRecord(read.link))
        return GrpcRecord(read.event)

    def link(self, index: int) -> Record | None:
        """Return the record of the link by which an event was reached, or None."""
        read = self._messages[index]
        return GrpcRecord(read.link) if read.HasField("link") else None

    def position(self, index: int) -> Position | None:
        """Return the position in `$all` of an event or of its link; None if the server did not send it."""
        read = self._messages[index]
        received = read.link if read.HasField("link") else read.event
        return _position(received.commit_position, received.prepare_position)


class EventColumns(_Events):
    """Events of a ReadEventsColumns message.

    Args:
        columns: `event` of the message.
        types: Type of each event.
        encoded: The same events, encoded.
    """

    __slots__ = ("_columns", "_data", "_encoded", "_numbers", "_rows", "_types")

    def __init__(self, columns: Any, types: Sequence[str], encoded: bytes) -> None:
        self._columns = columns
        self._types = types
        self._numbers: Sequence[int] = columns.stream_revision
        self._data: Sequence[bytes] = columns.data
        self._encoded = encoded
        self._rows: EventRows | None = None

    def __len__(self) -> int:
        return len(self._types)

    def __iter__(self) -> Iterator[Event]:
        return map(Event, self._types, self._numbers, self._data, repeat(self), range(len(self)))

    def _event(self, index: int) -> Event:
        return Event(self._types[index], self._numbers[index], self._data[index], self, index)

    @property
    def rows(self) -> EventRows:
        """The same events, parsed into a message for each event."""
        if self._rows is None:
            messages = streams.ReadEvents.FromString(self._encoded).events
            self._rows = EventRows(messages)
        return self._rows

    def record(self, index: int) -> Record:
        """Return the record of an event."""
        return self.rows.record(index)

    def link(self, index: int) -> None:
        """Return None, because no event was reached through a link."""

    def position(self, index: int) -> Position | None:
        """Return the position in `$all` of an event; None if the server did not send it."""
        commits, prepares = self._columns.commit_position, self._columns.prepare_position
        if len(commits) == len(prepares) == len(self):
            return _position(commits[index], prepares[index])
        return self.rows.position(index)


def _position(commit: int, prepare: int) -> Position | None:
    """Return a position; None if it is that which servers before 22.6 send in a read of a stream."""
    return None if commit == UNSIGNED_MINUS_ONE else Position(commit, prepare)


def received_events(messages: Sequence[bytes]) -> Sequence[Event]:
    """Return the events of ReadResponse messages that all have one.

    Raises:
        DecodeError: The bytes are not such messages.
    """
    encoded = b"".join(messages)
    count = len(messages)
    if count >= _FEWEST_OF_COLUMNS:
        events = streams.ReadEventsColumns.FromString(encoded).events
        types = _types(events.event, count)
        if types is not None and not events.HasField("link"):
            return EventColumns(events.event, types, encoded)
    return EventRows(streams.ReadEvents.FromString(encoded).events)


def _types(columns: Any, count: int) -> list[str] | None:
    """Return the types of `count` events, or None if columns cannot be used, because some events lack a field."""
    if len(columns.stream_revision) != count or len(columns.data) != count:
        return None
    keys: list[str] = list(columns.metadata.key)
    pattern = keys[: len(keys) // count]
    if "type" not in pattern or keys != pattern * count or len(columns.metadata.value) != len(keys):
        return None
    types: list[str] = columns.metadata.value[pattern.index("type") :: len(pattern)]
    return types
