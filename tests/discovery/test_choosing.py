"""The choice of a node of a cluster."""

from __future__ import annotations

from random import Random

import pytest

from rxpump.discovery import NodePreference
from rxpump.discovery.choosing import Verdict, choose
from rxpump.discovery.member import Member, NodeState
from rxpump.discovery.selectors import Selector, prefer_master, prefer_replica, select_random
from tests.discovery.members import member

LEADER, FOLLOWER, REPLICA = NodeState.LEADER, NodeState.FOLLOWER, NodeState.READ_ONLY_REPLICA
CLONE, CATCHING_UP, UNKNOWN = NodeState.CLONE, NodeState.CATCHING_UP, NodeState.UNKNOWN
Prefer = NodePreference


def chosen(states: list[NodeState], preference: NodePreference, seed: int = 0) -> NodeState | None:
    members = [member(number, state) for number, state in enumerate(states)]
    found = choose(members, preference, chance=Random(seed)).member
    return None if found is None else found.state


@pytest.mark.parametrize(
    ("states", "preference", "expected"),
    [
        ([FOLLOWER, LEADER, FOLLOWER], Prefer.LEADER, LEADER),
        ([FOLLOWER, FOLLOWER, UNKNOWN], Prefer.LEADER, None),
        ([FOLLOWER, LEADER, REPLICA], Prefer.FOLLOWER, FOLLOWER),
        ([LEADER, CLONE, CATCHING_UP], Prefer.FOLLOWER, LEADER),
        ([CLONE, CATCHING_UP, UNKNOWN, NodeState.PRE_REPLICA], Prefer.FOLLOWER, None),
        ([CATCHING_UP, UNKNOWN], Prefer.RANDOM, None),
        ([FOLLOWER, NodeState.READ_ONLY_LEADERLESS], Prefer.RANDOM, FOLLOWER),
        ([UNKNOWN, NodeState.MANAGER, NodeState.SHUTTING_DOWN], Prefer.RANDOM, None),
        ([FOLLOWER, LEADER, REPLICA], Prefer.READ_ONLY_REPLICA, REPLICA),
        ([FOLLOWER, LEADER], Prefer.READ_ONLY_REPLICA, FOLLOWER),
        ([LEADER, NodeState.READ_ONLY_LEADERLESS], Prefer.READ_ONLY_REPLICA, NodeState.READ_ONLY_LEADERLESS),
        ([NodeState.RESIGNING_LEADER, NodeState.PRE_LEADER], Prefer.LEADER, None),
        ([], Prefer.LEADER, None),
        ([], Prefer.RANDOM, None),
    ],
)
def test_the_preference_decides_by_state(
    states: list[NodeState], preference: NodePreference, expected: NodeState | None
) -> None:
    assert {chosen(states, preference, seed) for seed in range(20)} == {expected}


def test_equal_members_are_chosen_at_random() -> None:
    followers = [member(number, FOLLOWER) for number in range(3)]
    found = {choose(followers, Prefer.FOLLOWER, chance=Random(seed)).member for seed in range(50)}
    assert found == set(followers)


def test_random_chooses_any_ready_node() -> None:
    found = {chosen([LEADER, FOLLOWER, REPLICA, CLONE], Prefer.RANDOM, seed) for seed in range(100)}
    assert found == {LEADER, FOLLOWER, REPLICA}


def test_a_member_that_is_not_alive_is_never_chosen() -> None:
    dead, alive = member(1, LEADER, is_alive=False), member(2, LEADER)
    choice = choose([dead, alive])
    assert choice.member is alive
    assert choice.verdicts == ((dead, Verdict.NOT_ALIVE), (alive, Verdict.CHOSEN))


def test_a_distrusted_leader_is_not_chosen() -> None:
    frozen, follower = member(1, LEADER), member(2, FOLLOWER)
    choice = choose([frozen, follower], distrusted=lambda each: each is frozen)
    assert choice.member is None
    assert choice.verdicts == ((frozen, Verdict.DISTRUSTED), (follower, Verdict.NOT_WANTED))


def test_a_suspected_member_comes_after_all_others() -> None:
    one, two, three = member(1, FOLLOWER), member(2, FOLLOWER), member(3, LEADER)
    assert choose([one, two, three], Prefer.FOLLOWER, suspected=lambda each: each is one).member is two
    assert choose([one, three], Prefer.FOLLOWER, suspected=lambda each: each is one).member is three
    assert choose([one], Prefer.FOLLOWER, suspected=lambda each: each is one).member is one


def test_the_verdict_is_not_wanted_or_not_ready() -> None:
    choice = choose([member(1, FOLLOWER), member(2, CATCHING_UP)])
    assert [verdict for _, verdict in choice.verdicts] == [Verdict.NOT_WANTED, Verdict.NOT_READY]


def test_a_member_without_an_address_is_not_chosen() -> None:
    one = member(1, LEADER)
    choice = choose([one], is_reachable=lambda each: bool(each.external_tcp.secure_port))
    assert choice.verdicts == ((one, Verdict.UNREACHABLE),)


def test_a_choice_has_its_reasons() -> None:
    text = str(choose([member(1, LEADER), member(2, FOLLOWER)], Prefer.FOLLOWER))
    assert text == "10.0.0.1:2111 (leader): not as good as the chosen one; 10.0.0.1:2112 (follower): chosen"


@pytest.mark.parametrize(
    ("selector", "states", "expected"),
    [
        (prefer_master, [FOLLOWER, LEADER], {LEADER}),
        (prefer_master, [CLONE, FOLLOWER], {FOLLOWER}),
        (prefer_replica, [LEADER, FOLLOWER], {FOLLOWER}),
        (prefer_replica, [LEADER], {LEADER}),
        (select_random, [LEADER, FOLLOWER], {LEADER, FOLLOWER}),
    ],
)
def test_selectors_choose_like_photonpump(
    selector: Selector, states: list[NodeState], expected: set[NodeState]
) -> None:
    members: list[Member] = [member(number, state) for number, state in enumerate(states)]
    found = {selector(members) for _ in range(50)}
    assert {each.state for each in found if each is not None} == expected


def test_states_have_the_names_of_photonpump() -> None:
    assert NodeState.Master is LEADER
    assert NodeState.Slave is FOLLOWER
    assert NodeState.Master > NodeState.Slave > NodeState.Clone
