"""A node resolver that finds the node in a cluster, from the gossip of its nodes."""

from __future__ import annotations

from rxpump.discovery import DiscoveryRetryPolicy, Endpoint, Selector
from rxpump.discovery.cluster_view import secure_tcp_address, tcp_address
from rxpump.discovery.discovery import Discovery, for_leader
from rxpump.network.node_resolver import ClusterNodes
from rxpump.network.tls import gossip_context
from rxpump.settings import Settings
from rxpump.tcp.node_resolver import TcpNodeResolver
from rxpump.uri import ClusterAddress, TcpAddress


class ClusterResolver(ClusterNodes[TcpAddress], TcpNodeResolver):
    """A resolver that requests gossip from the nodes of a cluster, and chooses a node.

    Args:
        address: Hosts that receive the first requests, and the credentials of the connection.
        settings: Settings of the client.
        selector: Function of the user that chooses a node, or None.
        retry_policy: Pauses between two rounds of requests to all nodes. None: those of the settings.

    Raises:
        InvalidArgument: The file `tls_ca` of the settings cannot be read.
    """

    def __init__(
        self,
        address: ClusterAddress,
        settings: Settings,
        selector: Selector | None = None,
        retry_policy: DiscoveryRetryPolicy | None = None,
    ) -> None:
        discovery = Discovery(
            [Endpoint(host, port) for host, port in address.seeds],
            settings,
            secure_tcp_address if settings.tls else tcp_address,
            tls=gossip_context(settings),
            selector=selector,
            retry_policy=retry_policy,
        )
        super().__init__(discovery, lambda node: TcpAddress(*node, address.credentials))
        self._address = address
        self._settings = settings
        self._retry_policy = retry_policy

    async def locate_http(self, node: TcpAddress, port: int) -> tuple[str, int]:
        """Return the HTTP address of a node from its gossip."""
        member = self.discovery.view.member_at((node.host, node.port))
        if member is None:
            return node.host, port
        return self.discovery.view.gossip_address_of(member) or (node.host, port)

    def for_leader(self) -> ClusterResolver:
        """Return a resolver that finds the leader of the same cluster."""
        return ClusterResolver(self._address, for_leader(self._settings), retry_policy=self._retry_policy)
