"""The end of a soft delete, which is caused by a write to the stream or to its metadata.

The numbers of events continue. The server writes metadata that hide the deleted events and keep all other keys
(docs/protocol/tcp.md, section 4.5).
"""

from __future__ import annotations

from rxpump.model.system_names import METADATA_PREFIX
from rxpump.server.store.metadata import undeleted
from rxpump.server.store.new_event import metadata_event
from rxpump.server.store.record_schema import JSON_CONTENT
from rxpump.server.store.write_transaction import OpenStream, WriteTransaction


class Undelete:
    """The undelete of one stream.

    Args:
        stream: The stream.

    Attributes:
        first: Number of the first event that will be visible.
    """

    def __init__(self, stream: OpenStream) -> None:
        self.stream = stream
        self.first: int = stream.last + 1

    @classmethod
    def of_write(cls, log: WriteTransaction, stream: OpenStream) -> Undelete | None:
        """Return the undelete that a write to `stream` causes; None if it causes none. Call it before the write."""
        written_to = stream if stream.described is None else log.stream(stream.described)
        return cls(written_to) if written_to.is_soft_deleted else None

    def complete(self, log: WriteTransaction) -> None:
        """Write the metadata of the undelete. Call it after the write."""
        metastream = log.stream(METADATA_PREFIX + self.stream.name)
        last = metastream.last_event()
        if last is not None and last.data_content_type == JSON_CONTENT:
            data = undeleted(last.data, self.first)
            if data is not None:
                log.write(metastream, [metadata_event(data, log.new_id())])
