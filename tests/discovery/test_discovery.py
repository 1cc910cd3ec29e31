"""Rounds of requests for gossip to the nodes of a cluster, and the choice of a node."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from rxpump.discovery import DiscoveryFailed, DiscoveryRetryPolicy, Endpoint, Member, NodeState
from rxpump.discovery.cluster_view import Answer, tcp_address
from rxpump.discovery.discovery import Discovery, for_leader
from rxpump.discovery.gossip import Gossip
from rxpump.model.status import NodeAnswer, NodeVerdict
from rxpump.settings import Settings
from tests.discovery.http_nodes import http_node, response
from tests.discovery.members import document, encoded, member

LEADER, FOLLOWER, CATCHING_UP = NodeState.LEADER, NodeState.FOLLOWER, NodeState.CATCHING_UP
SEED = Endpoint("seed.example.com", 2113)
ONE, TWO = member(1, LEADER), member(2, FOLLOWER)


class Cluster:
    """The answers of a cluster, and the addresses that were asked."""

    def __init__(self, *members: Member) -> None:
        self.members = members
        self.asked: list[Sequence[Endpoint]] = []
        self.timeouts: list[float] = []

    async def ask(self, endpoints: Sequence[Endpoint], timeout: float) -> list[Answer]:
        self.asked.append(endpoints)
        self.timeouts.append(timeout)
        if not self.members:
            return [Answer(SEED, problem="connection refused")]
        return [Answer(SEED, Gossip(self.members, self.members[0].external_http))]


def discovery(cluster: Cluster, retry_policy: DiscoveryRetryPolicy | None = None, **settings: Any) -> Discovery:
    return Discovery([SEED], Settings(**settings), tcp_address, ask=cluster.ask, retry_policy=retry_policy)


async def test_the_best_node_is_found() -> None:
    found = await discovery(Cluster(TWO, ONE)).find()
    assert found.member is ONE
    assert found.address == ("10.0.0.1", 1111)


async def test_the_preference_of_the_settings_counts() -> None:
    assert (await discovery(Cluster(TWO, ONE), node_preference="follower").find()).member is TWO
    leader = for_leader(Settings(node_preference="follower", require_leader=False))
    assert leader.reads_from_leader


async def test_the_next_round_requests_seeds_and_members() -> None:
    cluster = Cluster(ONE, TWO)
    known = discovery(cluster)
    await known.find()
    await known.find()
    assert [set(asked) for asked in cluster.asked] == [{SEED}, {SEED, ONE.external_http, TWO.external_http}]


async def test_nodes_get_more_time_after_rounds_without_an_answer() -> None:
    cluster = Cluster()
    known = discovery(cluster, gossip_timeout=1.0, connect_timeout=5.0)
    for _ in range(5):
        with pytest.raises(DiscoveryFailed):
            await known.find()
    cluster.members = (ONE,)
    await known.find()
    await known.find()
    assert cluster.timeouts == [1.0, 2.0, 4.0, 5.0, 5.0, 5.0, 1.0]


async def test_the_time_for_an_answer_is_never_shorter_than_the_setting() -> None:
    cluster = Cluster()
    known = discovery(cluster, gossip_timeout=9.0, connect_timeout=5.0)
    for _ in range(2):
        with pytest.raises(DiscoveryFailed):
            await known.find()
    assert cluster.timeouts == [9.0, 9.0]


async def test_overrides_apply_to_all_advertised_addresses() -> None:
    cluster = Cluster(ONE)
    known = discovery(cluster, host_overrides={"10.0.0.1": "public.example.com", "10.0.0.1:1111": "[::1]:9"})
    assert (await known.find()).address == ("::1", 9)
    await known.find()
    assert Endpoint("public.example.com", 2111) in cluster.asked[1]
    assert known.reachable(("10.0.0.1", 1113)) == ("public.example.com", 1113)
    assert known.reachable(("10.9.9.9", 1113)) == ("10.9.9.9", 1113)


async def test_the_error_has_the_answer_of_each_node() -> None:
    cluster = Cluster(TWO, member(3, CATCHING_UP))
    known = discovery(cluster)
    known.memory.note_failure(("10.0.0.1", 1111), "no reply while authenticating", asyncio.get_running_loop().time())
    with pytest.raises(DiscoveryFailed) as caught:
        await known.find()
    assert str(caught.value) == (
        "no node of the cluster at seed.example.com:2113 can be used, after 1 attempt(s): "
        "10.0.0.1:2112 (follower): in a state that is not wanted; 10.0.0.1:2113 (catching up): not ready; "
        "10.0.0.1:1111: no reply while authenticating"
    )
    cluster.members = ()
    silent = discovery(cluster)
    with pytest.raises(DiscoveryFailed, match=r"1 attempt\(s\): seed.example.com:2113: connection refused$"):
        await silent.find()


async def test_pauses_follow_the_settings() -> None:
    known = discovery(Cluster(), gossip_interval=2.0, gossip_attempts=2)
    pauses = []
    for _ in range(2):
        with pytest.raises(DiscoveryFailed):
            await known.find()
        pauses.append(known.pause())
    assert pauses[0] is not None
    assert 1.5 <= pauses[0] <= 2.0
    assert pauses[1] is None


async def test_a_policy_of_the_user_comes_before_the_settings() -> None:
    known = discovery(Cluster(), DiscoveryRetryPolicy(retries_per_node=1))
    with pytest.raises(DiscoveryFailed):
        await known.find()
    assert known.pause() is None


async def test_a_check_names_the_reason_to_leave() -> None:
    cluster = Cluster(ONE, TWO)
    known = discovery(cluster)
    found = await known.find()
    assert await known.check(found.address) == ""
    cluster.members = (replace(ONE, state=FOLLOWER), replace(TWO, state=LEADER))
    assert await known.check(found.address) == "10.0.0.1:2112 (leader) is preferred to 10.0.0.1:2111 (follower)"


async def test_the_report_has_answers_and_reasons() -> None:
    known = discovery(Cluster(ONE, TWO))
    assert known.report(None).verdicts == ()
    await known.find()
    report = known.report("tcp://10.0.0.1:1111")
    assert report.address == "tcp://10.0.0.1:1111"
    text = "10.0.0.1:2111 (leader), 10.0.0.1:2112 (follower)"
    assert report.answers == (NodeAnswer("seed.example.com:2113", text),)
    assert report.verdicts == (
        NodeVerdict("10.0.0.1:2111", "leader", "chosen"),
        NodeVerdict("10.0.0.1:2112", "follower", "in a state that is not wanted"),
    )
    assert repr(known).startswith("<Discovery of the cluster at seed.example.com:2113, <ClusterView 1 seeds")


async def test_nodes_are_asked_over_http() -> None:
    async with http_node(response(encoded(document(23, "Leader")))) as node:
        known = Discovery([node, Endpoint("nowhere.invalid", 1)], Settings(), tcp_address)
        found = await known.find()
    assert found.address == ("10.0.0.1", 1113)
    assert any("no address" in answer.problem for answer in known.view.answers)
