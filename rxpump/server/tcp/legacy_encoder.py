"""Encode frames for old clients, whose event numbers have 32 bits (docs/protocol/tcp.md, section 4.12).

An old client identifies itself with version 0, or not at all. The number of a tombstone is replaced by the largest
number of 32 bits. Only frames that contain the number of a tombstone are parsed and encoded again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from rxpump.model.limits import MAX_EVENT_NUMBER
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.commands import Command
from rxpump.tcp.wire.framing import Framer
from rxpump.tcp.wire.package import Package

_LARGEST_KNOWN: Final = 2**31 - 1
_TOMBSTONE: Final = b"\xff" * 8 + b"\x7f"
"""Number of a tombstone in the encoding of protobuf."""

_NUMBERS: Final = frozenset({"event_number", "last_event_number", "next_event_number"})
_PERSISTENT_APPEARED: Final = Command.PERSISTENT_SUBSCRIPTION_STREAM_EVENT_APPEARED
_MESSAGES: Final[dict[int, Any]] = {
    Command.READ_EVENT_COMPLETED: schema.ReadEventCompleted,
    Command.READ_STREAM_EVENTS_FORWARD_COMPLETED: schema.ReadStreamEventsCompleted,
    Command.READ_STREAM_EVENTS_BACKWARD_COMPLETED: schema.ReadStreamEventsCompleted,
    Command.READ_ALL_EVENTS_FORWARD_COMPLETED: schema.ReadAllEventsCompleted,
    Command.READ_ALL_EVENTS_BACKWARD_COMPLETED: schema.ReadAllEventsCompleted,
    Command.FILTERED_READ_ALL_EVENTS_FORWARD_COMPLETED: schema.FilteredReadAllEventsCompleted,
    Command.FILTERED_READ_ALL_EVENTS_BACKWARD_COMPLETED: schema.FilteredReadAllEventsCompleted,
    Command.SUBSCRIPTION_CONFIRMATION: schema.SubscriptionConfirmation,
    Command.STREAM_EVENT_APPEARED: schema.StreamEventAppeared,
    Command.PERSISTENT_SUBSCRIPTION_CONFIRMATION: schema.PersistentSubscriptionConfirmation,
    _PERSISTENT_APPEARED: schema.PersistentSubscriptionStreamEventAppeared,
}


def for_old_client(frames: bytes) -> bytes:
    """Return frames for a client of version 0, which expects another number of a tombstone."""
    if _TOMBSTONE not in frames:
        return frames
    return b"".join(_translated(package).encode() for package in Framer().feed(frames))


def _translated(package: Package) -> Package:
    kind = _MESSAGES.get(package.command)
    if kind is None or _TOMBSTONE not in package.payload:
        return package
    message = kind.FromString(package.payload)
    _translate(message)
    return package._replace(payload=message.SerializeToString())


def _translate(message: Any) -> None:
    for field, value in message.ListFields():
        if field.message_type is not None:
            for each in [value] if hasattr(value, "ListFields") else value:
                _translate(each)
        elif field.name in _NUMBERS and value == MAX_EVENT_NUMBER:
            setattr(message, field.name, _LARGEST_KNOWN)


class LegacyEncoder:
    """Sends frames to a client, which is treated as an old one until it identifies itself.

    Attributes:
        is_old: Whether the client has version 0.
    """

    def __init__(self, send: Callable[[bytes], None]) -> None:
        self.is_old = True
        self._send = send

    def __call__(self, frames: bytes) -> None:
        """Send frames."""
        self._send(for_old_client(frames) if self.is_old else frames)
