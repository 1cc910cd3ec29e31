"""The resolver of a cluster notices soon that another node is better than the connected one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from rxpump.discovery.cluster_view import Answer, http_address
from rxpump.discovery.discovery import Discovery
from rxpump.discovery.gossip import Gossip
from rxpump.discovery.member import Endpoint, Member, NodeState
from rxpump.grpc.dialer import Node
from rxpump.network.node_resolver import ClusterNodes
from rxpump.settings import Settings
from tests.discovery.members import member

ONE, TWO = member(1, NodeState.LEADER), member(2, NodeState.FOLLOWER)
ONE_DEMOTED, TWO_ELECTED = replace(ONE, state=NodeState.FOLLOWER), replace(TWO, state=NodeState.LEADER, epoch=9)


def answer(by: Member, *members: Member) -> Answer:
    return Answer(by.external_http, Gossip(members, by.external_http))


async def test_a_node_that_hangs_is_asked_for_gossip_again_soon() -> None:
    """A round of requests can be too early: the other nodes have not elected another leader yet."""
    hanging = Answer(ONE.external_http, problem="no gossip in time")
    rounds = iter(
        [
            [answer(ONE, ONE, TWO), answer(TWO, ONE, TWO)],
            [hanging, answer(TWO, ONE, TWO)],
            [hanging, answer(TWO, ONE, TWO)],
            [hanging, answer(TWO, ONE_DEMOTED, TWO_ELECTED)],
        ]
    )

    async def ask(_: Sequence[Endpoint], timeout: float) -> Sequence[Answer]:
        return next(rounds)

    settings = Settings(node_check_interval=3600.0, gossip_interval=0.001)
    nodes = ClusterNodes(Discovery([ONE.external_http], settings, http_address, ask=ask), lambda at: Node(*at))
    node = await nodes.locate()
    doubted = asyncio.Event()
    doubted.set()
    assert "is preferred" in await nodes.until_wrong(node, doubted)
