"""SubscribeToStream: subscribe to new events of a stream or of `$all` (docs/protocol/tcp.md, section 4.15)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rxpump.model.system_names import ALL_STREAM
from rxpump.server.access.access import Permission
from rxpump.server.node import Node
from rxpump.server.store.feed import EVERYTHING
from rxpump.server.tcp.request import BadPayload, Request, checked_name, encode
from rxpump.server.tcp.subscriptions import Subscription
from rxpump.tcp.wire.codes import SubscriptionDropReason
from rxpump.tcp.wire.commands import Command
from rxpump.tcp.wire.schema import SubscribeToStream, SubscriptionConfirmation, SubscriptionDropped


def subscribe(request: Request, node: Node) -> None:
    """Answer a SubscribeToStream and open the subscription."""
    asked = request.read(SubscribeToStream)
    stream = allowed_stream(request, node, asked)
    if stream is not None:
        begin(request, node, stream, asked)


def allowed_stream(request: Request, node: Node, asked: Any) -> str | None:
    """Return the stream to follow, or EVERYTHING. If the user may not read it, reply so and return None."""
    stream = checked_name(asked.event_stream_id) if asked.event_stream_id else EVERYTHING
    if node.access.may(request.user, Permission.READ, stream or ALL_STREAM):
        return stream
    denied = SubscriptionDropped(reason=SubscriptionDropReason.ACCESS_DENIED)
    request.reply(Command.SUBSCRIPTION_DROPPED, encode(denied))
    return None


def begin(
    request: Request,
    node: Node,
    stream: str,
    asked: Any,
    kind: Callable[..., Subscription] = Subscription,
    size: int = 0,
) -> None:
    """Confirm and open a subscription.

    The end of the log is read and followed in one iteration of the event loop, so that no event is missed (see
    `rxpump.server.store.feed`).

    Args:
        request: The request.
        node: Store, users and groups, which all sessions of a server share.
        stream: Name of the stream, or EVERYTHING.
        asked: Message of the request.
        kind: Class of the subscription.
        size: Bytes that the subscription takes in addition to an ordinary one.

    Raises:
        BadPayload: The client has too many subscriptions.
    """
    if not request.subscriptions.has_room_for(stream, size):
        raise BadPayload("Too many subscriptions.")
    head = node.store.read.head(stream)
    confirmation = SubscriptionConfirmation(
        last_commit_position=head.last_commit,
        last_event_number=None if stream == EVERYTHING else head.last,
    )
    request.reply(Command.SUBSCRIPTION_CONFIRMATION, encode(confirmation))
    request.subscriptions.open(
        request.correlation_id, stream, after=head.last_commit, resolve_links=asked.resolve_link_tos, kind=kind
    )
