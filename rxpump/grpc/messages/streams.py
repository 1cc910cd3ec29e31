"""Messages that read streams, append to them and delete them."""

from __future__ import annotations

from typing import Any, Final

from rxpump.grpc.messages.methods import Method, Service
from rxpump.grpc.messages.schema import message_class

ReadRequest: Any = message_class("streams.ReadRequest")
ReadEvent: Any = message_class("streams.ReadEvent")
ReadResponse: Any = message_class("streams.ReadResponse")
ReadEvents: Any = message_class("streams.ReadEvents")
ReadEventsColumns: Any = message_class("streams.ReadEventsColumns")
ProposedEvent: Any = message_class("streams.ProposedEvent")
AppendRequest: Any = message_class("streams.AppendRequest")
AppendResponse: Any = message_class("streams.AppendResponse")
BatchAppendRequest: Any = message_class("streams.BatchAppendRequest")
BatchAppendParts: Any = message_class("streams.BatchAppendParts")
BatchAppendResponse: Any = message_class("streams.BatchAppendResponse")
WrongExpectedVersion: Any = message_class("streams.WrongExpectedVersion")
StreamDeleted: Any = message_class("streams.StreamDeleted")
MaximumAppendSizeExceeded: Any = message_class("streams.MaximumAppendSizeExceeded")
MaximumAppendEventSizeExceeded: Any = message_class("streams.MaximumAppendEventSizeExceeded")
BadRequest: Any = message_class("streams.BadRequest")
DeleteRequest: Any = message_class("streams.DeleteRequest")
DeleteResponse: Any = message_class("streams.DeleteResponse")

_SERVICE: Final = Service("event_store.client.streams.Streams", "streams.Streams")

READ: Final[Method] = _SERVICE.method("Read", 20, 6)
APPEND: Final[Method] = _SERVICE.method("Append", 20, 6)
BATCH_APPEND: Final[Method] = _SERVICE.method("BatchAppend", 21, 6)
DELETE: Final[Method] = _SERVICE.method("Delete", 20, 6)
TOMBSTONE: Final[Method] = _SERVICE.method("Tombstone", 20, 6)
