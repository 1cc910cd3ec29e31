"""Clients that read from a follower or from a read-only replica, and write through the leader."""

from __future__ import annotations

import pytest

import rxpump
from rxpump.testing import ClusterNode, EmbeddedCluster, GossipWords, NodeState


def reader(cluster: EmbeddedCluster, state: NodeState) -> ClusterNode:
    return next(node for node in cluster.nodes if node.state is state)


@pytest.mark.parametrize(
    ("preference", "state"),
    [("follower", NodeState.FOLLOWER), ("read_only_replica", NodeState.READ_ONLY_REPLICA)],
)
async def test_reads_and_writes_use_different_nodes(preference: str, state: NodeState) -> None:
    async with EmbeddedCluster(2, words=GossipWords.V20, read_only_replicas=1) as cluster:
        node = reader(cluster, state)
        async with rxpump.connect(cluster.uri, node_preference=preference) as client:
            assert node.client_count == 1
            result = await client.publish_event("ponies", "Jumped")
            await client.create_subscription("riders", "ponies", start_from=0)
            event = await client.get_event("ponies", result.last_event_number)
            assert event.type == "Jumped"
            assert (node.client_count, cluster.leader.client_count) == (1, 1)


@pytest.mark.parametrize("state", [NodeState.FOLLOWER, NodeState.READ_ONLY_REPLICA])
async def test_a_client_of_one_node_writes_through_the_leader(state: NodeState) -> None:
    """A follower forwards writes. A replica refuses them and names the leader, to which the client connects, too."""
    async with EmbeddedCluster(2, words=GossipWords.V20, read_only_replicas=1) as cluster:
        node = reader(cluster, state)
        async with rxpump.connect(node.uri, require_leader=False) as client:
            await client.publish_event("ponies", "Jumped")
            await client.publish_event("ponies", "Landed", expected_version=0)
            assert [event.type async for event in client.iter("ponies")] == ["Jumped", "Landed"]
            assert cluster.leader.client_count == (state is NodeState.READ_ONLY_REPLICA)


async def test_a_lost_replica_is_replaced_by_another_node() -> None:
    async with EmbeddedCluster(words=GossipWords.V20, read_only_replicas=1) as cluster:
        replica = reader(cluster, NodeState.READ_ONLY_REPLICA)
        async with rxpump.connect(cluster.uri, node_preference="read_only_replica") as client:
            await client.publish_event("ponies", "Jumped")
            await cluster.kill(replica)
            assert [event.type async for event in client.iter("ponies")] == ["Jumped"]
            assert sum(node.client_count for node in cluster.followers) == 1
