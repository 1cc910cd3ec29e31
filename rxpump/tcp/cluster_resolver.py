"""A node resolver that finds the node in a cluster, from the gossip of its nodes."""

from __future__ import annotations

from dataclasses import replace

from rxpump.discovery import (
    Discovery,
    DiscoveryRetryPolicy,
    Endpoint,
    Selector,
    secure_tcp_address,
    tcp_address,
)
from rxpump.network.tls import make_context
from rxpump.settings import Settings
from rxpump.uri import ClusterAddress, TcpAddress


class ClusterResolver:
    """A resolver that asks the nodes of a cluster for gossip, and chooses one.

    Args:
        address: Hosts to ask first, and the credentials of the connection.
        settings: Settings of the client.
        selector: Function of the user that chooses a node, or None.
        retry_policy: Pauses between rounds of questions, or None for those of the settings.

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
        self._credentials = address.credentials
        self._discovery = Discovery(
            [Endpoint(host, port) for host, port in address.seeds],
            settings,
            secure_tcp_address if settings.tls else tcp_address,
            tls=make_context(replace(settings, tls=True)) if settings.is_gossip_encrypted else None,
            selector=selector,
            retry_policy=retry_policy,
        )

    async def locate(self) -> TcpAddress:
        """Ask the nodes for gossip, and return the address of the chosen one.

        Raises:
            DiscoveryFailed: No node can be used now.
        """
        node = await self._discovery.find()
        return TcpAddress(*node.address, self._credentials)

    async def locate_http(self, node: TcpAddress, port: int) -> tuple[str, int]:
        """Return the HTTP address of a node from its gossip."""
        member = self._discovery.view.member_at((node.host, node.port))
        if member is None:
            return node.host, port
        return self._discovery.view.gossip_address_of(member) or (node.host, port)

    async def close(self) -> None:
        """Do nothing, because the resolver has no resources."""

    def __repr__(self) -> str:
        return f"<ClusterResolver {self._discovery!r}>"
