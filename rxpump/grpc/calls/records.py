"""Make events from the protobuf messages that contain them. Values are converted when they are read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from struct import Struct
from typing import Any, Final, overload
from uuid import UUID

from rxpump.grpc.calls.fields import JSON
from rxpump.model.events import Event, broken_link, single_event
from rxpump.model.positions import Position

_HALVES: Final = Struct(">qq")
_TICKS_OF_1970: Final = 621_355_968_000_000_000
"""Units of 100 ns from the year 1 to 1970."""


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
        return UUID(id.string).bytes_le

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


def event_of_stream(read: Any) -> Event:
    """Return the event of a ReadEvent or DeliveredEvent message, without its position."""
    record, link = _records(read)
    return single_event(record, link)


def event_of_log(read: Any) -> Event:
    """Return the event of a ReadEvent or DeliveredEvent message, with its position, which is that of the link."""
    record, link = _records(read)
    place = read.link if link is not None else read.event
    return single_event(record, link, Position(place.commit_position, place.prepare_position))


def _records(read: Any) -> tuple[Any, GrpcRecord | None]:
    """Return the record of an event, and that of the link by which it was reached."""
    if not read.HasField("link"):
        return GrpcRecord(read.event), None
    link = GrpcRecord(read.link)
    return GrpcRecord(read.event) if read.HasField("event") else broken_link(link), link


class MessageEvents(Sequence[Event]):
    """Events of messages, each created when it is read.

    Args:
        messages: Messages with an `event` and a `link`.
        make: `event_of_stream` or `event_of_log`.
    """

    __slots__ = ("_make", "_messages")

    def __init__(self, messages: Sequence[Any], make: Callable[[Any], Event]) -> None:
        self._messages = messages
        self._make: Callable[[Any], Event] = make

    def __iter__(self) -> Iterator[Event]:
        return map(self._make, self._messages)

    def __len__(self) -> int:
        return len(self._messages)

    @overload
    def __getitem__(self, index: int) -> Event: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Event]: ...
    def __getitem__(self, index: int | slice) -> Event | Sequence[Event]:
        if isinstance(index, slice):
            return [self._make(message) for message in self._messages[index]]
        return self._make(self._messages[index])

    def __repr__(self) -> str:
        return f"<MessageEvents, {len(self)}>"
