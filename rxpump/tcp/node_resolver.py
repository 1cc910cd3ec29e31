"""Where to connect to: asked before every attempt, so a cluster may answer differently each time."""

from __future__ import annotations

from typing import Protocol

from rxpump.uri import TcpAddress


class NodeResolver(Protocol):
    """Finds a node."""

    async def locate(self) -> TcpAddress:
        """Name the node to connect to now."""

    async def locate_http(self, node: TcpAddress, port: int) -> tuple[str, int]:
        """Return host and port of the HTTP side of a node.

        Args:
            node: Address of the node, which the client is connected to.
            port: Port to assume if nothing better is known.
        """

    async def close(self) -> None:
        """Let go of what locating held on to."""


class FixedAddress:
    """Always the same node."""

    def __init__(self, address: TcpAddress) -> None:
        self.address = address

    async def locate(self) -> TcpAddress:
        """Name it."""
        return self.address

    async def locate_http(self, node: TcpAddress, port: int) -> tuple[str, int]:
        """Return the host of the node and the port."""
        return node.host, port

    async def close(self) -> None:
        """Nothing is held."""

    def __repr__(self) -> str:
        return f"<FixedAddress {self.address}>"
