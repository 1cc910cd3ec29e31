"""A node resolver that finds the node in a cluster, from the gossip of its nodes."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from rxpump.discovery import (
    Discovery,
    DiscoveryRetryPolicy,
    Endpoint,
    Selector,
    for_leader,
    secure_tcp_address,
    tcp_address,
)
from rxpump.model.status import Discovered
from rxpump.network.tls import make_context
from rxpump.settings import Settings
from rxpump.tcp.node_resolver import NodeResolver
from rxpump.uri import ClusterAddress, TcpAddress


class ClusterResolver(NodeResolver):
    """A resolver that asks the nodes of a cluster for gossip, and chooses one.

    Args:
        address: Hosts to ask first, and the credentials of the connection.
        settings: Settings of the client.
        selector: Function of the user that chooses a node, or None.
        retry_policy: Pauses between rounds of questions, or None for those of the settings.

    Raises:
        InvalidArgument: The file `tls_ca` of the settings cannot be read.
    """

    knows_others: ClassVar[bool] = True

    def __init__(
        self,
        address: ClusterAddress,
        settings: Settings,
        selector: Selector | None = None,
        retry_policy: DiscoveryRetryPolicy | None = None,
    ) -> None:
        super().__init__()
        self._address = address
        self._settings = settings
        self._retry_policy = retry_policy
        self._discovery = Discovery(
            [Endpoint(host, port) for host, port in address.seeds],
            settings,
            secure_tcp_address if settings.tls else tcp_address,
            tls=make_context(replace(settings, tls=True)) if settings.is_gossip_encrypted else None,
            selector=selector,
            retry_policy=retry_policy,
        )
        self.memory = self._discovery.memory

    async def locate(self) -> TcpAddress:
        """Ask the nodes for gossip, and return the address of the chosen one.

        Raises:
            DiscoveryFailed: No node can be used now.
        """
        node = await self._discovery.find()
        return TcpAddress(*node.address, self._address.credentials)

    async def locate_http(self, node: TcpAddress, port: int) -> tuple[str, int]:
        """Return the HTTP address of a node from its gossip."""
        member = self._discovery.view.member_at((node.host, node.port))
        if member is None:
            return node.host, port
        return self._discovery.view.gossip_address_of(member) or (node.host, port)

    def for_leader(self) -> ClusterResolver:
        """Return a resolver that finds the leader of the same cluster."""
        return ClusterResolver(self._address, for_leader(self._settings), retry_policy=self._retry_policy)

    def longest_pause(self) -> float | None:
        """Return the pause between two rounds of questions."""
        return self._discovery.pause()

    async def reason_to_leave(self, node: TcpAddress) -> str:
        """Ask the nodes for gossip, and return why another node is better."""
        return await self._discovery.check((node.host, node.port))

    def report(self, node: TcpAddress | None) -> Discovered:
        """Return what each node answered in the last round, and why this one was chosen."""
        return self._discovery.report(None if node is None else str(node))

    def explain(self) -> str:
        """Return what each node answered in the last round, and the recent experience with each."""
        return self._discovery.explain()

    def __repr__(self) -> str:
        return f"<ClusterResolver {self._discovery!r}>"
