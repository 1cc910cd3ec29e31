"""A stream as readers see it, and the rules for visible events (docs/protocol/tcp.md, sections 4.5 and 4.6)."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from rxpump.model.limits import MAX_EVENT_NUMBER
from rxpump.model.system_names import METADATA_PREFIX
from rxpump.server.errors import damaged_event, damaged_stream
from rxpump.server.store.checksum import event_checksum, first_place, row_checksum
from rxpump.server.store.metadata import OF_A_METASTREAM, Metadata, limits


class StoredStream(NamedTuple):
    """A stream that has events, or had some.

    Attributes:
        key: Key by which the tables refer to the stream.
        last: Number of its last event.
        metadata: Limits that its metadata set (`metadata.acl` is not read).
        scavenged: Highest number of the events that a scavenge has removed; -1 if there are none.
        name: Name of the stream.
    """

    key: int
    last: int
    metadata: Metadata
    scavenged: int
    name: str

    @property
    def is_tombstoned(self) -> bool:
        """Whether the stream was hard-deleted."""
        return self.last == MAX_EVENT_NUMBER

    @property
    def is_soft_deleted(self) -> bool:
        """Whether the stream was soft-deleted; the next write makes it visible again."""
        return self.metadata.is_deleted

    @property
    def first_kept(self) -> int:
        """Lowest visible number. It is higher than the last number if no event is visible."""
        return self.metadata.first_kept(self.last)

    def since(self, now: int) -> int | None:
        """Return the Unix time in milliseconds from which events are visible; None if their age does not matter."""
        return None if self.metadata.max_age is None else now - self.metadata.max_age * 1000

    def lacks(self, revision: int) -> bool:
        """Return whether an event that is not stored should be stored, because no scavenge has removed it."""
        return not self.is_tombstoned and self.scavenged < revision <= self.last

    def check(self, revision: int, head: bytes, record: bytes, created: int, checksum: int) -> None:
        """Verify an event of the stream.

        Args:
            revision: Number of the event.
            head: The column `stream_head`.
            record: The column `record`.
            created: Time of the write in Unix milliseconds.
            checksum: The column `stream_checksum`.

        Raises:
            DamagedRecord: The event is damaged.
        """
        is_whole = event_checksum(first_place(self.key) + revision, head, record) == checksum
        if not is_whole or not isinstance(created, int):
            raise damaged_event(self.name, revision)

    def shows(self, revision: int, created: int, now: int) -> bool:
        """Return whether a stored event is visible at the time `now`, in Unix milliseconds."""
        since = self.since(now)
        return not self.is_tombstoned and revision >= self.first_kept and (since is None or created >= since)


class StreamRow(NamedTuple):
    """A row of the table `streams`, in the order of its columns."""

    key: int
    name: str
    last: int
    summary: bytes | None
    scavenged: int
    checksum: int

    def expected_checksum(self) -> int:
        """Return the checksum that the row must have."""
        return row_checksum((self.key, self.last, self.scavenged), self.name, self.summary)

    def verified(self) -> StreamRow:
        """Verify the checksum of the row, and return the row itself.

        Raises:
            DamagedRecord: The row is damaged.
        """
        if self.checksum != self.expected_checksum():
            raise damaged_stream(self.name)
        return self


STREAM_COLUMNS: Final = ", ".join(
    f"streams.{column}" for column in ("id", "name", "last", "metadata", "scavenged", "checksum")
)
STREAM_BY_NAME: Final = f"SELECT {STREAM_COLUMNS} FROM streams WHERE name = ?"


def stored_stream(row: StreamRow) -> StoredStream:
    """Return the stream of a row, or of the columns of a row.

    Raises:
        DamagedRecord: The row is damaged.
    """
    key, name, last, summary, scavenged, checksum = row
    if row_checksum((key, last, scavenged), name, summary) != checksum:
        raise damaged_stream(name)
    is_metastream = name.startswith(METADATA_PREFIX)  # A metadata stream has no metadata.
    return StoredStream(key, last, OF_A_METASTREAM if is_metastream else limits(summary), scavenged, name)


class Target(NamedTuple):
    """The target of a link and the row of its stream, as columns, which are None if there is no such row."""

    head: bytes
    record: bytes | None
    created: int
    checksum: int
    stream: StreamRow

    @classmethod
    def of(cls, head: bytes, record: bytes | None, created: int, checksum: int, *stream: Any) -> Target:
        """Return a target of the columns `TARGET_COLUMNS`."""
        return cls(head, record, created, checksum, StreamRow(*stream))

    def shown(self, link_revision: int | None, now: int) -> bytes | None:
        """Return the record if it is visible in its stream.

        Args:
            link_revision: Number of the event that the link names; -1 for the last one.
            now: Unix time in milliseconds.

        Raises:
            DamagedRecord: The event or its stream is damaged.
        """
        if self.stream.key is None or link_revision is None:
            return None
        stream = stored_stream(self.stream)
        number = stream.last if link_revision < 0 else link_revision
        if self.record is None:
            if stream.lacks(number) and number >= stream.first_kept:
                raise damaged_event(stream.name, number)
            return None
        stream.check(number, self.head, self.record, self.created, self.checksum)
        return self.record if stream.shows(number, self.created, now) else None


TARGET_COLUMNS: Final = f"target.stream_head, target.record, target.created, target.stream_checksum, {STREAM_COLUMNS}"
