"""One valid request for each command. ANSWERS contains the command of the reply."""

from __future__ import annotations

from typing import Any, Final

from rxpump.tcp.wire import schema
from rxpump.tcp.wire.commands import Command

EVENT_ID: Final = bytes(range(1, 17))
EVENT: Final = schema.NewEvent(event_id=EVENT_ID, event_type="T", data_content_type=1, data=b"{}")
ALL: Final = {"commit_position": 0, "prepare_position": 0, "max_count": 10, "resolve_link_tos": False}
FILTER: Final = schema.Filter(context=0, type=1, data=["s"])
GROUP: Final = {
    "subscription_group_name": "group",
    "event_stream_id": "s",
    "start_from": -1,
    "message_timeout_milliseconds": 30_000,
    "live_buffer_size": 500,
    "read_batch_size": 20,
    "buffer_size": 500,
    "max_retry_count": 10,
    "checkpoint_after_time": 2000,
    "checkpoint_max_count": 1000,
    "checkpoint_min_count": 10,
    "named_consumer_strategy": "RoundRobin",
}

REQUESTS: Final[dict[Command, Any]] = {
    Command.WRITE_EVENTS: schema.WriteEvents(event_stream_id="s", expected_version=-2, events=[EVENT]),
    Command.TRANSACTION_START: schema.TransactionStart(event_stream_id="s", expected_version=-2),
    Command.TRANSACTION_WRITE: schema.TransactionWrite(transaction_id=1, events=[EVENT]),
    Command.TRANSACTION_COMMIT: schema.TransactionCommit(transaction_id=1, require_leader=False),
    Command.DELETE_STREAM: schema.DeleteStream(event_stream_id="other", expected_version=-2),
    Command.READ_EVENT: schema.ReadEvent(event_stream_id="s", event_number=0),
    Command.READ_STREAM_EVENTS_FORWARD: schema.ReadStreamEvents(event_stream_id="s", max_count=10),
    Command.READ_STREAM_EVENTS_BACKWARD: schema.ReadStreamEvents(event_stream_id="s", max_count=10),
    Command.READ_ALL_EVENTS_FORWARD: schema.ReadAllEvents(**ALL),
    Command.READ_ALL_EVENTS_BACKWARD: schema.ReadAllEvents(**ALL),
    Command.FILTERED_READ_ALL_EVENTS_FORWARD: schema.FilteredReadAllEvents(**ALL, filter=FILTER),
    Command.FILTERED_READ_ALL_EVENTS_BACKWARD: schema.FilteredReadAllEvents(**ALL, filter=FILTER),
    Command.SUBSCRIBE_TO_STREAM: schema.SubscribeToStream(event_stream_id="s", resolve_link_tos=False),
    Command.FILTERED_SUBSCRIBE_TO_STREAM: schema.FilteredSubscribeToStream(filter=FILTER, checkpoint_interval=5),
    Command.UNSUBSCRIBE_FROM_STREAM: schema.UnsubscribeFromStream(),
    Command.CREATE_PERSISTENT_SUBSCRIPTION: schema.CreatePersistentSubscription(**GROUP),
    Command.UPDATE_PERSISTENT_SUBSCRIPTION: schema.UpdatePersistentSubscription(**GROUP),
    Command.DELETE_PERSISTENT_SUBSCRIPTION: schema.DeletePersistentSubscription(
        subscription_group_name="group", event_stream_id="s"
    ),
    Command.CONNECT_TO_PERSISTENT_SUBSCRIPTION: schema.ConnectToPersistentSubscription(
        subscription_id="group", event_stream_id="s", allowed_in_flight_messages=10
    ),
    Command.PERSISTENT_SUBSCRIPTION_ACK_EVENTS: schema.PersistentSubscriptionAckEvents(
        subscription_id="s::group", processed_event_ids=[EVENT_ID]
    ),
    Command.PERSISTENT_SUBSCRIPTION_NAK_EVENTS: schema.PersistentSubscriptionNakEvents(
        subscription_id="s::group", processed_event_ids=[EVENT_ID], action=2
    ),
    Command.SCAVENGE_DATABASE: schema.ScavengeDatabase(),
}

UNANSWERED: Final = {
    Command.UNSUBSCRIBE_FROM_STREAM,
    Command.PERSISTENT_SUBSCRIPTION_ACK_EVENTS,
    Command.PERSISTENT_SUBSCRIPTION_NAK_EVENTS,
}
"""Valid requests without a reply, because their subscription does not exist."""

SUBSCRIBE: Final = {
    Command.SUBSCRIBE_TO_STREAM,
    Command.FILTERED_SUBSCRIBE_TO_STREAM,
    Command.CONNECT_TO_PERSISTENT_SUBSCRIPTION,
}


def answers_to(command: Command) -> set[Command]:
    """Return the commands of the replies to a request (docs/protocol/tcp.md, section 2)."""
    if command in SUBSCRIBE:
        confirmation = Command.SUBSCRIPTION_CONFIRMATION
        if command == Command.CONNECT_TO_PERSISTENT_SUBSCRIPTION:
            confirmation = Command.PERSISTENT_SUBSCRIPTION_CONFIRMATION
        return {confirmation, Command.SUBSCRIPTION_DROPPED}
    if command == Command.FILTERED_READ_ALL_EVENTS_FORWARD:
        return {Command.FILTERED_READ_ALL_EVENTS_FORWARD_COMPLETED, Command.READ_ALL_EVENTS_FORWARD_COMPLETED}
    if command == Command.FILTERED_READ_ALL_EVENTS_BACKWARD:
        return {Command.FILTERED_READ_ALL_EVENTS_BACKWARD_COMPLETED, Command.READ_ALL_EVENTS_BACKWARD_COMPLETED}
    if command == Command.UNSUBSCRIBE_FROM_STREAM:
        return {Command.SUBSCRIPTION_DROPPED}
    if command in UNANSWERED:
        return set()
    return {Command(command + 1)}
