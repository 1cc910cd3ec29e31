"""What arrives for one connection to a persistent subscription.

The server has at most `allowed_in_flight_messages` events of it unanswered, so a channel of that size is full only
when they were left so long that the server sent them again: then it is over, as what it keeps is void.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Protocol

from google.protobuf.message import DecodeError

from rxpump.errors import (
    AccessDenied,
    MalformedReply,
    PersistentSubscriptionDeleted,
    PersistentSubscriptionNotFound,
    RxPumpError,
    SubscriberLimitReached,
    SubscriptionDropped,
    UnexpectedReply,
)
from rxpump.model.limits import MAX_EVENT_BYTES
from rxpump.tcp.protocol.subscription_buffer import SubscriptionBuffer, named
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.codes import SubscriptionDropReason
from rxpump.tcp.wire.commands import Command

_FIELD: Final = b"\x0a"  # field 1, with a length: an entry of PersistentSubscriptionStreamEventsAppeared


class DeliveredRecord(Protocol):
    """An event, and how often it was delivered before."""

    @property
    def event(self) -> Any:
        """The event, with the link it was reached by."""

    retry_count: int


class GroupBuffer(SubscriptionBuffer[DeliveredRecord]):
    """The client's end of a connection to `group`; acknowledgements are told under `subscription_id`."""

    __slots__ = ("group", "subscription_id")

    appeared = Command.PERSISTENT_SUBSCRIPTION_STREAM_EVENT_APPEARED

    def __init__(
        self,
        stream: str,
        group: str,
        subscription_id: str,
        *,
        last_commit_position: int,
        last_event_number: int | None,
        max_events: int,
    ) -> None:
        super().__init__(
            stream,
            last_commit_position=last_commit_position,
            last_event_number=last_event_number,
            max_events=max_events,
            max_bytes=2 * max_events * MAX_EVENT_BYTES,  # the server's events are what bounds it
        )
        self.group: str = group
        self.subscription_id: str = subscription_id

    def parse(self, payloads: list[bytes]) -> Sequence[DeliveredRecord]:
        """Read them as one message of which each is an entry."""
        parts: list[bytes] = []
        for payload in payloads:
            parts += (_FIELD, _varint(len(payload)), payload)
        message = schema.PersistentSubscriptionStreamEventsAppeared.FromString(b"".join(parts))
        records: Sequence[DeliveredRecord] = message.deliveries
        return records

    def reason_of(self, payload: bytes) -> RxPumpError:
        """Name the reason."""
        return persistent_drop_reason(self.stream, self.group, payload)


def persistent_drop_reason(stream: str, group: str, payload: bytes) -> RxPumpError:
    """Name the reason of a SubscriptionDropped; an update is told as "unsubscribed".

    See docs/protocol/tcp.md, section 4.18.
    """
    try:
        reason = schema.SubscriptionDropped.FromString(payload).reason
    except DecodeError as error:
        return MalformedReply(named(stream), str(error))
    match reason:
        case SubscriptionDropReason.UNSUBSCRIBED:
            return SubscriptionDropped(stream, "unsubscribed by the server")
        case SubscriptionDropReason.ACCESS_DENIED:
            return AccessDenied("subscribe to", stream)
        case SubscriptionDropReason.NOT_FOUND:
            return PersistentSubscriptionNotFound(stream, group)
        case SubscriptionDropReason.PERSISTENT_SUBSCRIPTION_DELETED:
            return PersistentSubscriptionDeleted(stream, group)
        case SubscriptionDropReason.SUBSCRIBER_MAX_COUNT_REACHED:
            return SubscriberLimitReached(stream, group)
        case unknown:
            return UnexpectedReply(named(stream), f"the unknown drop reason {unknown}")


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)
