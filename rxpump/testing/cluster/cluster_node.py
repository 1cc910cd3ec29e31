"""One node of a cluster, as tests use it."""

from __future__ import annotations

from typing import Protocol

from rxpump.discovery.member import NodeState


class ClusterNode(Protocol):
    """One node of an `EmbeddedCluster`. It changes only by the methods of the cluster."""

    @property
    def name(self) -> str:
        """Name of the node in messages."""

    @property
    def state(self) -> NodeState:
        """State of the node as the node itself reports it; SHUTDOWN after it was killed."""

    @property
    def is_running(self) -> bool:
        """Whether the node runs, which means that it was started and not killed since."""

    @property
    def is_hanging(self) -> bool:
        """Whether the node accepts connections but answers nothing."""

    @property
    def is_delayed(self) -> bool:
        """Whether reads of the node lag behind the leader."""

    @property
    def uri(self) -> str:
        """Connection string for this node alone, without credentials."""

    @property
    def tcp_address(self) -> tuple[str, int]:
        """Host and port for clients of the TCP protocol; the same for the whole life of the cluster."""

    @property
    def http_address(self) -> tuple[str, int]:
        """Host and port for HTTP and gRPC; the same for the whole life of the cluster."""

    @property
    def client_count(self) -> int:
        """Number of connected clients."""
