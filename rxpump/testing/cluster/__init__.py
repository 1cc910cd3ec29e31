"""A cluster of embedded servers for tests of failover, with one module for each part."""

from rxpump.testing.cluster.cluster_node import ClusterNode
from rxpump.testing.cluster.embedded_cluster import EmbeddedCluster
from rxpump.testing.cluster.errors import NoLeader, NoQuorum

__all__ = ["ClusterNode", "EmbeddedCluster", "NoLeader", "NoQuorum"]
