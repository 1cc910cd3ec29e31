"""Find the node to connect to. The resolver is asked before every attempt, so that the node can change."""

from __future__ import annotations

from typing import Protocol

from rxpump.uri import TcpAddress


class NodeResolver(Protocol):
    """Finds the node to connect to."""

    async def locate(self) -> TcpAddress:
        """Return the address of the node to connect to now."""

    async def locate_http(self, node: TcpAddress, port: int) -> tuple[str, int]:
        """Return the host and port of the HTTP interface of a node.

        Args:
            node: Address of the node that the client is connected to.
            port: Port to use if no other is known.
        """

    async def close(self) -> None:
        """Free the resources of the resolver."""


class FixedAddress:
    """A resolver that always returns the same node."""

    def __init__(self, address: TcpAddress) -> None:
        self.address = address

    async def locate(self) -> TcpAddress:
        """Return the address."""
        return self.address

    async def locate_http(self, node: TcpAddress, port: int) -> tuple[str, int]:
        """Return the host of the node, and `port`."""
        return node.host, port

    async def close(self) -> None:
        """Do nothing, because the resolver has no resources."""

    def __repr__(self) -> str:
        return f"<FixedAddress {self.address}>"
