"""Subscribe to new events: of a stream, of the log, or of the log with a filter."""

from __future__ import annotations

from abc import ABC
from typing import Any, ClassVar, Final

from rxpump.errors import SubscriptionDropped
from rxpump.model.metrics import RequestKind
from rxpump.model.system_names import ALL_STREAM
from rxpump.tcp.protocol.operation import Operation
from rxpump.tcp.protocol.outcome import Failure, Opened, Redirect, Retry
from rxpump.tcp.protocol.subscription_buffer import LiveBuffer, drop_reason
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.commands import Command, command_name
from rxpump.tcp.wire.package import Package

CHECKPOINT_INTERVAL: Final = 500
"""Examined events between two checkpoints of a filtered subscription."""


class _Subscribing(Operation[LiveBuffer], ABC):
    """Base class of subscriptions, whose confirmation opens a buffer (docs/protocol/tcp.md, sections 3.5, 4.15).

    The server confirms before the first event, and sends the events after the position and number of the
    confirmation.

    Args:
        stream: Name of the stream, or None for the log.
        max_events: Largest number of events in the buffer.
        max_bytes: Largest number of bytes in the buffer.
    """

    reply = Command.SUBSCRIPTION_CONFIRMATION
    kind = RequestKind.SUBSCRIBE
    unsubscribe_command: ClassVar[Command | None] = Command.UNSUBSCRIBE_FROM_STREAM

    def __init__(self, stream: str | None, payload: bytes, *, max_events: int, max_bytes: int) -> None:
        self.stream: str = ALL_STREAM if stream is None else stream
        self.payload = payload
        self._max_events = max_events
        self._max_bytes = max_bytes

    def refusal(self, package: Package) -> Failure | Retry | Redirect:
        """Interpret a SubscriptionDropped, which is a refusal before the confirmation."""
        if package.command == Command.SUBSCRIPTION_DROPPED:
            error = drop_reason(self.stream, package.payload)
            return Retry(error) if isinstance(error, SubscriptionDropped) else Failure(error)
        return super().refusal(package)

    def answer(self, payload: bytes) -> Opened:
        """Return a new buffer for the events that follow the confirmation."""
        confirmation = schema.SubscriptionConfirmation.FromString(payload)
        number = confirmation.last_event_number if confirmation.HasField("last_event_number") else None
        return Opened(
            LiveBuffer(
                self.stream,
                last_commit_position=confirmation.last_commit_position,
                last_event_number=number,
                max_events=self._max_events,
                max_bytes=self._max_bytes,
            )
        )

    def __str__(self) -> str:
        return f"{command_name(self.command)} {self.stream!r}"


class Subscribe(_Subscribing):
    """The request SubscribeToStream."""

    command = Command.SUBSCRIBE_TO_STREAM

    def __init__(self, stream: str | None, *, resolve_links: bool, max_events: int, max_bytes: int) -> None:
        message = schema.SubscribeToStream(event_stream_id=stream or "", resolve_link_tos=resolve_links)
        super().__init__(stream, message.SerializeToString(), max_events=max_events, max_bytes=max_bytes)


class FilteredSubscribe(_Subscribing):
    """The request FilteredSubscribeToStream for the log, which servers have from version 20.

    Its buffer also receives checkpoints: positions up to which the server has examined the log.
    """

    command = Command.FILTERED_SUBSCRIBE_TO_STREAM

    def __init__(self, filter: Any, *, resolve_links: bool, max_events: int, max_bytes: int) -> None:
        message = schema.FilteredSubscribeToStream(
            event_stream_id="",
            resolve_link_tos=resolve_links,
            filter=filter,
            checkpoint_interval=CHECKPOINT_INTERVAL,
        )
        super().__init__(None, message.SerializeToString(), max_events=max_events, max_bytes=max_bytes)
