"""Find the node to connect to. The resolver is asked before every attempt, so that the node can change."""

from __future__ import annotations

from typing import NamedTuple, Protocol


class Node(NamedTuple):
    """Address of a node.

    Attributes:
        host: Host name or IP address.
        port: Port of its gRPC and HTTP interfaces.
    """

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


class NodeResolver(Protocol):
    """Finds the node to connect to."""

    async def locate(self) -> Node:
        """Return the node to connect to now.

        Raises:
            RxPumpError: There is no node to connect to.
        """


class FixedNode:
    """A resolver that always returns the same node."""

    def __init__(self, node: Node) -> None:
        self.node: Node = node

    async def locate(self) -> Node:
        """Return the node."""
        return self.node

    def __repr__(self) -> str:
        return f"<FixedNode {self.node}>"
