"""Connect a consumer to a group."""

from __future__ import annotations

from typing import ClassVar

from rxpump.errors import SubscriptionDropped
from rxpump.model.metrics import RequestKind
from rxpump.tcp.protocol.group_buffer import GroupBuffer, persistent_drop_reason
from rxpump.tcp.protocol.operation import Operation
from rxpump.tcp.protocol.outcome import Failure, Opened, Redirect, Retry
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.commands import Command
from rxpump.tcp.wire.package import Package


class ConnectPersistent(Operation[GroupBuffer]):
    """The request ConnectToPersistentSubscription. Its confirmation opens a buffer for deliveries.

    See docs/protocol/tcp.md, sections 3.6 and 4.18. The request contains the name of the group; acknowledgements
    contain the id in the confirmation.

    Args:
        stream: Name of the stream.
        group: Name of the group.
        buffer_size: Largest number of events that are sent and not acknowledged.
    """

    command = Command.CONNECT_TO_PERSISTENT_SUBSCRIPTION
    kind = RequestKind.SUBSCRIBE
    reply = Command.PERSISTENT_SUBSCRIPTION_CONFIRMATION
    unsubscribe_command: ClassVar[Command | None] = Command.UNSUBSCRIBE_FROM_STREAM
    needs_leader = True

    def __init__(self, stream: str, group: str, buffer_size: int) -> None:
        self.stream = stream
        self.group = group
        self.buffer_size = buffer_size
        self.payload: bytes = schema.ConnectToPersistentSubscription(
            subscription_id=group, event_stream_id=stream, allowed_in_flight_messages=buffer_size
        ).SerializeToString()

    def refusal(self, package: Package) -> Failure | Retry | Redirect:
        """Interpret a SubscriptionDropped, which is a refusal before the confirmation."""
        if package.command == Command.SUBSCRIPTION_DROPPED:
            error = persistent_drop_reason(self.stream, self.group, package.payload)
            return Retry(error) if isinstance(error, SubscriptionDropped) else Failure(error)
        return super().refusal(package)

    def answer(self, payload: bytes) -> Opened:
        """Return a new buffer for the events that follow the confirmation."""
        confirmation = schema.PersistentSubscriptionConfirmation.FromString(payload)
        return Opened(
            GroupBuffer(
                self.stream,
                self.group,
                confirmation.subscription_id,
                last_commit_position=confirmation.last_commit_position,
                last_event_number=confirmation.last_event_number,
                max_events=self.buffer_size,
            )
        )

    def __str__(self) -> str:
        return f"ConnectToPersistentSubscription {self.group!r} of {self.stream!r}"
