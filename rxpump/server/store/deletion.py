"""The deletion of a stream (docs/protocol/tcp.md, section 4.5).

A soft delete writes metadata that hide all events until the next write. A hard delete writes a tombstone, after which
no stream of that name can exist. The expected version is checked as for an append of one new event.
"""

from __future__ import annotations

from typing import NamedTuple

from rxpump.model.system_names import METADATA_PREFIX
from rxpump.server.store.append_rule import StreamDeleted, WrongVersion, decide
from rxpump.server.store.metadata import DELETED
from rxpump.server.store.new_event import metadata_event
from rxpump.server.store.write_transaction import OpenStream, WriteTransaction

_NEW_ID = b""  # This id is not used by any event.


class Deleted(NamedTuple):
    """The stream was deleted by a write at `position`."""

    position: int


DeleteResult = Deleted | WrongVersion | StreamDeleted


class DeleteRequest(NamedTuple):
    """A change that deletes a stream.

    Attributes:
        stream: Name of the stream.
        expected_version: Expected version of the stream.
        hard: Whether the stream is deleted permanently.
        must_exist: Whether the stream must have events or metadata, as for servers from version 21.10 on.
    """

    stream: str
    expected_version: int
    hard: bool
    must_exist: bool = False

    @property
    def weight(self) -> int:
        """Cost of the change: that of writing one event."""
        return 2

    def apply(self, log: WriteTransaction) -> DeleteResult:
        """Check the expected version, and delete the stream."""
        stream = log.stream(self.stream)
        decision = decide(self.expected_version, [_NEW_ID], stream)
        if isinstance(decision, WrongVersion | StreamDeleted):
            return decision
        if self.must_exist and stream.last < 0 and not stream.has_metadata():
            return WrongVersion(stream.last)
        return Deleted(log.tombstone(stream) if self.hard else _soft_delete(log, stream))

    def __str__(self) -> str:
        return f"the deletion of {self.stream!r}"


def _soft_delete(log: WriteTransaction, stream: OpenStream) -> int:
    return log.write(log.stream(METADATA_PREFIX + stream.name), [metadata_event(DELETED, log.new_id())])
