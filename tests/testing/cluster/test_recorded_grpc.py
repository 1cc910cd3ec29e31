"""A cluster of embedded nodes sends the recorded answers of clusters of three real nodes over gRPC."""

from __future__ import annotations

import pytest

from rxpump.testing import ClusterNode, EmbeddedCluster
from tests.server.grpc.replay import Recorded, Replay, load_clusters

RECORDINGS = load_clusters()

DIFFERENT = (
    "GetSupportedMethods",
    "Operations/SetNodePriority",
    "Projections/RestartSubsystem",
    "Projections/Statistics",
)
"""Methods that our nodes answer differently: they serve other methods than real nodes."""

UNANSWERED = ("Users/", "Projections/")
"""Services of which real nodes leave calls without an answer, which ours refuse: without users, and on followers."""

SECURE = {"cluster-secure-follower"}
"""Conversations with nodes that check credentials. The connections were encrypted; the recorded bytes are not."""

LIVE_ON_A_FOLLOWER = {"2/41", "2/47"}
"""Calls that 23.10 refuses at once, which ours confirms before it refuses them like 24.10 and 26.1."""


def nodes_of(recorded: Recorded, cluster: EmbeddedCluster) -> dict[int, ClusterNode]:
    """Return a node for each recorded connection, a follower if the recorded node has named the leader."""
    conns = {step[1] for step in recorded.steps}
    named = {step[1] for step in recorded.steps if step[0] == "status" and step[5].get("exception") == "not-leader"}
    return {conn: cluster.followers[0] if conn in named else cluster.leader for conn in conns}


@pytest.mark.parametrize(("server", "case"), RECORDINGS)
async def test_followers_and_leaders_answer_as_recorded(server: str, case: str) -> None:
    async with EmbeddedCluster(insecure=case not in SECURE) as cluster:
        recorded = RECORDINGS[server, case]
        nodes = nodes_of(recorded, cluster)
        assert cluster.followers[0] in nodes.values()
        replay = Replay(recorded, lambda conn: nodes[conn].http_address[1])
        await replay.run()
    assert [line for line in replay.differences() if not is_expected(server, line)] == []


def is_expected(server: str, line: str) -> bool:
    call, path, *_ = line.split()
    is_earlier = server == "23.10" and call in LIVE_ON_A_FOLLOWER
    is_unanswered = "no answer" in line and any(service in path for service in UNANSWERED)
    return is_earlier or is_unanswered or path.endswith(DIFFERENT)
