"""Messages that several services use."""

from __future__ import annotations

from typing import Any

from rxpump.grpc.messages.schema import message_class

Uuid: Any = message_class("Uuid")
UuidOption: Any = message_class("UuidOption")
StreamIdentifier: Any = message_class("StreamIdentifier")
Position: Any = message_class("Position")
ExpectedRevision: Any = message_class("ExpectedRevision")
RecordedEvent: Any = message_class("RecordedEvent")
EventFilter: Any = message_class("EventFilter")
