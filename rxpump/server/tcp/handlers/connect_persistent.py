"""ConnectToPersistentSubscription: connect a consumer to a group (docs/protocol/tcp.md, section 4.18)."""

from __future__ import annotations

from rxpump.model.system_names import ALL_STREAM
from rxpump.server.access.access import Permission
from rxpump.server.node import Node
from rxpump.server.tcp.request import BadPayload, Request, checked_name, encode
from rxpump.tcp.wire.codes import SubscriptionDropReason
from rxpump.tcp.wire.commands import Command
from rxpump.tcp.wire.schema import (
    ConnectToPersistentSubscription,
    PersistentSubscriptionConfirmation,
    SubscriptionDropped,
)


def connect_persistent(request: Request, node: Node) -> None:
    """Answer a ConnectToPersistentSubscription. Deliveries follow the reply."""
    message = request.read(ConnectToPersistentSubscription)
    stream, group = message.event_stream_id, checked_name(message.subscription_id)
    if message.allowed_in_flight_messages < 0:
        raise BadPayload
    # The protocol cannot connect to a group on all streams.
    running = None if stream == ALL_STREAM else node.groups.find(stream, group)
    if not node.access.may(request.user, Permission.READ, stream):
        return _refuse(request, SubscriptionDropReason.ACCESS_DENIED)
    if running is None:
        return _refuse(request, SubscriptionDropReason.NOT_FOUND)
    if running.group.is_full:
        return _refuse(request, SubscriptionDropReason.SUBSCRIBER_MAX_COUNT_REACHED)
    if not request.consumers.has_room:
        raise BadPayload("Too many persistent subscriptions.")
    # A correlation id identifies a consumer to the client and in the group.
    is_taken = request.correlation_id in running.group.consumers
    slots, login = message.allowed_in_flight_messages, request.user.login
    consumer = None if is_taken else request.consumers.add(request.correlation_id, slots, login)
    if consumer is None:
        raise BadPayload("The correlation id is in use.")
    head = node.store.read.head(stream)
    confirmation = PersistentSubscriptionConfirmation(
        last_commit_position=head.last_commit, subscription_id=running.settings.id, last_event_number=head.last
    )
    request.reply(Command.PERSISTENT_SUBSCRIPTION_CONFIRMATION, encode(confirmation))
    node.groups.connect(running, consumer)
    return None


def _refuse(request: Request, reason: SubscriptionDropReason) -> None:
    request.reply(Command.SUBSCRIPTION_DROPPED, encode(SubscriptionDropped(reason=reason)))
