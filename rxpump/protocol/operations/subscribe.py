"""Subscribe to what is written from now on, to one stream or to all."""

from __future__ import annotations

from rxpump.errors import SubscriptionDropped
from rxpump.protocol.channel import Channel, drop_reason
from rxpump.protocol.operations.operation import Operation
from rxpump.protocol.outcome import Failure, Opened, Redirect, Retry
from rxpump.wire import schema
from rxpump.wire.commands import Command
from rxpump.wire.package import Package


class Subscribe(Operation[Channel]):
    """SubscribeToStream (protocol sections 3.5, 4.15): its confirmation opens a channel.

    `stream` None is the whole database. The server confirms before the first event, and sends what is
    written after the position and number that it confirms with.
    """

    command = Command.SUBSCRIBE_TO_STREAM
    reply = Command.SUBSCRIPTION_CONFIRMATION
    farewell = Command.UNSUBSCRIBE_FROM_STREAM

    def __init__(self, stream: str | None, *, resolve_links: bool, max_events: int, max_bytes: int) -> None:
        self.stream = "$all" if stream is None else stream
        self._max_events = max_events
        self._max_bytes = max_bytes
        self.payload = schema.SubscribeToStream(
            event_stream_id=stream or "", resolve_link_tos=resolve_links
        ).SerializeToString()

    def refusal(self, package: Package) -> Failure | Retry | Redirect:
        """A drop instead of a confirmation is an answer too."""
        if package.command == Command.SUBSCRIPTION_DROPPED:
            error = drop_reason(self.stream, package.payload)
            return Retry(error) if isinstance(error, SubscriptionDropped) else Failure(error)
        return super().refusal(package)

    def answer(self, payload: bytes) -> Opened:
        """Open the channel."""
        confirmation = schema.SubscriptionConfirmation.FromString(payload)
        number = confirmation.last_event_number if confirmation.HasField("last_event_number") else None
        return Opened(
            Channel(
                self.stream,
                last_commit_position=confirmation.last_commit_position,
                last_event_number=number,
                max_events=self._max_events,
                max_bytes=self._max_bytes,
            )
        )

    def __str__(self) -> str:
        return f"SubscribeToStream {self.stream!r}"
