"""One request of a client, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from google.protobuf.message import DecodeError

from rxpump.model.limits import MAX_EVENT_BYTES, MAX_PAGE_EVENTS
from rxpump.model.positions import ExpectedVersion
from rxpump.model.record_size import fits, text_bytes, utf16_bytes
from rxpump.server.access.users import User
from rxpump.server.tcp.consumers import Consumers
from rxpump.server.tcp.subscriptions import Subscriptions
from rxpump.tcp.wire.codes import SERVER_FAILED
from rxpump.tcp.wire.commands import Command

NO_ID: Final = UUID(int=0).bytes

NO_NUMBER: Final = -(2**31)
"""What a real server puts where there is no number to tell."""

TOO_LARGE: Final = "The event is too large for a stream with this name."
"""The text of a refusal of an event whose record would end a real server."""

TOO_MANY_EVENTS: Final = f"Read size too big, should be less than {MAX_PAGE_EVENTS} items"
"""What it says of a page that is larger than one may be."""

MAX_NAME: Final = MAX_EVENT_BYTES // 4
"""Characters of a name. With so many of the widest, an event and a link to it still fit into one frame."""


class BadPayload(Exception):
    """The payload is not what its command asks for (docs/protocol/tcp.md, section 1.3); `args[0]` may say more."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""


@dataclass(frozen=True, slots=True)
class Request:
    """A package that a user sent. `reply` answers it, now or later.

    `subscriptions`, and `consumers` of persistent ones, are the client's own.
    """

    correlation_id: bytes
    payload: bytes
    user: User
    subscriptions: Subscriptions
    consumers: Consumers
    reply: Callable[[Command, bytes], None]

    def fail(self, reason: str) -> None:
        """Answer that the server could not do what was asked for, which is no fault of the request.

        The protocol has one frame with a text for any request, BadRequest. The text tells the two apart.
        """
        self.reply(Command.BAD_REQUEST, f"{SERVER_FAILED}{reason}".encode())

    def read(self, message: Any) -> Any:
        """Read the payload as a `message`. Raises BadPayload, also for a zero correlation id."""
        if self.correlation_id == NO_ID:
            raise BadPayload
        try:
            return message.FromString(self.payload)
        except DecodeError:
            raise BadPayload from None


def encode(message: Any) -> bytes:
    """Encode a message as the payload of an answer."""
    return bytes(message.SerializeToString())


def checked_name(value: object) -> str:
    """Check the name of a stream or of a group. Raises BadPayload."""
    if not value:
        raise BadPayload
    name = checked_text(value)
    if len(name) > MAX_NAME:
        raise BadPayload
    return name


def checked_text(value: object) -> str:
    """Check a text that may be empty. Raises BadPayload."""
    # text that is not UTF-8 arrives here as bytes
    if not isinstance(value, str):
        raise BadPayload
    return value


def checked_version(value: int, *named: ExpectedVersion) -> int:
    """Check an expected version: an event number, or one of those `named`. Raises BadPayload."""
    if value < 0 and value not in named:
        raise BadPayload
    return value


def checked_event(event: Any) -> Any:
    """Check a NewEvent. Raises BadPayload."""
    event_type = checked_text(event.event_type)
    if not event_type:
        raise BadPayload
    if len(event.event_id) != len(NO_ID) or event.event_id == NO_ID:
        raise BadPayload
    if len(event.data) + len(event.metadata) + utf16_bytes(event_type) > MAX_EVENT_BYTES:
        raise BadPayload
    return event


def has_room(event: Any, stream: str) -> bool:
    """Return whether the record of a NewEvent in `stream` is one that a real server can store."""
    return fits(len(event.data) + len(event.metadata) + text_bytes(event.event_type), stream)


def checked_number(value: int) -> int:
    """Check an event number: from 0, or -1. Raises BadPayload."""
    if value < -1:
        raise BadPayload
    return value
