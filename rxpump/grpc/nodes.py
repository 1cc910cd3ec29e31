"""Find the node to connect to over gRPC, either the only node that the user named or one of a cluster."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from rxpump.discovery import DiscoveryRetryPolicy, Endpoint, NodeState, Selector
from rxpump.discovery.asking import Target, ask_state, gather_answers, resolve
from rxpump.discovery.asking import ask as ask_over_http
from rxpump.discovery.cluster_view import Answer, http_address
from rxpump.discovery.discovery import Discovery, for_leader
from rxpump.discovery.gossip import Gossip
from rxpump.errors import RxPumpError
from rxpump.grpc.calls.gossip import read_gossip
from rxpump.grpc.dialer import Dialer, Node
from rxpump.model.nodes import NodePreference
from rxpump.network.node_resolver import ClusterNodes, FixedNode, NodeResolver
from rxpump.network.tls import gossip_context
from rxpump.settings import Settings
from rxpump.uri import GrpcAddress

_PROGRESS_SHARE: Final = 0.25
"""Share of the time limit of gossip in which a node must answer over HTTP."""


class OneNode(FixedNode[Node]):
    """A resolver that always returns the same node. If another node is the leader, errors of the node name it.

    Args:
        address: Address of the node.
        settings: Settings of the client.
    """

    def __init__(self, address: Node, settings: Settings) -> None:
        super().__init__(address)
        self._settings = settings

    def for_leader(self) -> OneNode:
        """Return another resolver for the same node, whose errors name the leader."""
        return OneNode(self.address, self._settings)

    async def state(self, node: Node) -> NodeState | None:
        """Return the state of the node, which it serves over HTTP on the same port; None if it does not answer."""
        settings = self._settings
        return await ask_state(
            node.host,
            node.port,
            timeout=settings.gossip_timeout,
            tls=gossip_context(settings),
            server_name=settings.tls_server_name,
        )


class GrpcClusterNodes(ClusterNodes[Node]):
    """A resolver that requests gossip from the nodes of a cluster over gRPC, and chooses a node.

    Args:
        address: Hosts that receive the first requests.
        dialer: Opens the connections for the requests.
        settings: Settings of the client.
        selector: Function of the user that chooses a node, or None.
        retry_policy: Pauses between two rounds of requests to all nodes. None: those of the settings.
    """

    def __init__(
        self,
        address: GrpcAddress,
        dialer: Dialer,
        settings: Settings,
        selector: Selector | None = None,
        retry_policy: DiscoveryRetryPolicy | None = None,
    ) -> None:
        reads_progress = selector is not None or settings.node_preference != NodePreference.LEADER
        discovery = Discovery(
            [Endpoint(host, port) for host, port in address.hosts],
            settings,
            http_address,
            selector=selector,
            retry_policy=retry_policy,
            ask=_GossipClient(dialer, settings, reads_progress=reads_progress).ask,
        )
        super().__init__(discovery, lambda node: Node(*node))
        self._address = address
        self._dialer = dialer
        self._settings = settings
        self._retry_policy = retry_policy

    def for_leader(self) -> GrpcClusterNodes:
        """Return a resolver that finds the leader of the same cluster."""
        settings = for_leader(self._settings)
        return GrpcClusterNodes(self._address, self._dialer, settings, retry_policy=self._retry_policy)


def nodes_of(
    address: GrpcAddress,
    dialer: Dialer,
    settings: Settings,
    selector: Selector | None = None,
    retry_policy: DiscoveryRetryPolicy | None = None,
) -> NodeResolver[Node]:
    """Return the resolver for an address; arguments as of GrpcClusterNodes."""
    if address.is_cluster:
        return GrpcClusterNodes(address, dialer, settings, selector, retry_policy)
    return OneNode(Node(*address.hosts[0]), settings)


class _GossipClient:
    """Requests gossip from nodes.

    Args:
        dialer: Opens the connections for the requests.
        settings: Settings of the client.
        reads_progress: Whether also the end of each node's log is requested, so that a follower can be compared with
            the leader. Gossip over gRPC does not contain it. Most servers have it in their gossip over HTTP, on the
            same port.
    """

    def __init__(self, dialer: Dialer, settings: Settings, *, reads_progress: bool) -> None:
        self._dialer = dialer
        self._settings = settings
        self._reads_progress = reads_progress
        self._tls = gossip_context(settings) if reads_progress else None

    async def ask(self, endpoints: Sequence[Endpoint], timeout: float) -> Sequence[Answer]:
        """Request gossip from the nodes at these addresses. Each must answer in `timeout` seconds."""
        targets, problems = await resolve(endpoints, timeout=timeout)
        return [*problems, *await gather_answers(targets, partial(self._ask, timeout), timeout=timeout)]

    async def _ask(self, timeout: float, target: Target) -> Answer:
        node = Node(target.endpoint.address, target.endpoint.port)
        progress = asyncio.ensure_future(self._progress(target, timeout)) if self._reads_progress else None
        try:
            members = await self._dialer.ask(node, read_gossip(), timeout, tls_name=target.name)
            if progress is not None:
                written = await progress
                members = [replace(each, written=written.get(each.external_http, -1)) for each in members]
        except RxPumpError as error:
            return Answer(target.endpoint, problem=getattr(error, "reason", str(error)))
        finally:
            if progress is not None:
                progress.cancel()
        return Answer(target.endpoint, Gossip(tuple(members), Endpoint(target.name, target.endpoint.port)))

    async def _progress(self, target: Target, timeout: float) -> Mapping[Endpoint, int]:
        """Return the end of the log of each member that a node knows; none if it does not answer over HTTP."""
        name, limit = self._settings.tls_server_name, timeout * _PROGRESS_SHARE
        answer = await ask_over_http(target, timeout=limit, tls=self._tls, server_name=name)
        members = () if answer.gossip is None else answer.gossip.members
        return {member.external_http: member.written for member in members}
