"""Buffers of the events that arrive on a subscription.

The server pushes events, and the consumer pulls them. The buffer between them is bounded by events and by bytes. If
it is full, the subscription ends, and the consumer reads pages instead.

Payloads are parsed when they are taken, a batch at a time, because one large message is parsed faster than many small
ones.

A buffer is open until `ending` is set. Events that arrived before can still be taken.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import ClassVar, Generic, TypeVar

from google.protobuf.message import DecodeError

from rxpump.errors import AccessDenied, MalformedReply, RxPumpError, SubscriptionDropped, UnexpectedReply
from rxpump.model.events import Event
from rxpump.model.positions import Position
from rxpump.tcp.protocol.bad_request import bad_request
from rxpump.tcp.records import PositionedEvents, page_events
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.codes import SubscriptionDropReason
from rxpump.tcp.wire.commands import Command, command_name
from rxpump.tcp.wire.package import Package

T = TypeVar("T")


def _ignore() -> None:
    pass


class SubscriptionBuffer(ABC, Generic[T]):
    """Buffer of one confirmed subscription.

    A subclass sets `appeared`, parses payloads in `parse`, and interprets SubscriptionDropped in `reason_of`.

    Attributes:
        appeared: Command that carries events.
        stream: Name of the stream.
        correlation_id: Correlation id of the subscription.
        last_commit_position: Commit position of the last event of `$all` at the confirmation.
        last_event_number: Number of the last event of the stream at the confirmation; None if it was not sent.
        payloads: Messages that are buffered, each with one event.
        login: Login of the user who subscribed; None for an anonymous user.
        ending: The error that ended the subscription; None while it is open.
        on_change: Function that is called when events arrive in an empty buffer, and when the subscription ends.
        before_end: Function that is called just before the client closes, when messages can still be sent.
    """

    appeared: ClassVar[Command]

    __slots__ = (
        "_bytes",
        "_max_bytes",
        "_max_events",
        "before_end",
        "correlation_id",
        "ending",
        "last_commit_position",
        "last_event_number",
        "login",
        "on_change",
        "payloads",
        "stream",
    )

    def __init__(
        self,
        stream: str,
        *,
        last_commit_position: int,
        last_event_number: int | None,
        max_events: int,
        max_bytes: int,
    ) -> None:
        self.stream: str = stream
        self.correlation_id: bytes = b""
        self.last_commit_position: int = last_commit_position
        self.last_event_number: int | None = last_event_number
        self.login: str | None = None
        self.ending: RxPumpError | None = None
        self.on_change: Callable[[], None] = _ignore
        self.before_end: Callable[[], None] = _ignore
        self._max_events = max_events
        self._max_bytes = max_bytes
        self.payloads: list[bytes] = []
        self._bytes = 0

    def __len__(self) -> int:
        """Return the number of messages that are buffered, each with one event."""
        return len(self.payloads)

    def receive(self, package: Package) -> None:
        """Receive a package with the correlation id of this subscription."""
        if self.ending is not None:
            return
        if package.command != self.appeared:
            self._receive_other(package)
            return
        payload, payloads = package.payload, self.payloads
        if not payloads:
            payloads.append(payload)
            self._bytes = len(payload)
            self.on_change()
        elif len(payloads) >= self._max_events or self._bytes + len(payload) > self._max_bytes:
            self.end(SubscriptionDropped(self.stream, f"{len(payloads)} events were buffered and not consumed"))
        else:
            payloads.append(payload)
            self._bytes += len(payload)

    def _receive_other(self, package: Package) -> None:
        """Receive a package without an event."""
        match package.command:
            case Command.SUBSCRIPTION_DROPPED:
                self.end(self._with_login(self.reason_of(package.payload)))
            case Command.BAD_REQUEST:
                self.end(bad_request(named(self.stream), package.text))
            case other:
                self.end(UnexpectedReply(named(self.stream), command_name(other)))

    def end(self, ending: RxPumpError) -> None:
        """End the subscription with an error. A later error is ignored."""
        if self.ending is None:
            self.ending = ending
            self.on_change()

    def take(self) -> Sequence[T]:
        """Remove and return the events that are buffered.

        Raises:
            MalformedReply: They cannot be parsed.
        """
        payloads, self.payloads = self.payloads, []
        if not payloads:
            return ()
        try:
            return self.parse(payloads)
        except DecodeError as error:
            raise MalformedReply(named(self.stream), str(error)) from None

    @abstractmethod
    def parse(self, payloads: list[bytes]) -> Sequence[T]:
        """Parse payloads.

        Raises:
            DecodeError: They are not the expected messages.
        """

    @abstractmethod
    def reason_of(self, payload: bytes) -> RxPumpError:
        """Return the error for the payload of a SubscriptionDropped."""

    def _with_login(self, reason: RxPumpError) -> RxPumpError:
        if isinstance(reason, AccessDenied):
            reason.login = self.login
        return reason

    def __repr__(self) -> str:
        state = f"ended: {self.ending}" if self.ending else "open"
        return f"<{type(self).__name__} of {self.stream}, {len(self.payloads)} events buffered, {state}>"


class LiveBuffer(SubscriptionBuffer[Event]):
    """Buffer of a subscription to new events.

    Attributes:
        checkpoint: Position up to which a filtering server has examined all events; those that match have arrived.
    """

    __slots__ = ("checkpoint",)

    appeared = Command.STREAM_EVENT_APPEARED

    def __init__(
        self,
        stream: str,
        *,
        last_commit_position: int,
        last_event_number: int | None,
        max_events: int,
        max_bytes: int,
    ) -> None:
        super().__init__(
            stream,
            last_commit_position=last_commit_position,
            last_event_number=last_event_number,
            max_events=max_events,
            max_bytes=max_bytes,
        )
        self.checkpoint: Position | None = None

    def parse(self, payloads: list[bytes]) -> Sequence[Event]:
        """Parse the payloads as one message. Concatenated messages with one repeated field are one such message.

        A single event, which is usual, is read faster from a message of its own than from columns.
        """
        if len(payloads) == 1:
            messages = schema.StreamEventsAppeared.FromString(payloads[0]).events
            return [PositionedEvents(messages).event(0)] if messages else ()
        payload = b"".join(payloads)
        columns = schema.StreamEventsAppearedColumns.FromString(payload)
        events = page_events(
            columns, lambda: PositionedEvents(schema.StreamEventsAppeared.FromString(payload).events)
        )
        return list(events)  # a list, because the events are accessed several times

    def reason_of(self, payload: bytes) -> RxPumpError:
        """Return the error for the payload of a SubscriptionDropped."""
        return drop_reason(self.stream, payload)

    def _receive_other(self, package: Package) -> None:
        """Receive a package without an event; CheckpointReached comes from servers that filter."""
        if package.command == Command.CHECKPOINT_REACHED:
            self._note(package.payload)
        else:
            super()._receive_other(package)

    def _note(self, payload: bytes) -> None:
        """Set `checkpoint` from the payload of a CheckpointReached."""
        try:
            reached = schema.CheckpointReached.FromString(payload)
        except DecodeError as error:
            self.end(MalformedReply(named(self.stream), str(error)))
            return
        self.checkpoint = Position(reached.commit_position, reached.prepare_position)
        self.on_change()


def drop_reason(stream: str, payload: bytes) -> RxPumpError:
    """Return the error for the payload of a SubscriptionDropped (docs/protocol/tcp.md, section 3.5)."""
    try:
        reason = schema.SubscriptionDropped.FromString(payload).reason
    except DecodeError as error:
        return MalformedReply(named(stream), str(error))
    match reason:
        case SubscriptionDropReason.ACCESS_DENIED:
            return AccessDenied("subscribe to", stream)
        case SubscriptionDropReason.UNSUBSCRIBED:
            return SubscriptionDropped(stream, "unsubscribed by the server")
        case SubscriptionDropReason.NOT_FOUND:
            return SubscriptionDropped(stream, "not found")
        case SubscriptionDropReason.PERSISTENT_SUBSCRIPTION_DELETED:
            return SubscriptionDropped(stream, "the persistent subscription was deleted")
        case SubscriptionDropReason.SUBSCRIBER_MAX_COUNT_REACHED:
            return SubscriptionDropped(stream, "it has all the subscribers it may have")
        case unknown:
            return UnexpectedReply(named(stream), f"the unknown drop reason {unknown}")


def named(stream: str) -> str:
    """Return the description of a subscription in errors."""
    return f"the subscription to {stream!r}"
