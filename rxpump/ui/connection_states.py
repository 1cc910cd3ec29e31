"""The state of the page's own connection to the event store."""

from __future__ import annotations

from functools import partial
from typing import Any

from reactivex import Observable
from reactivex import operators as rx

from rxpump import operators as ops
from rxpump.client import Client
from rxpump.model.status import Closed, Connected, Connecting, Discovered, Reconnecting, Status
from rxpump.ui.replies import error_values
from rxpump.ui.server_sent_events import message


def states(client: Client) -> Observable[bytes]:
    """Return a message with the present state, and one for each change. A slow browser receives the last one."""
    return client.status.pipe(rx.map(state_values), ops.on_backpressure_latest(), rx.map(partial(message, "state")))


def state_values(status: Status) -> dict[str, Any]:
    """Return a state as plain values. `state` is its name in small letters."""
    name = {"state": type(status).__name__.lower()}
    match status:
        case Connecting() | Connected():
            return {**name, "address": status.address}
        case Reconnecting():
            return {**name, "attempt": status.attempt, "delay": status.delay, "reason": error_values(status.reason)}
        case Discovered():
            return {**name, "address": status.address, "nodes": discovered_nodes(status)}
        case Closed():
            return {**name, "reason": None if status.reason is None else error_values(status.reason)}
        case _:
            return {**name}


def discovered_nodes(status: Discovered) -> list[dict[str, Any]]:
    """Return the nodes of a cluster, each with its state and the reason why it was chosen or not."""
    return [{"address": node.address, "state": node.state, "reason": node.text} for node in status.verdicts]
