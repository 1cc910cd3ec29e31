"""A stream as readers find it, and what of it is shown (docs/protocol/tcp.md, sections 4.5 and 4.6)."""

from __future__ import annotations

from typing import NamedTuple

from rxpump.limits import MAX_EVENT_NUMBER
from rxpump.server.store.metadata import OF_A_METASTREAM, Metadata, limits
from rxpump.wire.codes import METADATA_PREFIX


class StoredStream(NamedTuple):
    """A stream that has events, or had some: how the store calls it, its last number, and what its
    metadata say is shown of it (`metadata.acl` is not read)."""

    key: int
    last: int
    metadata: Metadata

    @property
    def is_tombstoned(self) -> bool:
        """Whether it was deleted for ever."""
        return self.last == MAX_EVENT_NUMBER

    @property
    def is_soft_deleted(self) -> bool:
        """Whether it was deleted, to begin anew with the next write."""
        return self.metadata.is_deleted

    @property
    def first_kept(self) -> int:
        """The lowest number that is shown; it may be over the last."""
        return self.metadata.first_kept(self.last)

    def since(self, now: int) -> int | None:
        """Give the time from which events are shown, None where that is always; in Unix milliseconds."""
        return None if self.metadata.max_age is None else now - self.metadata.max_age * 1000

    def shows(self, revision: int, created: int, now: int) -> bool:
        """Tell whether the event of number `revision`, which is stored, is shown at time `now`."""
        since = self.since(now)
        return not self.is_tombstoned and revision >= self.first_kept and (since is None or created >= since)


def stored_stream(name: str, key: int, last: int, summary: bytes | None) -> StoredStream:
    """Make a StoredStream of its row."""
    is_metastream = name.startswith(METADATA_PREFIX)  # which have no metadata of their own
    return StoredStream(key, last, OF_A_METASTREAM if is_metastream else limits(summary))


class Target(NamedTuple):
    """Where a link leads to, as columns: the event and its stream, None where they are not there."""

    record: bytes | None
    revision: int
    created: int
    key: int
    last: int
    summary: bytes | None

    def shown(self, stream: str, now: int) -> bytes | None:
        """Give the event's record if it is shown to who reads its stream, by name `stream`."""
        if self.record is None:
            return None
        shows = stored_stream(stream, self.key, self.last, self.summary).shows(self.revision, self.created, now)
        return self.record if shows else None
