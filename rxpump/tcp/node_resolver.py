"""Find the node to connect to. The resolver is asked before every attempt, so that the node can change."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from math import inf
from typing import ClassVar

from rxpump.discovery import NodeMemory
from rxpump.model.status import Discovered
from rxpump.uri import TcpAddress


class NodeResolver(ABC):
    """Finds the node to connect to.

    Attributes:
        knows_others: Whether there can be other nodes than the one that `locate` returned last.
        memory: Experience with each node, by host and port.
    """

    knows_others: ClassVar[bool] = False

    def __init__(self) -> None:
        self.memory: NodeMemory = NodeMemory()

    @abstractmethod
    async def locate(self) -> TcpAddress:
        """Return the address of the node to connect to now.

        Raises:
            DiscoveryFailed: No node can be used now. `longest_pause` returns the time to wait.
        """

    @abstractmethod
    async def locate_http(self, node: TcpAddress, port: int) -> tuple[str, int]:
        """Return the host and port of the HTTP interface of a node.

        Args:
            node: Address of the node that the client is connected to.
            port: Port to use if no other is known.
        """

    async def close(self) -> None:
        """Free the resources of the resolver. By default there are none."""
        return

    def for_leader(self) -> NodeResolver | None:
        """Return a resolver that finds the leader; None if the node of this resolver serves every request."""
        return None

    def longest_pause(self) -> float | None:
        """Return the longest time to wait before `locate` is called again; None if it is not called again."""
        return inf

    async def reason_to_leave(self, node: TcpAddress) -> str:
        """Return why the client is to leave the connected node for another one, or nothing if it is to stay."""
        return ""

    def report(self, node: TcpAddress | None) -> Discovered | None:
        """Return how the last node was found, for the status; None if it was not looked for.

        Args:
            node: The node that was found, or None.
        """
        return None

    def explain(self) -> str:
        """Return the recent experience with each node, for errors; empty if there is none."""
        return self.memory.recent(asyncio.get_running_loop().time())


class FixedAddress(NodeResolver):
    """A resolver that always returns the same node. Nodes of a cluster name the leader by themselves."""

    def __init__(self, address: TcpAddress) -> None:
        super().__init__()
        self.address = address

    async def locate(self) -> TcpAddress:
        """Return the address."""
        return self.address

    async def locate_http(self, node: TcpAddress, port: int) -> tuple[str, int]:
        """Return the host of the node, and `port`."""
        return node.host, port

    def for_leader(self) -> NodeResolver | None:
        """Return another resolver for the same node, which names the leader."""
        return FixedAddress(self.address)

    def __repr__(self) -> str:
        return f"<FixedAddress {self.address}>"
