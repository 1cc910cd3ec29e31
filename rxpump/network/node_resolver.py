"""Find the node to connect to. Each attempt to connect calls the resolver first, so that the node can change."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from math import inf
from typing import ClassVar, Final, Generic, Protocol, TypeVar

from rxpump.discovery import NodeState
from rxpump.discovery.discovery import Discovery
from rxpump.discovery.member import Address
from rxpump.discovery.node_memory import ELECTION_SECONDS, NodeMemory
from rxpump.model.status import Discovered

_FORGETTING_SECONDS: Final = 5.0
"""Seconds without a refusal after which earlier refusals of a node no longer count."""


class NodeAddress(Protocol):
    """Address of a node over one protocol. Errors and the status contain its text, `str(address)`."""

    @property
    def host(self) -> str:
        """Host name or IP address."""

    @property
    def port(self) -> int:
        """Port."""


A = TypeVar("A", bound=NodeAddress)


class NodeResolver(ABC, Generic[A]):
    """Finds the node to connect to.

    Attributes:
        has_other_nodes: Whether `locate` can return another node than the last time.
        memory: Experience with each node, by host and port.
    """

    has_other_nodes: ClassVar[bool] = False

    def __init__(self) -> None:
        self.memory: NodeMemory = NodeMemory()

    @abstractmethod
    async def locate(self) -> A:
        """Return the address of the node to connect to now.

        Raises:
            DiscoveryFailed: No node can be used now. `longest_pause` returns the time to wait.
        """

    async def close(self) -> None:
        """Free the resources of the resolver. By default there are none."""
        return

    def for_leader(self) -> NodeResolver[A] | None:
        """Return a resolver that finds the leader; None if the node of this resolver serves every request."""
        return None

    def longest_pause(self) -> float | None:
        """Return the longest time to wait before `locate` is called again; None if it is not called again."""
        return inf

    async def until_wrong(self, node: A, doubted: asyncio.Event) -> str:
        """Wait until the client should connect to another node. By default it never should.

        Args:
            node: Address of the connected node.
            doubted: Event that is set whenever the node has refused a request for now.

        Returns:
            The reason.
        """
        never: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        return await never

    async def state(self, node: A) -> NodeState | None:
        """Return the state of a node; None if it cannot be found without a connection to the node."""
        return None

    def report(self, node: A | None) -> Discovered | None:
        """Return how the last node was found, for the status; None if the resolver does no discovery.

        Args:
            node: The node that was found, or None.
        """
        return None

    def explain(self) -> str:
        """Return the recent experience with each node, for errors; empty if there is none."""
        return self.memory.recent(asyncio.get_running_loop().time())


class FixedNode(NodeResolver[A]):
    """A resolver that always returns the same node. If another node is the leader, errors of the node name it.

    Args:
        address: Address of the node.
    """

    def __init__(self, address: A) -> None:
        super().__init__()
        self.address: A = address

    async def locate(self) -> A:
        """Return the address."""
        return self.address

    async def until_wrong(self, node: A, doubted: asyncio.Event) -> str:
        """Wait until a node to which the client was referred as the leader has refused requests for some time.

        The node of this resolver may have another leader by then.
        """
        if node == self.address:
            return await super().until_wrong(node, doubted)
        loop = asyncio.get_running_loop()
        first = last = -inf
        while True:
            doubted.clear()
            await doubted.wait()
            now = loop.time()
            first = first if now - last < _FORGETTING_SECONDS else now
            last = now
            if now - first >= ELECTION_SECONDS:
                return f"it could not serve requests for {now - first:.1f} s"

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.address}>"


class ClusterNodes(NodeResolver[A]):
    """A resolver that requests gossip from the nodes of a cluster, and chooses a node.

    Args:
        discovery: Requests the gossip, and chooses.
        address_of: Function that returns the address over the protocol of the connection.
    """

    has_other_nodes: ClassVar[bool] = True

    def __init__(self, discovery: Discovery, address_of: Callable[[Address], A]) -> None:
        super().__init__()
        self.discovery: Discovery = discovery
        self.memory: NodeMemory = discovery.memory
        self._address_of: Callable[[Address], A] = address_of

    async def locate(self) -> A:
        """Request gossip from the nodes, and return the address of the chosen one.

        Raises:
            DiscoveryFailed: No node can be used now.
        """
        node = await self.discovery.find()
        return self._address_of(node.address)

    def longest_pause(self) -> float | None:
        """Return the pause in seconds between two rounds of requests for gossip."""
        return self.discovery.pause()

    async def until_wrong(self, node: A, doubted: asyncio.Event) -> str:
        """Request gossip periodically until another node is better. Return the reason.

        The next request follows soon after a refusal, and if the node did not answer the last one, because the other
        nodes may be about to elect another leader.
        """
        check_interval, gossip_interval = self.discovery.intervals
        address = node.host, node.port
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(check_interval):
                    await doubted.wait()
            doubted.clear()
            reason = await self.discovery.check(address)
            if reason:
                return reason
            if self.discovery.view.is_silent(address):
                doubted.set()
            await asyncio.sleep(gossip_interval)

    async def state(self, node: A) -> NodeState | None:
        """Return the state of a node as of the last round."""
        member = self.discovery.view.member_at((node.host, node.port))
        return None if member is None else member.state

    def report(self, node: A | None) -> Discovered:
        """Return the answer of each node in the last round, and the reason for the choice."""
        return self.discovery.report(None if node is None else str(node))

    def explain(self) -> str:
        """Return the answer of each node in the last round, and the recent experience with each."""
        return self.discovery.explain()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.discovery!r}>"
