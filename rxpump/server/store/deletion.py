"""The deletion of a stream (docs/protocol/tcp.md, section 4.5).

Soft: its metadata say that nothing of it is shown, until it is written to again. Hard: a tombstone, and
there never is a stream of that name again. Either is decided like an append of events nobody has seen.
"""

from __future__ import annotations

from typing import NamedTuple

from rxpump.model.system_names import METADATA_PREFIX
from rxpump.server.store.append_rule import StreamDeleted, WrongVersion, decide
from rxpump.server.store.metadata import DELETED
from rxpump.server.store.new_event import metadata_event
from rxpump.server.store.write_transaction import OpenStream, WriteTransaction

_NEW_ID = b""  # no event has it


class Deleted(NamedTuple):
    """The stream is deleted, by what was written at `position`."""

    position: int


DeleteResult = Deleted | WrongVersion | StreamDeleted


class DeleteRequest(NamedTuple):
    """The end of `stream`, for ever if it is `hard`."""

    stream: str
    expected_version: int
    hard: bool

    @property
    def weight(self) -> int:
        """How much work it is: that of writing one event."""
        return 2

    def apply(self, log: WriteTransaction) -> DeleteResult:
        """Decide on it, and delete."""
        stream = log.stream(self.stream)
        decision = decide(self.expected_version, [_NEW_ID], stream)
        if isinstance(decision, WrongVersion | StreamDeleted):
            return decision
        return Deleted(log.tombstone(stream) if self.hard else _soft_delete(log, stream))

    def __str__(self) -> str:
        return f"the deletion of {self.stream!r}"


def _soft_delete(log: WriteTransaction, stream: OpenStream) -> int:
    return log.write(log.stream(METADATA_PREFIX + stream.name), [metadata_event(DELETED)])
