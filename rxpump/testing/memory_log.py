"""An event log in memory: streams, deletions, truncation by metadata, links, and pages.

It has no event loop and no input and output. Truncation by `$maxCount` and `$tb` is applied, expiry by `$maxAge` is
not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from rxpump.errors import (
    ConsistencyCheckFailed,
    EventNotFound,
    StreamDeleted,
    StreamNotFound,
    WrongExpectedVersion,
)
from rxpump.model.events import Event, broken_link, single_event
from rxpump.model.limits import MAX_EVENT_NUMBER
from rxpump.model.new_events import NewEvent
from rxpump.model.pages import AllPage, StreamPage
from rxpump.model.positions import END, START, Edge, ExpectedVersion, Position, StreamDirection
from rxpump.model.results import DeleteResult, WriteResult
from rxpump.model.system_names import (
    LINK_EVENT_TYPE,
    METADATA_EVENT_TYPE,
    METADATA_PREFIX,
    TOMBSTONE_EVENT_TYPE,
    TRUNCATE_BEFORE_KEY,
)
from rxpump.testing.memory_stream import MemoryStream, Placement, StoredEvent

_EPOCH = datetime(1, 1, 1, tzinfo=UTC)
_NEW_ID = b""  # This id is not used by any event.


class MemoryLog:
    """All streams, and the order in which their events were written."""

    def __init__(self) -> None:
        self.events: list[StoredEvent] = []
        self._streams: dict[str, MemoryStream] = {}

    @property
    def end(self) -> Position:
        """Position after the last event."""
        return Position(len(self.events) + 1, len(self.events) + 1)

    @property
    def last(self) -> Position:
        """Position of the last event; the first of all positions if there is none."""
        return Position(len(self.events), len(self.events))

    def stream(self, name: str) -> MemoryStream:
        """Return a stream, which may have no events."""
        stream = self._streams.get(name)
        if stream is None:
            stream = MemoryStream(name, lambda: self._streams.get(METADATA_PREFIX + name))
            self._streams[name] = stream
        return stream

    # Writing -------------------------------------------------------------------------------------

    def append(self, name: str, events: Sequence[NewEvent], expected_version: int) -> WriteResult:
        """Append events as one atomic write; see `Transport.append`."""
        stream = self._writable(name)
        placement = stream.placed([event.id_bytes for event in events], expected_version)
        return self._written(stream, events, placement)

    def append_many(
        self, events: Mapping[str, Sequence[NewEvent]], expected_versions: Mapping[str, int]
    ) -> dict[str, WriteResult]:
        """Append events to several streams as one atomic write; see `Transport.append_many`."""
        placements: dict[str, Placement] = {}
        violations: list[WrongExpectedVersion] = []
        for name in (*events, *(each for each in expected_versions if each not in events)):
            expected = expected_versions.get(name, ExpectedVersion.ANY)
            stream = self._writable(name) if name in events else self.stream(name)
            try:
                if name in events:
                    placements[name] = stream.placed([event.id_bytes for event in events[name]], expected)
                elif not stream.is_at(expected):
                    violations.append(WrongExpectedVersion(name, expected, stream.last))
            except WrongExpectedVersion as error:
                violations.append(error)
        if not violations and len({each.is_repeated for each in placements.values()}) == 2:
            violations = [
                WrongExpectedVersion(name, expected_versions.get(name), self.stream(name).last)
                for name, each in placements.items()
                if each.is_repeated
            ]
        if violations:
            first = violations[0]
            raise ConsistencyCheckFailed(first.stream, first.expected, first.current, tuple(violations))
        return {name: self._written(self.stream(name), events[name], each) for name, each in placements.items()}

    def delete(self, name: str, expected_version: int, *, hard: bool) -> DeleteResult:
        """Delete a stream; see `Transport.delete_stream`."""
        stream = self._writable(name)
        stream.placed([_NEW_ID], expected_version)
        if hard:
            self._store(stream, MAX_EVENT_NUMBER, NewEvent(TOMBSTONE_EVENT_TYPE))
        else:
            self._write_metadata(stream, {TRUNCATE_BEFORE_KEY: MAX_EVENT_NUMBER})
        return DeleteResult(name, self.last)

    def _writable(self, name: str) -> MemoryStream:
        """Return a stream, after a check that it can be written.

        Raises:
            StreamDeleted: It is tombstoned, or it contains the metadata of a stream that is tombstoned.
        """
        if self.stream(name.removeprefix(METADATA_PREFIX)).is_tombstoned:
            raise StreamDeleted(name)
        return self.stream(name)

    def _written(self, stream: MemoryStream, events: Sequence[NewEvent], placement: Placement) -> WriteResult:
        """Store the events of a write, unless they are stored already, and return the result."""
        if placement.is_repeated:
            return WriteResult(stream.name, placement.first, placement.last, None)
        if stream.is_soft_deleted:
            self._write_metadata(stream, {**stream.metadata(), TRUNCATE_BEFORE_KEY: stream.last + 1})
        for event in events:
            self._store(stream, stream.last + 1, event)
        return WriteResult(stream.name, placement.first, stream.last, self.last)

    def _write_metadata(self, stream: MemoryStream, metadata: dict[str, Any]) -> None:
        settings = self.stream(METADATA_PREFIX + stream.name)
        self._store(settings, settings.last + 1, NewEvent(METADATA_EVENT_TYPE, metadata))

    def _store(self, stream: MemoryStream, number: int, event: NewEvent) -> None:
        created = datetime.now(UTC) - _EPOCH
        ticks = ((created.days * 86_400 + created.seconds) * 1_000_000 + created.microseconds) * 10
        stored = StoredEvent(
            stream.name,
            number,
            event.id_bytes,
            event.type,
            int(event.is_json),
            event.data,
            event.metadata,
            ticks,
            len(self.events) + 1,
        )
        self.events.append(stored)
        if number == MAX_EVENT_NUMBER:
            stream.is_tombstoned = True
        else:
            stream.events.append(stored)

    # Reading -------------------------------------------------------------------------------------

    def readable(self, name: str) -> MemoryStream:
        """Return a stream that has events that can be read.

        Raises:
            StreamNotFound: It has no events.
            StreamDeleted: It was deleted permanently.
        """
        stream = self.stream(name)
        if self.stream(name.removeprefix(METADATA_PREFIX)).is_tombstoned:
            raise StreamDeleted(name)
        if stream.last < 0 or stream.is_soft_deleted:
            raise StreamNotFound(name)
        return stream

    def event(self, name: str, number: int | Edge, *, resolve_links: bool) -> Event:
        """Return one event; see `Transport.read_event`."""
        stream = self.readable(name)
        if isinstance(number, Edge):
            number = stream.last if number is END else 0
        if not stream.first <= number <= stream.last:
            raise EventNotFound(name, number)
        return self.resolved(stream.events[number], resolve_links=resolve_links)

    def stream_page(
        self, name: str, start: int | Edge, max_count: int, direction: StreamDirection, *, resolve_links: bool
    ) -> StreamPage:
        """Return a page; see `Transport.read_stream_page`."""
        stream = self.readable(name)
        last = stream.last
        if direction is StreamDirection.FORWARD:
            first = max(stream.first, start if isinstance(start, int) else 0 if start is START else last + 1)
            stored = stream.events[first : first + max_count]
            following, is_end = first + len(stored), first + max_count > last
        else:
            newest = min(last, start if isinstance(start, int) else 0 if start is START else last)
            oldest = max(stream.first, newest - max_count + 1)
            stored = stream.events[oldest : newest + 1][::-1]
            is_end = oldest <= stream.first
            following = -1 if is_end else oldest - 1
        return StreamPage(
            [self.resolved(each, resolve_links=resolve_links) for each in stored],
            stream=name,
            next_event_number=following,
            last_event_number=last,
            is_end_of_stream=is_end,
        )

    def all_page(
        self, start: Position | Edge, max_count: int, direction: StreamDirection, *, resolve_links: bool
    ) -> AllPage:
        """Return a page without a filter; see `Transport.read_all_page`."""
        if isinstance(start, Edge):
            start = Position(0, 0) if start is START else self.end
        index = max(0, min(start.commit, self.end.commit) - 1)
        if direction is StreamDirection.FORWARD:
            stored = self.events[index : index + max_count]
            # Like on a server, this position is before the next event, not equal to its position.
            following = Position(stored[-1].commit_position + 1 if stored else max(start.commit, 1), 0)
        else:
            stored = self.events[max(0, index - max_count) : index][::-1]
            following = stored[-1].position if stored else Position(1, 0)
        return AllPage(
            [self.resolved(each, resolve_links=resolve_links, is_placed=True) for each in stored],
            position=start if start.commit <= self.end.commit else self.end,
            next_position=following,
        )

    def resolved(self, stored: StoredEvent, *, resolve_links: bool, is_placed: bool = False) -> Event:
        """Return a stored event as an `Event`.

        Args:
            stored: The stored event.
            resolve_links: Whether to return the target of a link.
            is_placed: Whether the event has a position, because it is read from `$all`.
        """
        position = stored.position if is_placed else None
        if not resolve_links or stored.event_type != LINK_EVENT_TYPE:
            return single_event(stored, None, position)
        number, _, name = stored.data.decode(errors="replace").partition("@")
        target = self._streams.get(name)
        if target is None or not number.isdecimal() or not target.first <= int(number) <= target.last:
            return single_event(broken_link(stored), stored, position)
        return single_event(target.events[int(number)], stored, position)
