"""Make events from the protobuf messages that contain them. The values of an event are converted on access.

Several responses are parsed into columns (`ReadEventsColumns` in `proto/grpc/streams.proto`): one list for each
field, with a value for each event. So no message is created for an event, which would take longer than everything
else that is done for it. Columns can be used if no event was reached through a link, every event has a number and
data, and the metadata of all events have the same keys in the same order. Otherwise the bytes are parsed again, into
a message for each event. A field with the value 0 is not sent, so the first event of a stream has no number.
"""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct
from typing import Any, Final
from uuid import UUID

from google.protobuf.message import DecodeError

from rxpump.errors import MalformedReply
from rxpump.grpc.calls.fields import JSON, UNSIGNED_MINUS_ONE
from rxpump.grpc.messages import streams
from rxpump.model.event_sequences import ColumnarEvents
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
        """The 16 bytes of the id in the order of `UUID.bytes_le`.

        Raises:
            MalformedReply: The server sent an id that is not a UUID.
        """
        id = self._message.id
        if id.HasField("structured"):
            halves = id.structured
            text = _HALVES.pack(halves.most_significant_bits, halves.least_significant_bits)
            return text[3::-1] + text[5:3:-1] + text[7:5:-1] + text[8:]
        try:
            return UUID(id.string).bytes_le if id.string else bytes(16)
        except ValueError:
            raise self._malformed(f"the id {id.string!r}") from None

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
        """Time at which the server stored the event, in units of 100 ns since the year 1 (UTC).

        Raises:
            MalformedReply: The server sent a time that is not a number.
        """
        created = self._message.metadata["created"]
        try:
            return int(created or 0) + _TICKS_OF_1970
        except ValueError:
            raise self._malformed(f"the time {created!r}") from None

    def _malformed(self, reason: str) -> MalformedReply:
        return MalformedReply(f"the read of {self!r}", reason)

    def __repr__(self) -> str:
        return f"<GrpcRecord {self.event_number}@{self.event_stream_id}>"


class EventRows:
    """Records of events that have one message each.

    Args:
        messages: Messages with an `event` and a `link`: ReadEvent or DeliveredEvent.
    """

    __slots__ = ("_messages",)

    def __init__(self, messages: Sequence[Any]) -> None:
        self._messages = messages

    def events(self) -> list[Event]:
        """Return the events, which take most of their values from this object."""
        events: list[Event] = []
        for index in range(len(self._messages)):
            record = self.record(index)
            events.append(Event(record.event_type, record.event_number, record.data, self, index))
        return events

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

    def __repr__(self) -> str:
        return f"<EventRows, {len(self._messages)}>"


class EventColumns(ColumnarEvents):
    """Events of a ReadEventsColumns message.

    Args:
        columns: `event` of the message.
        types: Type of each event.
        encoded: The same events, encoded.
    """

    __slots__ = ("_columns", "_encoded", "_rows")

    def __init__(self, columns: Any, types: Sequence[str], encoded: bytes) -> None:
        super().__init__(types, columns.stream_revision, columns.data)
        self._columns = columns
        self._encoded = encoded
        self._rows: EventRows | None = None

    @property
    def rows(self) -> EventRows:
        """The same events, parsed into a message for each event.

        Raises:
            MalformedReply: The events cannot be parsed.
        """
        if self._rows is None:
            try:
                messages = streams.ReadEvents.FromString(self._encoded).events
            except DecodeError as error:  # A field that is not among the columns cannot be parsed.
                raise MalformedReply("a read of events", str(error)) from None
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

    def __repr__(self) -> str:
        return f"<EventColumns, {len(self)}>"


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
    return EventRows(streams.ReadEvents.FromString(encoded).events).events()


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
