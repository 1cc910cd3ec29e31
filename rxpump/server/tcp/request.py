"""A request of a client, and the checks of its fields."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, Final, NamedTuple
from uuid import UUID

from google.protobuf.message import DecodeError

from rxpump.model.positions import ExpectedVersion
from rxpump.model.record_size import fits, text_bytes, utf16_bytes
from rxpump.server.access.users import User
from rxpump.server.store.changes import TimedOut
from rxpump.server.tcp.consumers import Consumers
from rxpump.server.tcp.subscriptions import Subscriptions
from rxpump.tcp.wire.codes import SERVER_FAILED, OperationResult
from rxpump.tcp.wire.commands import Command
from rxpump.tcp.wire.limits import MAX_EVENT_BYTES, MAX_PAGE_EVENTS

NO_ID: Final = UUID(int=0).bytes

_VERSIONS: Final = frozenset(ExpectedVersion)

NO_NUMBER: Final = -(2**31)
"""Number that a real server sends instead of a missing number."""

TOO_LARGE: Final = "The event is too large for a stream with this name."
"""Text of the refusal of an event whose record would make a real server terminate."""

TOO_MANY_EVENTS: Final = f"Read size too big, should be less than {MAX_PAGE_EVENTS} items"
"""Text of the refusal of a page with too many events."""

MAX_NAME: Final = MAX_EVENT_BYTES // 4
"""Number of characters of the longest name, so that an event and a link to it always fit into one frame."""


class BadPayload(Exception):
    """The payload is not valid for its command (docs/protocol/tcp.md, section 1.3); `args[0]` can be a reason."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""


class Request(NamedTuple):
    """A request of an authenticated or anonymous user.

    Attributes:
        correlation_id: Correlation id of the package.
        payload: Encoded message.
        user: User who makes the request.
        subscriptions: Subscriptions of the client.
        consumers: Connections of the client to consumer groups.
        reply: Function that sends a reply, now or later.
    """

    correlation_id: bytes
    payload: bytes
    user: User
    subscriptions: Subscriptions
    consumers: Consumers
    reply: Callable[[Command, bytes], None]

    def fail(self, reason: str) -> None:
        """Reply that the server itself failed.

        BadRequest is the only reply with a text that the protocol has for every request. The beginning of the text
        distinguishes a fault of the server from a malformed request.
        """
        self.reply(Command.BAD_REQUEST, f"{SERVER_FAILED}{reason}".encode())

    def read(self, message: Any) -> Any:
        """Parse the payload.

        Args:
            message: Class of the message.

        Raises:
            BadPayload: The payload is not such a message, a text in it is not UTF-8, or the correlation id is zero.
        """
        if self.correlation_id == NO_ID:
            raise BadPayload
        try:
            return message.FromString(self.payload)
        except DecodeError:
            raise BadPayload from None


TIMEOUTS: Final[Mapping[TimedOut, OperationResult]] = {
    TimedOut.PREPARE: OperationResult.PREPARE_TIMEOUT,
    TimedOut.COMMIT: OperationResult.COMMIT_TIMEOUT,
    TimedOut.FORWARD: OperationResult.FORWARD_TIMEOUT,
}
"""Results of writes that too few nodes of a cluster confirmed in time."""


def encode(message: Any) -> bytes:
    """Return a message as the payload of a reply."""
    return bytes(message.SerializeToString())


def checked_name(name: str) -> str:
    """Return the name of a stream or a group. Raise BadPayload if it is empty or too long."""
    if not 0 < len(name) <= MAX_NAME:
        raise BadPayload
    return name


def checked_version(value: int, named: Collection[int] = _VERSIONS) -> int:
    """Return an expected version. Raise BadPayload if it is neither a number from 0 nor one of `named`."""
    if value < 0 and value not in named:
        raise BadPayload
    return value


def checked_event(event: Any) -> Any:
    """Return a NewEvent message. Raise BadPayload if a field is missing, malformed or too large."""
    event_type: str = event.event_type
    if not event_type:
        raise BadPayload
    if len(event.event_id) != len(NO_ID) or event.event_id == NO_ID:
        raise BadPayload
    if len(event.data) + len(event.metadata) + utf16_bytes(event_type) > MAX_EVENT_BYTES:
        raise BadPayload
    return event


def has_room(event: Any, stream: str) -> bool:
    """Return whether a real server could store the record of an event in a stream."""
    return fits(len(event.data) + len(event.metadata) + text_bytes(event.event_type), stream)


def checked_number(value: int) -> int:
    """Return the number of an event. Raise BadPayload if it is less than -1."""
    if value < -1:
        raise BadPayload
    return value
