"""A soft-deleted stream is there again once it, or its metadata, is written to (docs/protocol/tcp.md, section 4.5).

Numbers go on: the metadata say that what was deleted stays hidden, and otherwise what they said before.
"""

from __future__ import annotations

from rxpump.model.system_names import METADATA_PREFIX
from rxpump.server.store.metadata import described_by, undeleted
from rxpump.server.store.new_event import metadata_event
from rxpump.server.store.record_schema import JSON_CONTENT
from rxpump.server.store.write_transaction import OpenStream, WriteTransaction


class Undelete:
    """Brings `stream` back, to begin with number `first`, once the write that does so is written."""

    def __init__(self, stream: OpenStream) -> None:
        self.stream = stream
        self.first: int = stream.last + 1

    @classmethod
    def of_write(cls, log: WriteTransaction, stream: OpenStream) -> Undelete | None:
        """Tell what a write to `stream`, before it is written, will bring back."""
        name = described_by(stream.name)
        written_to = stream if name is None else log.stream(name)
        return cls(written_to) if written_to.is_soft_deleted else None

    def complete(self, log: WriteTransaction) -> None:
        """Write the metadata that goes with it."""
        metastream = log.stream(METADATA_PREFIX + self.stream.name)
        last = metastream.last_event()
        if last is not None and last.data_content_type == JSON_CONTENT:
            data = undeleted(last.data, self.first)
            if data is not None:
                log.write(metastream, [metadata_event(data)])
