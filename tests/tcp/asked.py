"""Recorded requests, and the arguments of the client calls that send the same requests."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from rxpump.model.group_settings import PersistentSubscriptionSettings
from rxpump.model.new_events import NewEvent
from rxpump.model.positions import StreamDirection
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.commands import Command
from rxpump.tcp.wire.package import Package
from tests.tcp.followed import SETTLING

MESSAGES: dict[int, Any] = {
    Command.WRITE_EVENTS: schema.WriteEvents,
    Command.READ_EVENT: schema.ReadEvent,
    Command.READ_STREAM_EVENTS_FORWARD: schema.ReadStreamEvents,
    Command.READ_STREAM_EVENTS_BACKWARD: schema.ReadStreamEvents,
    Command.READ_ALL_EVENTS_FORWARD: schema.ReadAllEvents,
    Command.READ_ALL_EVENTS_BACKWARD: schema.ReadAllEvents,
    Command.SUBSCRIBE_TO_STREAM: schema.SubscribeToStream,
    Command.DELETE_STREAM: schema.DeleteStream,
    Command.TRANSACTION_START: schema.TransactionStart,
    Command.TRANSACTION_WRITE: schema.TransactionWrite,
    Command.TRANSACTION_COMMIT: schema.TransactionCommit,
    Command.SCAVENGE_DATABASE: schema.ScavengeDatabase,
    Command.CREATE_PERSISTENT_SUBSCRIPTION: schema.CreatePersistentSubscription,
    Command.UPDATE_PERSISTENT_SUBSCRIPTION: schema.UpdatePersistentSubscription,
    Command.DELETE_PERSISTENT_SUBSCRIPTION: schema.DeletePersistentSubscription,
    Command.CONNECT_TO_PERSISTENT_SUBSCRIPTION: schema.ConnectToPersistentSubscription,
    **SETTLING,
}
CHANGES = {Command.CREATE_PERSISTENT_SUBSCRIPTION, Command.UPDATE_PERSISTENT_SUBSCRIPTION}
BACKWARD = {Command.READ_STREAM_EVENTS_BACKWARD, Command.READ_ALL_EVENTS_BACKWARD}


def meaning(package: Package) -> tuple[int, Any]:
    """Return the command and the message of a request, without the fields that a server ignores."""
    if package.command not in MESSAGES:
        return package.command, None  # A Ping may contain any bytes. Ours contains none.
    message = MESSAGES[package.command].FromString(package.payload)
    for event in getattr(message, "events", ()):
        event.metadata_content_type = 0  # ignored by servers (docs/protocol/tcp.md, section 3.2)
        event.data_content_type = int(event.data_content_type == 1)  # 1 is JSON, all other values are binary
        event.metadata = event.metadata  # absent is empty
    if package.command == Command.DELETE_STREAM:
        message.hard_delete = message.hard_delete  # absent is false
    if package.command in CHANGES:  # The older field is used only if the newer one is absent.
        message.named_consumer_strategy = strategy(message)
        message.prefer_round_robin = False
    if package.command == Command.PERSISTENT_SUBSCRIPTION_NAK_EVENTS:
        message.message = message.message  # absent is empty
    return package.command, message


def direction_of(command: int) -> StreamDirection:
    return StreamDirection.BACKWARD if command in BACKWARD else StreamDirection.FORWARD


def new_event(recorded: Any) -> NewEvent:
    is_json = recorded.data_content_type == 1
    id = UUID(bytes_le=recorded.event_id)
    return NewEvent(recorded.event_type, recorded.data, metadata=recorded.metadata or None, id=id, is_json=is_json)


def group(recorded: Any) -> tuple[str, str]:
    """Return the names of a group and its stream."""
    return recorded.subscription_group_name, recorded.event_stream_id


def strategy(recorded: Any) -> str:
    """Return the name of the strategy, which can also be requested by an older field."""
    return recorded.named_consumer_strategy or ("RoundRobin" if recorded.prefer_round_robin else "DispatchToSingle")


def settings(recorded: Any) -> PersistentSubscriptionSettings:
    return PersistentSubscriptionSettings(
        resolve_links=recorded.resolve_link_tos,
        start_from=recorded.start_from,
        message_timeout_seconds=recorded.message_timeout_milliseconds / 1000,
        record_statistics=recorded.record_statistics,
        live_buffer_size=recorded.live_buffer_size,
        read_batch_size=recorded.read_batch_size,
        buffer_size=recorded.buffer_size,
        max_retry_count=recorded.max_retry_count,
        checkpoint_after_seconds=recorded.checkpoint_after_time / 1000,
        checkpoint_max_count=recorded.checkpoint_max_count,
        checkpoint_min_count=recorded.checkpoint_min_count,
        subscriber_max_count=recorded.subscriber_max_count,
        strategy=strategy(recorded),
    )
