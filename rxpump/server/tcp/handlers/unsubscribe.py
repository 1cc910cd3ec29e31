"""UnsubscribeFromStream: end a subscription or leave a group (docs/protocol/tcp.md, sections 4.15 and 4.18)."""

from __future__ import annotations

from rxpump.server.node import Node
from rxpump.server.tcp.request import Request
from rxpump.tcp.wire.schema import UnsubscribeFromStream


def unsubscribe(request: Request, node: Node) -> None:
    """Answer an UnsubscribeFromStream with SubscriptionDropped. Send no reply if there is no such subscription."""
    request.read(UnsubscribeFromStream)
    request.subscriptions.drop(request.correlation_id)
    request.consumers.drop(request.correlation_id)
