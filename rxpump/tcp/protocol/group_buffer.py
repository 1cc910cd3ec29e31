"""Buffer of the deliveries of one connection to a consumer group.

The server sends at most `allowed_in_flight_messages` events that are not acknowledged. A buffer of that size is full
only if the server has sent events again, because they were not acknowledged in time. The buffered deliveries have
then expired, so the connection to the group ends.
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
from rxpump.tcp.protocol.subscription_buffer import SubscriptionBuffer, named
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.codes import SubscriptionDropReason
from rxpump.tcp.wire.commands import Command
from rxpump.tcp.wire.limits import MAX_EVENT_BYTES

_FIELD: Final = b"\x0a"  # protobuf tag of field 1 of PersistentSubscriptionStreamEventsAppeared


class DeliveredRecord(Protocol):
    """A delivered event, and the number of its earlier deliveries."""

    @property
    def event(self) -> Any:
        """The ResolvedIndexedEvent message."""

    retry_count: int


class GroupBuffer(SubscriptionBuffer[DeliveredRecord]):
    """Buffer of one connection to a consumer group.

    Attributes:
        group: Name of the group.
        subscription_id: Id of the connection, which acknowledgements contain.
    """

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
            max_bytes=2 * max_events * MAX_EVENT_BYTES,  # no limit, because the number of events is limited
        )
        self.group: str = group
        self.subscription_id: str = subscription_id

    def parse(self, payloads: list[bytes]) -> Sequence[DeliveredRecord]:
        """Parse all payloads by one call of protobuf, as the entries of one message, because this is faster."""
        parts: list[bytes] = []
        for payload in payloads:
            parts += (_FIELD, _varint(len(payload)), payload)
        message = schema.PersistentSubscriptionStreamEventsAppeared.FromString(b"".join(parts))
        records: Sequence[DeliveredRecord] = message.deliveries
        return records

    def reason_of(self, payload: bytes) -> RxPumpError:
        """Return the error for the payload of a SubscriptionDropped."""
        return persistent_drop_reason(self.stream, self.group, payload)


def persistent_drop_reason(stream: str, group: str, payload: bytes) -> RxPumpError:
    """Return the error for the payload of a SubscriptionDropped. After an update its reason is "unsubscribed".

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
