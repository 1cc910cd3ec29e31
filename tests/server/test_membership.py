"""Refusals of requests by the state and the leader of a node (docs/protocol/tcp.md, section 4.14)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from rxpump.discovery.member import NodeState
from rxpump.server import SqliteStore
from rxpump.server.membership import Demand, NodeAddresses, NodeDescription, Refusal, SingleNode, refusal

NOT_READY, NOT_LEADER, READ_ONLY = Refusal.NOT_READY, Refusal.NOT_LEADER, Refusal.READ_ONLY

ROWS = [
    # Columns: demand, whether the leader is required, and the refusal by a node that is the leader, a follower,
    # read-only, without a leader, starting.
    (Demand.READ, True, None, NOT_LEADER, NOT_LEADER, NOT_READY, NOT_READY),
    (Demand.READ, False, None, None, None, None, NOT_READY),
    (Demand.WRITE, True, None, NOT_LEADER, NOT_LEADER, NOT_READY, NOT_READY),
    (Demand.WRITE, False, None, None, READ_ONLY, NOT_READY, NOT_READY),
    (Demand.GROUP, True, None, NOT_LEADER, NOT_LEADER, NOT_READY, NOT_READY),
    (Demand.GROUP, False, None, NOT_LEADER, NOT_LEADER, NOT_READY, NOT_READY),
]
FOLLOWING = (NodeState.FOLLOWER, NodeState.CLONE, NodeState.CATCHING_UP)
LEADERLESS = (NodeState.UNKNOWN, NodeState.DISCOVER_LEADER, NodeState.READ_ONLY_LEADERLESS)
STARTING = (
    NodeState.INITIALIZING,
    NodeState.PRE_REPLICA,
    NodeState.PRE_READ_ONLY_REPLICA,
    NodeState.PRE_LEADER,
    NodeState.RESIGNING_LEADER,
    NodeState.SHUTTING_DOWN,
)
CASES = [
    (state, demand, requires_leader, row[column])
    for demand, requires_leader, *row in ROWS
    for column, states in enumerate(
        ((NodeState.LEADER,), FOLLOWING, (NodeState.READ_ONLY_REPLICA,), LEADERLESS, STARTING)
    )
    for state in states
]


@dataclass
class Role:
    """The role of a node in a cluster."""

    state: NodeState
    leader: NodeDescription | None
    has_users: bool = True

    def members(self) -> Sequence[NodeDescription]:
        return [] if self.leader is None else [self.leader]


@pytest.fixture
async def leader() -> NodeDescription:
    store = SqliteStore.in_memory()
    try:
        return SingleNode(store, lambda: NodeAddresses("127.0.0.1", 1113, 0, 2113)).leader
    finally:
        await store.close()


@pytest.mark.parametrize(("state", "demand", "requires_leader", "expected"), CASES)
def test_a_node_refuses_what_its_state_forbids(
    leader: NodeDescription, state: NodeState, demand: Demand, requires_leader: bool, expected: Refusal | None
) -> None:
    role = Role(state, None if state in LEADERLESS else leader)
    assert refusal(role, demand, requires_leader=requires_leader) is expected


@pytest.mark.parametrize("state", [*FOLLOWING, NodeState.READ_ONLY_REPLICA])
def test_a_follower_that_lost_its_leader_is_not_ready(state: NodeState) -> None:
    assert refusal(Role(state, None), Demand.WRITE, requires_leader=True) is NOT_READY
    assert refusal(Role(state, None), Demand.READ, requires_leader=False) is None


def test_a_single_node_leads_and_is_alive(leader: NodeDescription) -> None:
    assert (leader.state, leader.is_alive, leader.is_read_only) == (NodeState.LEADER, True, False)
    assert (leader.epoch.number, leader.last_commit) == (0, -1)


async def test_a_single_node_shows_its_addresses() -> None:
    store = SqliteStore.in_memory()
    single = SingleNode(store, lambda: NodeAddresses("127.0.0.1", 1113))
    assert "1113" in repr(single)
    assert single.has_users
    await store.close()
