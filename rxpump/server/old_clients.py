"""What clients of long ago are told: event numbers had 32 bits then (protocol section 4.12).

A client that has not identified itself, or has as version 0, is such a one. The only number that they
cannot read is a tombstone's; it becomes the largest of theirs.
"""

from __future__ import annotations

from typing import Any, Final

from google.protobuf.message import Message

from rxpump.limits import MAX_EVENT_NUMBER
from rxpump.wire import schema
from rxpump.wire.commands import Command
from rxpump.wire.framing import Framer
from rxpump.wire.package import Package

_MAX_OLD_NUMBER: Final = 2**31 - 1
_ON_THE_WIRE: Final = b"\xff\xff\xff\xff\xff\xff\xff\xff\x7f"  # MAX_EVENT_NUMBER; rare, and found fast

_MESSAGES: Final[dict[int, Any]] = {
    Command.READ_EVENT_COMPLETED: schema.ReadEventCompleted,
    Command.READ_STREAM_EVENTS_FORWARD_COMPLETED: schema.ReadStreamEventsCompleted,
    Command.READ_STREAM_EVENTS_BACKWARD_COMPLETED: schema.ReadStreamEventsCompleted,
    Command.READ_ALL_EVENTS_FORWARD_COMPLETED: schema.ReadAllEventsCompleted,
    Command.READ_ALL_EVENTS_BACKWARD_COMPLETED: schema.ReadAllEventsCompleted,
    Command.SUBSCRIPTION_CONFIRMATION: schema.SubscriptionConfirmation,
    Command.STREAM_EVENT_APPEARED: schema.StreamEventAppeared,
    Command.PERSISTENT_SUBSCRIPTION_CONFIRMATION: schema.PersistentSubscriptionConfirmation,
    Command.PERSISTENT_SUBSCRIPTION_STREAM_EVENT_APPEARED: schema.PersistentSubscriptionStreamEventAppeared,
}
_NUMBERS: Final = {"event_number", "last_event_number"}


def for_old_client(frames: bytes) -> bytes:
    """Give whole frames as an old client understands them."""
    if _ON_THE_WIRE not in frames:
        return frames
    return b"".join(_for_old_client(package).encode() for package in Framer().feed(frames))


def _for_old_client(package: Package) -> Package:
    if package.command not in _MESSAGES or _ON_THE_WIRE not in package.payload:
        return package
    message = _MESSAGES[package.command].FromString(package.payload)
    _narrow(message)
    return package._replace(payload=message.SerializeToString())


def _narrow(message: Message) -> None:
    for field, value in message.ListFields():
        if field.message_type is not None:
            for part in [value] if isinstance(value, Message) else value:
                _narrow(part)
        elif field.name in _NUMBERS and value == MAX_EVENT_NUMBER:
            setattr(message, field.name, _MAX_OLD_NUMBER)
