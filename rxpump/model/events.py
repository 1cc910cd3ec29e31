"""An event as it was read.

An `Event` contains its type, number and data, which most pipelines read. All other values stay in the `Records` of
the transport, and are converted when they are read. Reading twice converts twice. An event keeps the page in memory
that it came in; to keep a few events of many pages for long, keep their values.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol
from uuid import UUID

from rxpump.errors import MalformedReply, NotJson
from rxpump.model import json_text
from rxpump.model.positions import Position

_EPOCH = datetime(1, 1, 1, tzinfo=UTC)
_TICKS_MASK = 0x3FFF_FFFF_FFFF_FFFF  # without the two top bits, which are the kind of a .NET time


class Record(Protocol):
    """One stored event, as a transport received it."""

    @property
    def event_stream_id(self) -> str:
        """Name of the stream."""

    @property
    def event_number(self) -> int:
        """Number of the event in its stream, from 0."""

    @property
    def event_id(self) -> bytes:
        """The 16 bytes of the id in the order of `UUID.bytes_le`."""

    @property
    def event_type(self) -> str:
        """Type of the event."""

    @property
    def data_content_type(self) -> int:
        """1 if the data are JSON, otherwise another number."""

    @property
    def data(self) -> bytes:
        """Body of the event."""

    @property
    def metadata(self) -> bytes:
        """Metadata of the event; empty if there are none."""

    @property
    def created(self) -> int:
        """Time at which the server stored the event, in units of 100 ns since the year 1 (UTC)."""


class Records(Protocol):
    """The records of events that a transport received together, each at an index."""

    def record(self, index: int) -> Record:
        """Return the record of an event; for a broken link the result of `broken_link`."""

    def link(self, index: int) -> Record | None:
        """Return the record of the link by which an event was reached; None if it was read directly."""

    def position(self, index: int) -> Position | None:
        """Return the position in `$all` at which an event was received; None if the server did not send it."""


class Event:
    """One event of a stream.

    If it was reached through a link that was resolved, it is the target of the link, and `link` is the link. A link
    whose target no longer exists is an event of its own: `is_broken_link` is True; stream, number, type and id are
    those of the link, and data and metadata are empty.

    Transports make events; for an event to write see `NewEvent`.

    Args:
        type: Type of the event.
        number: Number of the event in its stream.
        data: Body of the event.
        records: Everything else about the event, at `index`.
        index: Index of the event in `records`.

    Attributes:
        type: Type of the event, as its writer named it.
        number: Number of the event in its stream, from 0.
        data: Body of the event, as it was written.
    """

    __slots__ = ("_index", "_records", "data", "number", "type")

    def __init__(self, type: str, number: int, data: bytes, records: Records, index: int = 0) -> None:
        self.type: Final[str] = type
        self.number: Final[int] = number
        self.data: Final[bytes] = data
        self._records = records
        self._index = index

    @property
    def event_number(self) -> int:
        """Another name of `number`."""
        return self.number

    @property
    def stream(self) -> str:
        """Name of the stream that the event belongs to."""
        return self._record.event_stream_id

    @property
    def id(self) -> UUID:
        """Id of the event, chosen by its writer.

        Raises:
            MalformedReply: The server sent an id that is not a UUID.
        """
        try:
            return UUID(bytes_le=self.id_bytes)
        except ValueError:
            raise MalformedReply(f"the read of {self!r}", f"an id of {len(self.id_bytes)} bytes") from None

    @property
    def id_bytes(self) -> bytes:
        """Bytes of the id in the order of `UUID.bytes_le`. Faster than `id`, for comparisons."""
        return self._record.event_id

    @property
    def metadata(self) -> bytes:
        """Metadata of the event, as they were written; empty if there are none."""
        return self._record.metadata

    @property
    def is_json(self) -> bool:
        """Whether the writer marked the data as JSON. The server does not check that they are."""
        return self._record.data_content_type == 1

    @property
    def created(self) -> datetime:
        """Time at which the server stored the event (aware, UTC).

        Raises:
            MalformedReply: The server sent a time after the year 9999, or one that is not a number.
        """
        created = self._record.created
        try:
            return _EPOCH + timedelta(microseconds=(created & _TICKS_MASK) // 10)
        except OverflowError:
            raise MalformedReply(f"the read of {self!r}", f"the time {created}") from None

    @property
    def position(self) -> Position | None:
        """Position in `$all` at which the event was received, which is that of the link if it has one.

        None if the server did not send it. Over TCP, and before version 22.6, servers send it only in reads of `$all`
        and in subscriptions.
        """
        return self._records.position(self._index)

    @property
    def link(self) -> Event | None:
        """The link by which the event was reached, as an event; None if it was read directly."""
        link = self._records.link(self._index)
        return None if link is None else single_event(link, position=self.position)

    @property
    def received(self) -> Event:
        """The event of the stream that was read: the link by which the event was reached, or the event itself."""
        return self.link or self

    @property
    def received_number(self) -> int:
        """Number of `received`. It is faster than `received.number`, because no event is created."""
        link = self._records.link(self._index)
        return self.number if link is None else link.event_number

    @property
    def received_id_bytes(self) -> bytes:
        """Bytes of the id of `received`. It is faster than `received.id_bytes`, because no event is created."""
        link = self._records.link(self._index)
        return self._records.record(self._index).event_id if link is None else link.event_id

    @property
    def is_broken_link(self) -> bool:
        """Whether the event is a link whose target no longer exists."""
        return type(self._record) is _BrokenLink

    def json(self) -> Any:
        """Return the data, decoded from JSON (see `rxpump.model.json_text`). Raise NotJson if they are not JSON."""
        try:
            return json_text.decode(self.data)
        except (ValueError, RecursionError) as error:  # A UnicodeDecodeError is a ValueError.
            raise self._not_json("data", error) from error

    def json_metadata(self) -> Any:
        """Return the metadata, decoded from JSON; None if there is none. Raise NotJson if they are not JSON."""
        metadata = self.metadata
        try:
            return json_text.decode(metadata) if metadata else None
        except (ValueError, RecursionError) as error:
            raise self._not_json("metadata", error) from error

    def _not_json(self, part: str, error: Exception) -> NotJson:
        reason = "the target of the link does not exist" if self.is_broken_link else str(error)
        return NotJson(self.stream, self.number, part, reason)

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self is other or self._values() == other._values()

    def __hash__(self) -> int:
        return hash(self.id_bytes)

    def __getstate__(self) -> object:
        plain = _SingleRecord(*self._values())
        return None, {
            "type": self.type,
            "number": self.number,
            "data": self.data,
            "_records": plain,
            "_index": 0,
        }

    @property
    def _record(self) -> Record:
        return self._records.record(self._index)

    def _values(self) -> tuple[Record, Record | None, Position | None]:
        """Return the content as values that can be compared and pickled, and that do not keep a page in memory."""
        link = self._records.link(self._index)
        return _PlainRecord.of(self._record), None if link is None else _PlainRecord.of(link), self.position

    def __repr__(self) -> str:
        if self.is_broken_link:
            return f"<Event {self.number}@{self.stream} a link without a target>"
        link = self.link
        via = f" via {link.number}@{link.stream}" if link else ""
        return f"<Event {self.number}@{self.stream} {self.type} {len(self.data)} bytes{via}>"


@dataclass(slots=True)
class _PlainRecord:
    """A copy of a record that does not keep the received message in memory."""

    event_stream_id: str
    event_number: int
    event_id: bytes
    event_type: str
    data_content_type: int
    data: bytes
    metadata: bytes
    created: int

    @staticmethod
    def of(record: Record) -> _PlainRecord:
        """Copy a record."""
        cls = _BrokenLink if type(record) is _BrokenLink else _PlainRecord
        return cls(
            record.event_stream_id,
            record.event_number,
            record.event_id,
            record.event_type,
            record.data_content_type,
            record.data,
            record.metadata,
            record.created,
        )


@dataclass(slots=True)
class _BrokenLink(_PlainRecord):
    """The record of a link whose target no longer exists."""


class _SingleRecord:
    """The records of one event."""

    __slots__ = ("_link", "_position", "_record")

    def __init__(self, record: Record, link: Record | None, position: Position | None) -> None:
        self._record = record
        self._link = link
        self._position = position

    def record(self, index: int) -> Record:
        return self._record

    def link(self, index: int) -> Record | None:
        return self._link

    def position(self, index: int) -> Position | None:
        return self._position


def single_event(record: Record, link: Record | None = None, position: Position | None = None) -> Event:
    """Return an event that was received alone.

    Args:
        record: Record of the event; for a broken link the result of `broken_link`.
        link: Record of the link by which it was reached; None if it was read directly.
        position: Position in `$all` at which it was received; None if it is not known.
    """
    records = _SingleRecord(record, link, position)
    return Event(record.event_type, record.event_number, record.data, records)


def broken_link(link: Record) -> Record:
    """Return the record of an event whose link has no target: the record of the link, without data and metadata."""
    return _BrokenLink(
        link.event_stream_id, link.event_number, link.event_id, link.event_type, 0, b"", b"", link.created
    )
