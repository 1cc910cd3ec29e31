"""What arrives for one subscription, from one pull to the next.

A server pushes; the consumer pulls. Between them stands a channel, bounded by events and by bytes: one that
is full is over, its subscription is given up, and whoever reads it catches up by reading pages instead. Until
then nothing is parsed: the payloads of a batch, laid end to end, are one message.

A channel is OPEN until `ending` says why it is over; what arrived before that can still be taken.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Generic, TypeVar

from google.protobuf.message import DecodeError

from rxpump.errors import AccessDenied, MalformedReply, RxPumpError, SubscriptionDropped, UnexpectedReply
from rxpump.model.positions import Position
from rxpump.tcp.protocol.bad_request import bad_request
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.codes import SubscriptionDropReason
from rxpump.tcp.wire.commands import Command, command_name
from rxpump.tcp.wire.package import Package

T = TypeVar("T")


def _ignore() -> None:
    pass


class SubscriptionBuffer(ABC, Generic[T]):
    """The client's end of one confirmed subscription to `stream`.

    `on_change` is called when there is news, `before_end` when the client is about to close: then is the last time to
    tell the server something under this subscription.

    A kind of subscription names the command that brings its events, reads them in `parse`, and says in
    `reason_of` what it means to be dropped.
    """

    appeared: ClassVar[Command]

    __slots__ = (
        "_bytes",
        "_max_bytes",
        "_max_events",
        "_payloads",
        "before_end",
        "correlation_id",
        "ending",
        "last_commit_position",
        "last_event_number",
        "login",
        "on_change",
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
        self.login: str | None = None  # of the user who subscribed; None if nobody is logged in
        self.ending: RxPumpError | None = None
        self.on_change: Callable[[], None] = _ignore
        self.before_end: Callable[[], None] = _ignore
        self._max_events = max_events
        self._max_bytes = max_bytes
        self._payloads: list[bytes] = []
        self._bytes = 0

    def receive(self, package: Package) -> None:
        """Take what the server sent under this subscription's id."""
        if self.ending is not None:
            return
        match package.command:
            case self.appeared:
                self._keep_connected(package.payload)
            case Command.SUBSCRIPTION_DROPPED:
                self.end(self._with_login(self.reason_of(package.payload)))
            case Command.BAD_REQUEST:
                self.end(bad_request(named(self.stream), package.text))
            case other:
                self.end(UnexpectedReply(named(self.stream), command_name(other)))

    def end(self, ending: RxPumpError) -> None:
        """Nothing more will come; the first reason is the reason."""
        if self.ending is None:
            self.ending = ending
            self.on_change()

    def take(self) -> Sequence[T]:
        """Give what has arrived since the last time, parsed in one go. Raises MalformedReply."""
        payloads, self._payloads, self._bytes = self._payloads, [], 0
        try:
            return self.parse(payloads)
        except (DecodeError, UnicodeDecodeError) as error:
            raise MalformedReply(named(self.stream), str(error)) from None

    @abstractmethod
    def parse(self, payloads: list[bytes]) -> Sequence[T]:
        """Read what appeared. Raises DecodeError, UnicodeDecodeError."""

    @abstractmethod
    def reason_of(self, payload: bytes) -> RxPumpError:
        """Read a SubscriptionDropped."""

    def _with_login(self, reason: RxPumpError) -> RxPumpError:
        if isinstance(reason, AccessDenied):
            reason.login = self.login
        return reason

    def _keep_connected(self, payload: bytes) -> None:
        was_empty = not self._payloads
        if not was_empty and (
            len(self._payloads) >= self._max_events or self._bytes + len(payload) > self._max_bytes
        ):
            self.end(SubscriptionDropped(self.stream, f"{len(self._payloads)} events were kept and not taken"))
            return
        self._payloads.append(payload)
        self._bytes += len(payload)
        if was_empty:
            self.on_change()

    def __repr__(self) -> str:
        state = f"over: {self.ending}" if self.ending else "open"
        return f"<{type(self).__name__} of {self.stream}, {len(self._payloads)} events kept, {state}>"


class LiveBuffer(SubscriptionBuffer[Any]):
    """Of a subscription to what is written.

    `checkpoint` is how far the server has looked, where it filters: of all before that, what it lets through is here.
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

    def receive(self, package: Package) -> None:
        """Take also what a server tells that filters."""
        if package.command == Command.CHECKPOINT_REACHED and self.ending is None:
            self._note(package.payload)
        else:
            super().receive(package)

    def parse(self, payloads: list[bytes]) -> Sequence[Any]:
        """Read them as one message: each holds one event, in the same field."""
        records: Sequence[Any] = schema.StreamEventsAppeared.FromString(b"".join(payloads)).events
        return records

    def reason_of(self, payload: bytes) -> RxPumpError:
        """Name the reason."""
        return drop_reason(self.stream, payload)

    def _note(self, payload: bytes) -> None:
        """All events up to here have been looked at, and what was to be sent of them has arrived."""
        try:
            reached = schema.CheckpointReached.FromString(payload)
        except DecodeError as error:
            self.end(MalformedReply(named(self.stream), str(error)))
            return
        self.checkpoint = Position(reached.commit_position, reached.prepare_position)
        self.on_change()


def drop_reason(stream: str, payload: bytes) -> RxPumpError:
    """Name the reason of a SubscriptionDropped (docs/protocol/tcp.md, section 3.5)."""
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
    """Name a subscription in an error."""
    return f"the subscription to {stream!r}"
