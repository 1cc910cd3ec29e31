"""FilteredSubscribeToStream: what is written from now on and a filter lets through (protocol section 4.15)."""

from __future__ import annotations

from functools import partial
from typing import Final

from rxpump.server.access import ALL_STREAM, Permission
from rxpump.server.filtered_subscription import FilteredSubscription
from rxpump.server.node import Node
from rxpump.server.request import BadPayload, Request, checked_name, encode
from rxpump.server.store.feed import EVERYTHING
from rxpump.server.store.filters import BadFilter, LogFilter, read_filter
from rxpump.wire.codes import SubscriptionDropReason
from rxpump.wire.commands import Command
from rxpump.wire.schema import FilteredSubscribeToStream, SubscriptionConfirmation, SubscriptionDropped

_NO_CHECKPOINTS: Final = -1


def filtered_subscribe(request: Request, node: Node) -> None:
    """Answer a FilteredSubscribeToStream, and begin the subscription."""
    message = request.read(FilteredSubscribeToStream)
    stream = checked_name(message.event_stream_id) if message.event_stream_id else EVERYTHING
    if not node.may(request.user, Permission.READ, stream or ALL_STREAM):
        denied = SubscriptionDropped(reason=SubscriptionDropReason.ACCESS_DENIED)
        request.reply(Command.SUBSCRIPTION_DROPPED, encode(denied))
        return
    interval = _checked_interval(message.checkpoint_interval)
    wanted = _checked_filter(message.filter)
    if not request.subscriptions.has_room_for(stream, wanted.search.size):
        raise BadPayload("Too many subscriptions.")
    head = node.store.read.head(stream)
    confirmation = SubscriptionConfirmation(
        last_commit_position=head.last_commit,
        last_event_number=None if stream == EVERYTHING else head.last,
    )
    request.reply(Command.SUBSCRIPTION_CONFIRMATION, encode(confirmation))
    request.subscriptions.open(
        request.correlation_id,
        stream,
        after=head.last_commit,
        resolve_links=message.resolve_link_tos,
        kind=partial(FilteredSubscription, wanted=wanted, checkpoint_interval=interval),
    )


def _checked_interval(interval: int) -> int | None:
    """Check a checkpoint interval: from 1, or -1 for no checkpoints, which is None. Raises BadPayload."""
    if interval == _NO_CHECKPOINTS:
        return None
    if interval <= 0:
        raise BadPayload(f"The checkpoint interval should be positive, or -1 for none; it is {interval}.")
    return interval


def _checked_filter(message: object) -> LogFilter:
    try:
        return read_filter(message)
    except BadFilter as error:
        raise BadPayload(str(error)) from error
