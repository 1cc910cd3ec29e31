"""Requests of a client that prefers followers: which of them the leader receives, and which the follower."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final

import pytest

import rxpump
from rxpump.backoff import Backoff
from rxpump.errors import RxPumpError
from rxpump.grpc.messages import gossip, server_features
from rxpump.grpc.messages.table import METHODS
from rxpump.grpc.protocol.call_status import CallStatus, StatusCode
from rxpump.model.new_events import NewEvent
from tests.grpc.clients import features
from tests.grpc.harness import Handler, Server, ServerCall, serving

QUICK = Backoff(min_delay=0.001, max_delay=0.02)
LEADER, FOLLOWER = 8, 6
"""Numbers of the states in the gossip."""

Request = Callable[[rxpump.Client], Awaitable[Any]]

TO_THE_LEADER: Final[dict[str, Request]] = {
    "append": lambda client: client.publish_event("s", "A"),
    "append to several streams": lambda client: client.publish_many({"a": [NewEvent("A")], "b": [NewEvent("B")]}),
    "delete": lambda client: client.delete_stream("s"),
    "metadata": lambda client: client.set_metadata("s", max_count=1),
    "create a group": lambda client: client.create_subscription("g", "s"),
    "consume": lambda client: anext(aiter(client.connect_subscription("g", "s"))),
    "list groups": lambda client: client.list_subscriptions(),
    "restart groups": lambda client: client.restart_subscriptions(),
    "users": lambda client: client.users.list(),
    "projections": lambda client: client.projections.list(),
    "create an index": lambda client: client.indexes.create("i"),
    "start an index": lambda client: client.indexes.start("i"),
    "list indexes": lambda client: client.indexes.list(),
    "an index": lambda client: client.indexes.details("i"),
}
TO_THE_FOLLOWER: Final[dict[str, Request]] = {
    "page": lambda client: client.get("s"),
    "read": lambda client: anext(aiter(client.iter("s"))),
    "read $all": lambda client: client.get_all(),
    "read metadata": lambda client: client.get_metadata("s"),
    "follow": lambda client: anext(aiter(client.stream("s"))),
    "read an index": lambda client: anext(aiter(client.indexes.iter("$idx-all"))),
    "follow an index": lambda client: anext(aiter(client.indexes.stream("$idx-all"))),
    "scavenge": lambda client: client.scavenge(),
    "statistics": lambda client: client.statistics(),
}


async def refuse(call: ServerCall) -> None:
    call.refuse(CallStatus(StatusCode.INVALID_ARGUMENT, "refused"))


def node(members: list[dict[str, Any]]) -> dict[str, Handler]:
    """Return the handlers of a node that refuses all calls but those to connect."""

    async def gossiping(call: ServerCall) -> None:
        await anext(call)
        call.start()
        await call.send(gossip.ClusterInfo(members=members).SerializeToString())
        call.finish()

    served: dict[str, Handler] = {method.path: refuse for method in METHODS.values()}
    to_connect = {gossip.READ.path: gossiping, server_features.GET_SUPPORTED_METHODS.path: features(version="26.1.0")}
    return served | to_connect


def requested(server: Server) -> list[str]:
    """Return the paths of the calls, except for those to connect."""
    to_connect = (gossip.READ.path, server_features.GET_SUPPORTED_METHODS.path)
    return [call.request.path for call in server.calls if call.request.path not in to_connect]


@pytest.mark.parametrize("name", [*TO_THE_LEADER, *TO_THE_FOLLOWER])
async def test_a_request_goes_to_a_node_that_serves_it(name: str) -> None:
    members: list[dict[str, Any]] = []
    async with serving(node(members)) as leader, serving(node(members)) as follower:
        for server, state in ((leader, LEADER), (follower, FOLLOWER)):
            address = {"address": "127.0.0.1", "port": server.port}
            members.append({"state": state, "is_alive": True, "http_end_point": address})
        seeds = f"127.0.0.1:{leader.port},127.0.0.1:{follower.port}"
        uri = f"kurrentdb://{seeds}?tls=false&nodePreference=follower"
        async with rxpump.connect(uri, reconnect=QUICK, retry=QUICK) as client:
            with suppress(RxPumpError):
                await (TO_THE_LEADER.get(name) or TO_THE_FOLLOWER[name])(client)
            received, other = (leader, follower) if name in TO_THE_LEADER else (follower, leader)
            assert requested(received)
            assert requested(other) == []
