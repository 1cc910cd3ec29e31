"""One stream of an event log in memory: its events, its deletion, and the versions that writers expect."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, cast

from rxpump.errors import StreamDeleted, WrongExpectedVersion
from rxpump.model.limits import MAX_EVENT_NUMBER
from rxpump.model.positions import ExpectedVersion, Position
from rxpump.model.system_names import MAX_COUNT_KEY, METADATA_PREFIX, TRUNCATE_BEFORE_KEY


class Placement(NamedTuple):
    """The numbers of the events of a write.

    Attributes:
        first: Number of the first event.
        last: Number of the last event; one less than `first` if there are no events.
        is_repeated: Whether the events are in the stream already.
    """

    first: int
    last: int
    is_repeated: bool


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """One stored event. It is the record of an `Event`."""

    event_stream_id: str
    event_number: int
    event_id: bytes
    event_type: str
    data_content_type: int
    data: bytes
    metadata: bytes
    created: int
    commit_position: int

    @property
    def position(self) -> Position:
        """Position in `$all`."""
        return Position(self.commit_position, self.commit_position)


@dataclass(slots=True)
class MemoryStream:
    """One stream: its events, and the stream with its metadata."""

    name: str
    settings: Callable[[], MemoryStream | None]
    events: list[StoredEvent] = field(default_factory=list[StoredEvent])
    is_tombstoned: bool = False

    @property
    def last(self) -> int:
        """Number of the last event; -1 if there is none."""
        return len(self.events) - 1

    @property
    def is_soft_deleted(self) -> bool:
        """Whether the stream was soft-deleted and not written since."""
        return self._truncated_before() == MAX_EVENT_NUMBER

    def placed(self, ids: Sequence[bytes], expected: int) -> Placement:
        """Return the numbers for new events, or their existing numbers if the stream contains them already.

        Args:
            ids: Ids of the events, in order.
            expected: Version that the writer expects.

        Raises:
            StreamDeleted: The stream is deleted permanently, or is soft-deleted and expected to exist.
            WrongExpectedVersion: The stream is at another version, or contains only some of the events.
        """
        if self.is_tombstoned or (self.is_soft_deleted and expected == ExpectedVersion.STREAM_EXISTS):
            raise StreamDeleted(self.name)
        numbers = self._numbers(ids, expected)
        known = [each for each in numbers if each is not None]
        # In another order they are repeated if the result can name a range (docs/protocol/tcp.md, section 4.3).
        if known and len(known) == len(ids) and known[-1] >= known[0] - 1:
            return Placement(known[0], known[-1], is_repeated=True)
        is_begun = bool(numbers) and numbers[0] is not None
        # Only events recreate a soft-deleted stream: an empty append needs the version itself.
        is_late = not ids and ExpectedVersion.NO_STREAM <= expected < self.last
        if is_begun or is_late or not self.is_at(expected):
            raise WrongExpectedVersion(self.name, expected, self.last)
        return Placement(self.last + 1, self.last + len(ids), is_repeated=False)

    def is_at(self, expected: int) -> bool:
        """Return whether the stream is at a version that a writer expects."""
        if expected == ExpectedVersion.ANY:
            return True
        if expected == ExpectedVersion.STREAM_EXISTS:
            settings = self.settings()
            return self.last >= 0 or (settings is not None and settings.last >= 0)
        return expected == self.last or (expected == ExpectedVersion.NO_STREAM and self.is_soft_deleted)

    def _numbers(self, ids: Sequence[bytes], expected: int) -> list[int | None]:
        """Return the number of each event, None for an event that the stream does not contain.

        If an exact version is expected, only events after that version are searched.
        """
        if expected in (ExpectedVersion.ANY, ExpectedVersion.STREAM_EXISTS):
            return [next((each.event_number for each in self.events if each.event_id == id), None) for id in ids]
        behind = self.events[expected + 1 : expected + 1 + len(ids)]
        found = [each.event_number if each.event_id == id else None for each, id in zip(behind, ids, strict=False)]
        return found + [None] * (len(ids) - len(found))

    def metadata(self) -> dict[str, Any]:
        """Return the metadata of this stream; empty if there are none or they are no JSON object."""
        settings = self.settings()
        if settings is None or not settings.events:
            return {}
        try:
            value: Any = json.loads(settings.events[-1].data)
        except ValueError:
            return {}
        return cast(dict[str, Any], value) if isinstance(value, dict) else {}

    @property
    def first(self) -> int:
        """Number of the first event that can be read."""
        if self.name.startswith(METADATA_PREFIX):
            return max(0, self.last)
        count = self.metadata().get(MAX_COUNT_KEY)
        by_count = len(self.events) - count if isinstance(count, int) and count > 0 else 0
        return max(0, by_count, self._truncated_before())

    def _truncated_before(self) -> int:
        before = self.metadata().get(TRUNCATE_BEFORE_KEY)
        return before if isinstance(before, int) else 0
