"""SubscribeToStream: what is written from now on, to one stream or to all (protocol section 4.15)."""

from __future__ import annotations

from rxpump.server.access import ALL_STREAM, Permission
from rxpump.server.node import Node
from rxpump.server.request import BadPayload, Request, checked_name, encode
from rxpump.server.store.feed import EVERYTHING
from rxpump.wire.codes import SubscriptionDropReason
from rxpump.wire.commands import Command
from rxpump.wire.schema import SubscribeToStream, SubscriptionConfirmation, SubscriptionDropped


def subscribe(request: Request, node: Node) -> None:
    """Answer a SubscribeToStream, and begin the subscription.

    The head of the log is read, and followed from there, in one turn of the loop: see rxpump.server.store.feed.
    """
    message = request.read(SubscribeToStream)
    stream = checked_name(message.event_stream_id) if message.event_stream_id else EVERYTHING
    if not node.may(request.user, Permission.READ, stream or ALL_STREAM):
        denied = SubscriptionDropped(reason=SubscriptionDropReason.ACCESS_DENIED)
        request.reply(Command.SUBSCRIPTION_DROPPED, encode(denied))
        return
    if not request.subscriptions.has_room_for(stream):
        raise BadPayload("Too many subscriptions.")
    head = node.store.read.head(stream)
    confirmation = SubscriptionConfirmation(
        last_commit_position=head.last_commit,
        last_event_number=None if stream == EVERYTHING else head.last,
    )
    request.reply(Command.SUBSCRIPTION_CONFIRMATION, encode(confirmation))
    request.subscriptions.open(
        request.correlation_id, stream, after=head.last_commit, resolve_links=message.resolve_link_tos
    )
