"""FilteredSubscribeToStream: subscribe to the events that are written from now on and match a filter.

See docs/protocol/tcp.md, section 4.15.
"""

from __future__ import annotations

from functools import partial
from typing import Final

from rxpump.server.node import Node
from rxpump.server.store.filters import BadFilter, LogFilter
from rxpump.server.strictness import Strictness
from rxpump.server.tcp.filter_message import read_filter
from rxpump.server.tcp.filtered_subscription import FilteredSubscription
from rxpump.server.tcp.handlers.subscribe import allowed_stream, begin
from rxpump.server.tcp.request import BadPayload, Request
from rxpump.tcp.wire.schema import FilteredSubscribeToStream

_NO_CHECKPOINTS: Final = -1


def filtered_subscribe(request: Request, node: Node) -> None:
    """Answer a FilteredSubscribeToStream, and begin the subscription."""
    asked = request.read(FilteredSubscribeToStream)
    stream = allowed_stream(request, node, asked)
    if stream is None:
        return
    interval = _checked_interval(asked.checkpoint_interval)
    wanted = _checked_filter(asked.filter, node.strictness)
    kind = partial(FilteredSubscription, wanted=wanted, checkpoint_interval=interval)
    begin(request, node, stream, asked, kind, size=wanted.search.size)


def _checked_interval(interval: int) -> int | None:
    """Return the events between two checkpoints; None for no checkpoints.

    Args:
        interval: A number from 0 on, where 0 acts as 1; or -1 for no checkpoints.

    Raises:
        BadPayload: The interval is below -1.
    """
    if interval == _NO_CHECKPOINTS:
        return None
    if interval < 0:
        raise BadPayload(f"The checkpoint interval should be positive, or -1 for none; it is {interval}.")
    return max(1, interval)


def _checked_filter(message: object, strictness: Strictness) -> LogFilter:
    try:
        return read_filter(message, strictness)
    except BadFilter as error:
        raise BadPayload(str(error)) from error
