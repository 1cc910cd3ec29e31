"""The log and its streams (docs/protocol/tcp.md, section 4.1).

Each record has an even position, and the odd number behind it is the position after the record. So the model's
positions have the same order as a server's, but other values.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from rxpump.server.strictness import Strictness
from rxpump.tcp.wire import schema

MAX64 = 2**63 - 1
UNIX_EPOCH = 621_355_968_000_000_000  # in units of 100 ns since the year 1
NEVER = -1  # the number of the last event of a stream that never had one


class Record(NamedTuple):
    """An event in the log, created at a Unix time in nanoseconds. If `event` has no id, the server generates one."""

    stream: str
    number: int
    event: Any
    commit: int
    prepare: int
    created: int

    @property
    def position(self) -> tuple[int, int]:
        return self.commit, self.prepare

    @property
    def is_of_transaction(self) -> bool:
        return self.prepare != self.commit

    def message(self) -> Any:
        is_json = int(self.event.data_content_type == 1)
        return schema.EventRecord(
            event_stream_id=self.stream,
            event_number=self.number,
            event_id=self.event.event_id,
            event_type=self.event.event_type,
            data_content_type=is_json,
            metadata_content_type=is_json,
            data=self.event.data,
            metadata=self.event.metadata,
            created=self.created // 100 + UNIX_EPOCH,
            created_epoch=self.created // 1_000_000,
        )


class Log:
    """All records. `news` are the records of the last command. `now` is the Unix time in nanoseconds."""

    def __init__(self, strictness: Strictness = Strictness.LENIENT) -> None:
        self.strictness = strictness
        self.records: list[Record] = []
        self.streams: dict[str, list[Record]] = {}
        self.tombstoned: set[str] = set()
        self.placed: dict[bytes, list[tuple[str, int]]] = {}  # records of each id, the oldest first
        self.now = 1_700_000_000_123_456_700
        self.end = 2
        self.last_commit = -1  # end of an empty log, which a real server never has
        self.news: list[Record] = []

    def reserve_position(self) -> int:
        self.end += 2
        return self.end - 2

    def last(self, stream: str) -> int:
        """Return the last number of a stream: MAX64 for a tombstone, NEVER if there was no event."""
        if stream in self.tombstoned or stream.removeprefix("$$") in self.tombstoned:
            return MAX64
        return self.last_for_writers(stream)

    def last_for_writers(self, stream: str) -> int:
        """Return the last number for a write. Metadata streams from before a hard delete can still be written."""
        original = stream.removeprefix("$$")
        count = len(self.streams.get(stream, ()))
        if stream in self.tombstoned or (original in self.tombstoned and not count):
            return MAX64
        return count - 1

    def last_event(self, stream: str) -> Any:
        """Return the NewEvent of the last event, if there is one."""
        return self.streams[stream][-1].event if self.streams.get(stream) else None

    def write(self, stream: str, events: Sequence[Any], prepares: Sequence[int] = ()) -> int:
        """Append events as one write, or with `prepares` as one commit, and return the commit position."""
        if prepares:
            self.reserve_position()  # The commit is not at the old end.
        if prepares or not events:
            commit = self.reserve_position()
            places = [(commit, prepare) for prepare in prepares]
        else:
            places = [(place, place) for place in (self.reserve_position() for _ in events)]
            commit = places[-1][0]
        for event, (its_commit, prepare) in zip(events, places, strict=True):
            self._add(Record(stream, self.last_for_writers(stream) + 1, event, its_commit, prepare, self.now))
        self.last_commit = commit
        return commit

    def tombstone(self, stream: str) -> int:
        """Write the tombstone."""
        place = self.reserve_position()
        self._add(Record(stream, MAX64, schema.NewEvent(event_type="$streamDeleted"), place, place, self.now))
        self.tombstoned.add(stream)
        self.last_commit = place
        return place

    def _add(self, record: Record) -> None:
        self.records.append(record)
        self.news.append(record)
        self.streams.setdefault(record.stream, []).append(record)
        if record.event.event_id:
            self.placed.setdefault(record.event.event_id, []).append((record.stream, record.number))
