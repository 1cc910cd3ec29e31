"""Find the node to connect to over TCP."""

from __future__ import annotations

from abc import abstractmethod

from rxpump.discovery import NodeState
from rxpump.discovery.asking import ask_state
from rxpump.network.node_resolver import FixedNode, NodeResolver
from rxpump.network.tls import gossip_context
from rxpump.settings import Settings
from rxpump.uri import TcpAddress


class TcpNodeResolver(NodeResolver[TcpAddress]):
    """Finds the node to connect to, and its HTTP interface."""

    @abstractmethod
    async def locate_http(self, node: TcpAddress, port: int) -> tuple[str, int]:
        """Return the host and port of the HTTP interface of a node.

        Args:
            node: Address of the node that the client is connected to.
            port: Port to use if no other is known.
        """

    def for_leader(self) -> TcpNodeResolver | None:
        """Return a resolver that finds the leader; None if the node of this resolver serves every request."""
        return None


class FixedAddress(FixedNode[TcpAddress], TcpNodeResolver):
    """A resolver that always returns the same node. If another node is the leader, errors contain its address.

    Args:
        address: Address of the node.
        settings: Settings of the client, which contain the port of the HTTP interface; None if the node has none.
    """

    def __init__(self, address: TcpAddress, settings: Settings | None = None) -> None:
        super().__init__(address)
        self._settings = settings
        self._tls = gossip_context(settings) if settings is not None else None

    async def locate_http(self, node: TcpAddress, port: int) -> tuple[str, int]:
        """Return the host of the node, and `port`."""
        return node.host, port

    def for_leader(self) -> TcpNodeResolver | None:
        """Return another resolver for the same node, whose errors name the leader."""
        return FixedAddress(self.address, self._settings)

    async def state(self, node: TcpAddress) -> NodeState | None:
        """Return the state of the node from its HTTP interface; None if it does not answer."""
        settings = self._settings
        if settings is None:
            return None
        return await ask_state(
            node.host,
            settings.http_port,
            timeout=settings.gossip_timeout,
            tls=self._tls,
            server_name=settings.tls_server_name,
        )
