"""The handler of each command."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from rxpump.server.node import Node
from rxpump.server.tcp.handlers.connect_persistent import connect_persistent
from rxpump.server.tcp.handlers.delete_stream import delete_stream
from rxpump.server.tcp.handlers.filtered_read_all import filtered_read_all_backward, filtered_read_all_forward
from rxpump.server.tcp.handlers.filtered_subscribe import filtered_subscribe
from rxpump.server.tcp.handlers.manage_persistent import create_persistent, delete_persistent, update_persistent
from rxpump.server.tcp.handlers.ping import ping
from rxpump.server.tcp.handlers.read_all import read_all_backward, read_all_forward
from rxpump.server.tcp.handlers.read_event import read_event
from rxpump.server.tcp.handlers.read_stream import read_stream_backward, read_stream_forward
from rxpump.server.tcp.handlers.scavenge_database import scavenge_database
from rxpump.server.tcp.handlers.settle_persistent import acknowledge_persistent, refuse_persistent
from rxpump.server.tcp.handlers.subscribe import subscribe
from rxpump.server.tcp.handlers.transaction import transaction_commit, transaction_start, transaction_write
from rxpump.server.tcp.handlers.unsubscribe import unsubscribe
from rxpump.server.tcp.handlers.write_events import write_events
from rxpump.server.tcp.request import Request
from rxpump.tcp.wire.commands import Command


class Pending(Protocol):
    """A request that is not answered yet, such as a future that is done when it is answered."""

    def add_done_callback(self, call: Callable[[Any], object], /) -> None:
        """Call a function when the request is answered, or later."""


Handler = Callable[[Request, Node], Pending | None]
"""Function that answers a request, at once or later if it returns a pending request."""

HANDLERS: Final[Mapping[int, Handler]] = {
    Command.PING: ping,
    Command.WRITE_EVENTS: write_events,
    Command.SCAVENGE_DATABASE: scavenge_database,
    Command.TRANSACTION_START: transaction_start,
    Command.TRANSACTION_WRITE: transaction_write,
    Command.TRANSACTION_COMMIT: transaction_commit,
    Command.DELETE_STREAM: delete_stream,
    Command.READ_EVENT: read_event,
    Command.READ_STREAM_EVENTS_FORWARD: read_stream_forward,
    Command.READ_STREAM_EVENTS_BACKWARD: read_stream_backward,
    Command.READ_ALL_EVENTS_FORWARD: read_all_forward,
    Command.READ_ALL_EVENTS_BACKWARD: read_all_backward,
    Command.FILTERED_READ_ALL_EVENTS_FORWARD: filtered_read_all_forward,
    Command.FILTERED_READ_ALL_EVENTS_BACKWARD: filtered_read_all_backward,
    Command.SUBSCRIBE_TO_STREAM: subscribe,
    Command.FILTERED_SUBSCRIBE_TO_STREAM: filtered_subscribe,
    Command.UNSUBSCRIBE_FROM_STREAM: unsubscribe,
    Command.CREATE_PERSISTENT_SUBSCRIPTION: create_persistent,
    Command.UPDATE_PERSISTENT_SUBSCRIPTION: update_persistent,
    Command.DELETE_PERSISTENT_SUBSCRIPTION: delete_persistent,
    Command.CONNECT_TO_PERSISTENT_SUBSCRIPTION: connect_persistent,
    Command.PERSISTENT_SUBSCRIPTION_ACK_EVENTS: acknowledge_persistent,
    Command.PERSISTENT_SUBSCRIPTION_NAK_EVENTS: refuse_persistent,
}

IGNORED: Final = frozenset(
    {Command.NOT_HANDLED, *(command for command in Command if command.name.endswith("_COMPLETED"))}
)
"""Replies of servers, which are ignored when a client sends them (docs/protocol/tcp.md, section 1.3)."""
