"""A client with one address, whose node is starting: the client waits for it, and does not trust its replies."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

import rxpump
from rxpump.errors import ConnectionFailed
from rxpump.model.status import Reconnecting
from rxpump.testing import ClusterNode, EmbeddedCluster, NodeState

ADMIN: dict[str, Any] = {"username": "admin", "password": "changeit"}
QUICK = rxpump.Backoff(min_delay=0.01, max_delay=0.01)


def tcp_client_of(node: ClusterNode, **options: Any) -> rxpump.Client:
    return rxpump.connect(node.uri, http_port=node.http_address[1], reconnect=QUICK, **ADMIN, **options)


def grpc_client_of(node: ClusterNode, **options: Any) -> rxpump.Client:
    uri = "kurrentdb://{}:{}?tls=false&credentialsInClear=true".format(*node.http_address)
    return rxpump.connect(uri, reconnect=QUICK, **ADMIN, **options)


MakeClient = Callable[..., rxpump.Client]
BOTH_PROTOCOLS = pytest.mark.parametrize("client_of", [tcp_client_of, grpc_client_of], ids=["tcp", "grpc"])


async def restarted(cluster: EmbeddedCluster, state: NodeState) -> ClusterNode:
    """Write to a stream while a follower is down, and start it in `state`."""
    node = cluster.followers[0]
    await cluster.kill(node)
    await cluster.erase(node)
    async with rxpump.connect(cluster.uri) as client:
        await client.publish_event("ponies", "Jumped")
    await cluster.start_node(node, state)
    return node


@BOTH_PROTOCOLS
@pytest.mark.parametrize(
    "state",
    [NodeState.INITIALIZING, NodeState.UNKNOWN, NodeState.PRE_REPLICA, NodeState.CATCHING_UP, NodeState.CLONE],
)
async def test_a_node_that_is_not_ready_is_waited_for(state: NodeState, client_of: MakeClient) -> None:
    """Until then the node refuses every login, or does not have the stream."""
    async with EmbeddedCluster() as cluster:
        node = await restarted(cluster, state)
        client = client_of(node, require_leader=False)
        statuses: list[rxpump.Status] = []
        client.status.subscribe(statuses.append)
        opening = asyncio.create_task(client.connect())
        while sum(isinstance(status, Reconnecting) for status in statuses) < 3:
            await asyncio.sleep(0)
        await cluster.join(node)
        await opening
        assert len([event async for event in client.iter("ponies")]) == 1
        await client.close()
    reasons = {str(status.reason) for status in statuses if isinstance(status, Reconnecting)}
    assert all("it is not ready, in the state" in reason for reason in reasons)


async def test_a_refused_login_of_a_starting_node_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rxpump.tcp.refusals.STARTING_SECONDS", 0.0)
    async with EmbeddedCluster() as cluster:
        node = await restarted(cluster, NodeState.PRE_REPLICA)
        with pytest.raises(ConnectionFailed, match="it is not ready, in the state pre replica"):
            await tcp_client_of(node, connect_within=0.2).connect()


async def test_a_client_of_the_cluster_does_not_notice() -> None:
    async with EmbeddedCluster() as cluster:
        node = await restarted(cluster, NodeState.CATCHING_UP)
        statuses: list[rxpump.Status] = []
        async with rxpump.connect(cluster.uri, node_preference="follower") as client:
            client.status.subscribe(statuses.append)
            assert len([event async for event in client.iter("ponies")]) == 1
        assert node.client_count == 0
