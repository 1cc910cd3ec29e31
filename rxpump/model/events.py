"""An event as it was read.

An `Event` is a light view of the record that a transport received: a value is converted when it is read, because most
pipelines read the type of an event, drop it and go on. Reading twice converts twice. An event keeps the page in
memory that it came in; to keep a few events of many pages for long, keep their values.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
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


class LogPlace(Protocol):
    """A position in `$all`, as a transport received it; an `Event` converts it to a `Position` when it is read."""

    @property
    def commit_position(self) -> int:
        """Commit position."""

    @property
    def prepare_position(self) -> int:
        """Prepare position; it equals the commit position outside of transactions."""


class Event:
    """One event of a stream.

    If it was reached through a link that was resolved, it is the target of the link, and `link` is the link. A link
    whose target no longer exists is an event of its own: `is_broken_link` is True; stream, number, type and id are
    those of the link, and data and metadata are empty.

    Transports make events; for an event to write see `NewEvent`.

    Args:
        record: The event; for a broken link the result of `broken_link`.
        link: The link by which the event was reached.
        place: Position in `$all` at which the event was received; None if it was read from a single stream.
    """

    __slots__ = ("_link", "_place", "_record")

    def __init__(self, record: Record, link: Record | None = None, place: LogPlace | None = None) -> None:
        self._record = record
        self._link = link
        self._place = place

    @property
    def type(self) -> str:
        """Type of the event, as its writer named it."""
        return self._record.event_type

    @property
    def stream(self) -> str:
        """Name of the stream that the event belongs to."""
        return self._record.event_stream_id

    @property
    def number(self) -> int:
        """Number of the event in its stream, from 0."""
        return self._record.event_number

    event_number = number

    @property
    def id(self) -> UUID:
        """Id of the event, chosen by its writer.

        Raises:
            MalformedReply: The server sent an id that does not have 16 bytes.
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
    def data(self) -> bytes:
        """Body of the event, as it was written."""
        return self._record.data

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
        """When the server stored the event (aware, UTC).

        Raises:
            MalformedReply: The server sent a time after the year 9999.
        """
        created = self._record.created
        try:
            return _EPOCH + timedelta(microseconds=(created & _TICKS_MASK) // 10)
        except OverflowError:
            raise MalformedReply(f"the read of {self!r}", f"the time {created}") from None

    @property
    def position(self) -> Position | None:
        """Position in `$all` at which the event was received; None if it was read from a single stream."""
        place = self._place
        return None if place is None else Position(place.commit_position, place.prepare_position)

    @property
    def link(self) -> Event | None:
        """The link by which the event was reached, as an event; None if it was read directly."""
        return None if self._link is None else Event(self._link, None, self._place)

    @property
    def received(self) -> Event:
        """The event as it stands in the stream that was read: the link if there is one, else the event itself."""
        return self.link or self

    @property
    def received_number(self) -> int:
        """Number of `received`. It is faster than `received.number`, because no event is created."""
        return (self._record if self._link is None else self._link).event_number

    @property
    def is_broken_link(self) -> bool:
        """Whether the event is a link whose target no longer exists."""
        return type(self._record) is _BrokenLink

    def json(self) -> Any:
        """Return the data, decoded from JSON (see `rxpump.model.json_text`). Raise NotJson if they are not JSON."""
        try:
            return json_text.decode(self._record.data)
        except (ValueError, RecursionError) as error:  # a UnicodeDecodeError is a ValueError
            raise self._not_json("data", error) from error

    def json_metadata(self) -> Any:
        """Return the metadata, decoded from JSON; None if there is none. Raise NotJson if they are not JSON."""
        metadata = self.metadata
        try:
            return json_text.decode(metadata) if metadata else None
        except (ValueError, RecursionError) as error:
            raise self._not_json("metadata", error) from error

    def _not_json(self, part: str, error: Exception) -> NotJson:
        reason = "its link leads nowhere" if self.is_broken_link else str(error)
        return NotJson(self.stream, self.number, part, reason)

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self is other or self._values() == other._values()

    def __hash__(self) -> int:
        return hash(self.id_bytes)

    def __getstate__(self) -> object:
        record, link, place = self._values()
        return None, {"_record": record, "_link": link, "_place": place}

    def _values(self) -> tuple[Record, Record | None, LogPlace | None]:
        """Return equal arguments that can be compared and pickled, and that do not keep a page in memory."""
        record, link, place = self._record, self._link, self._place
        return (
            _PlainRecord.of(record),
            None if link is None else _PlainRecord.of(link),
            None if place is None else _PlainPlace(place.commit_position, place.prepare_position),
        )

    def __repr__(self) -> str:
        if self.is_broken_link:
            return f"<Event {self.number}@{self.stream} a link that leads nowhere>"
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


@dataclass(slots=True)
class _PlainPlace:
    """A copy of a place that does not keep the received message in memory."""

    commit_position: int
    prepare_position: int


def broken_link(link: Record) -> Record:
    """Return the record of an event whose link has no target: the record of the link, without data and metadata."""
    return _BrokenLink(
        link.event_stream_id, link.event_number, link.event_id, link.event_type, 0, b"", b"", link.created
    )
