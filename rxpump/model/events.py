"""An event as it was read.

An `Event` is a light view of the record that arrived: nothing is converted until it is looked at,
because most pipelines look at a type, drop the event and go on. Looking twice converts twice; keep
what you need. An event keeps the page it came in alive, so to hold a few events of many for long,
hold their fields.
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
_TICKS_MASK = 0x3FFF_FFFF_FFFF_FFFF  # the two top bits of a .NET time tell its kind, not its value


class Record(Protocol):
    """One stored event, as a transport hands it over. Field meanings: docs/protocol/tcp.md, section 3.2."""

    event_stream_id: str
    event_number: int
    event_id: bytes
    event_type: str
    data_content_type: int
    data: bytes
    metadata: bytes
    created: int


class ResolvedRecord(Protocol):
    """A record and the link it was reached by; each is an empty record where absent."""

    @property
    def event(self) -> Record:
        """The event itself, or what the link points at."""

    @property
    def link(self) -> Record:
        """The link, where one was resolved."""

    def HasField(self, field_name: Any, /) -> bool:  # noqa: N802 - the protobuf name
        """Tell whether `event` or `link` is there."""


class Event:
    """One event of a stream.

    Where it was reached through a link that was resolved, it is the event linked to, and `link` says
    where it was received. A link that leads nowhere (its target deleted or truncated) is an event of
    its own: `is_broken_link` is True, its stream, number, type and id are the link's, and its data and
    metadata are empty.
    """

    __slots__ = ("_resolved",)

    def __init__(self, resolved: ResolvedRecord) -> None:
        self._resolved = resolved

    # An event's type, stream and id are never empty on the server, so an empty one means that there
    # is no event behind the link; asking that way costs nothing in the ordinary case.

    @property
    def type(self) -> str:
        """What happened, as its writer named it."""
        return self._resolved.event.event_type or self._resolved.link.event_type

    @property
    def stream(self) -> str:
        """The name of the stream that the event belongs to."""
        return self._resolved.event.event_stream_id or self._resolved.link.event_stream_id

    @property
    def number(self) -> int:
        """The event's revision in its stream, from 0."""
        number = self._resolved.event.event_number
        return number if number or not self.is_broken_link else self._resolved.link.event_number

    event_number = number

    @property
    def id(self) -> UUID:
        """The id that its writer gave it. Raises MalformedReply where the server sent something else."""
        try:
            return UUID(bytes_le=self.id_bytes)
        except ValueError:
            raise MalformedReply(f"the read of {self!r}", f"an id of {len(self.id_bytes)} bytes") from None

    @property
    def id_bytes(self) -> bytes:
        """The id as it is stored, in .NET byte order: as good for comparing, and made at no cost."""
        return self._resolved.event.event_id or self._resolved.link.event_id

    @property
    def data(self) -> bytes:
        """The body, as written."""
        return self._resolved.event.data

    @property
    def metadata(self) -> bytes:
        """The metadata, as written; empty if there is none."""
        return self._resolved.event.metadata

    @property
    def is_json(self) -> bool:
        """Whether its writer called the data JSON; the server does not check that it is."""
        return self._resolved.event.data_content_type == 1

    @property
    def created(self) -> datetime:
        """When the server stored it (aware, UTC). Raises MalformedReply for a time after the year 9999."""
        record = self._resolved.link if self.is_broken_link else self._resolved.event
        try:
            return _EPOCH + timedelta(microseconds=(record.created & _TICKS_MASK) // 10)
        except OverflowError:
            raise MalformedReply(f"the read of {self!r}", f"the time {record.created}") from None

    @property
    def position(self) -> Position | None:
        """Where it was received in the whole database; None for events read from a single stream."""
        commit = getattr(self._resolved, "commit_position", None)
        return None if commit is None else Position(commit, getattr(self._resolved, "prepare_position", commit))

    @property
    def link(self) -> Event | None:
        """The link by which the event was reached, as an event; None if it was read directly."""
        return Event(_AsReceived(self._resolved)) if self._resolved.HasField("link") else None

    @property
    def received(self) -> Event:
        """The event as it stands in the stream that was read: the link if there is one, else itself."""
        return self.link or self

    @property
    def received_number(self) -> int:
        """The number of `received`, at less cost."""
        resolved = self._resolved
        return (resolved.link if resolved.HasField("link") else resolved.event).event_number

    @property
    def is_broken_link(self) -> bool:
        """Whether this is a link whose target no longer exists."""
        return not self._resolved.HasField("event")

    def json(self) -> Any:
        """The data, decoded from JSON (see `rxpump.model.json_text`). Raises NotJson."""
        try:
            return json_text.decode(self._resolved.event.data)
        except (ValueError, RecursionError) as error:  # a UnicodeDecodeError is a ValueError
            raise self._not_json("data", error) from error

    def json_metadata(self) -> Any:
        """The metadata, decoded from JSON; None if there is none. Raises NotJson."""
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
        return self is other or detached(self._resolved) == detached(other._resolved)

    def __hash__(self) -> int:
        return hash(self.id_bytes)

    def __getstate__(self) -> object:
        return None, {"_resolved": detached(self._resolved)}

    def __repr__(self) -> str:
        if self.is_broken_link:
            return f"<Event {self.number}@{self.stream} a link that leads nowhere>"
        link = self.link
        via = f" via {link.number}@{link.stream}" if link else ""
        return f"<Event {self.number}@{self.stream} {self.type} {len(self.data)} bytes{via}>"


class _AsReceived:
    """A resolved record seen as what was received: the link, unresolved, at the same position."""

    __slots__ = ("_resolved",)

    def __init__(self, resolved: ResolvedRecord) -> None:
        self._resolved = resolved

    @property
    def event(self) -> Record:
        return self._resolved.link

    link = event

    def HasField(self, field_name: Any, /) -> bool:  # noqa: N802 - the protobuf name
        return bool(field_name == "event")

    @property
    def commit_position(self) -> int | None:
        return getattr(self._resolved, "commit_position", None)

    @property
    def prepare_position(self) -> int | None:
        return getattr(self._resolved, "prepare_position", None)


@dataclass(slots=True)
class _PlainRecord:
    """A record apart from the message that it came in."""

    event_stream_id: str = ""
    event_number: int = 0
    event_id: bytes = b""
    event_type: str = ""
    data_content_type: int = 0
    data: bytes = b""
    metadata: bytes = b""
    created: int = 0


@dataclass(slots=True)
class _PlainResolvedRecord:
    """A resolved record that can be pickled and compared, whatever transport the original came from."""

    event: _PlainRecord
    link: _PlainRecord
    has_event: bool
    has_link: bool
    commit_position: int | None
    prepare_position: int | None

    def HasField(self, field_name: Any, /) -> bool:  # noqa: N802 - the protobuf name
        return self.has_event if field_name == "event" else self.has_link


def detached(resolved: ResolvedRecord) -> ResolvedRecord:
    """Return an equal record that can be pickled and does not keep the page alive that it came in."""
    has_event, has_link = resolved.HasField("event"), resolved.HasField("link")
    commit: int | None = getattr(resolved, "commit_position", None)
    return _PlainResolvedRecord(
        _plain(resolved.event) if has_event else _PlainRecord(),
        _plain(resolved.link) if has_link else _PlainRecord(),
        has_event,
        has_link,
        commit,
        getattr(resolved, "prepare_position", commit),
    )


def _plain(record: Record) -> _PlainRecord:
    return _PlainRecord(
        record.event_stream_id,
        record.event_number,
        record.event_id,
        record.event_type,
        record.data_content_type,
        record.data,
        record.metadata,
        record.created,
    )
