"""Servers and a mock transport, for tests of programs that use rxpump.

`EmbeddedCluster` is a cluster of embedded servers in this process, whose nodes fail when a test requests it.

`MockTransport` is faster, but has no failover. It is an event store in memory, without sockets, files or threads, and
a test decides when its connection is lost. The contract suite in `tests/contract` runs against it as against servers.

Example:
    transport = MockTransport()
    async with mock_client(transport) as client:
        await client.publish_event("orders", "Placed", {"price": 5})
        transport.lose_connection()
        transport.restore_connection()
        [placed] = await client.get("orders")
"""

from rxpump.discovery.member import NodeState
from rxpump.server.http.gossip import GossipWords
from rxpump.testing.clients import mock_client
from rxpump.testing.cluster import ClusterNode, EmbeddedCluster, NoLeader, NoQuorum
from rxpump.testing.mock_transport import MockTransport

__all__ = [
    "ClusterNode",
    "EmbeddedCluster",
    "GossipWords",
    "MockTransport",
    "NoLeader",
    "NoQuorum",
    "NodeState",
    "mock_client",
]
