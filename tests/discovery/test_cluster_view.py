"""The client's view of the nodes of a cluster, and the choice of a node."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from rxpump.discovery import NodePreference
from rxpump.discovery.choosing import Verdict
from rxpump.discovery.cluster_view import MAX_LAG_SECONDS, Answer, ClusterView, secure_tcp_address
from rxpump.discovery.gossip import Gossip
from rxpump.discovery.member import Endpoint, Member, NodeState
from rxpump.discovery.node_memory import DISTRUST_SECONDS
from rxpump.discovery.selectors import prefer_replica
from rxpump.errors import InvalidArgument
from tests.discovery.members import member

LEADER, FOLLOWER = NodeState.LEADER, NodeState.FOLLOWER
SEEDS = (Endpoint("seed.example.com", 2113),)
ONE, TWO = member(1, LEADER), member(2, FOLLOWER)
ADDRESS_OF_ONE, ADDRESS_OF_TWO = ("10.0.0.1", 1111), ("10.0.0.1", 1112)


def view(**changes: object) -> ClusterView:
    made = ClusterView(SEEDS, chance=Random(1), **changes)  # type: ignore[arg-type]  # a table of any fields
    made.note_answers([answer(TWO, ONE, TWO)], now=0)
    return made


def answer(by: Member, *members: Member) -> Answer:
    return Answer(by.external_http, Gossip(members, by.external_http))


def test_seeds_and_members_are_requested_for_gossip() -> None:
    assert set(ClusterView(SEEDS).candidates()) == set(SEEDS)
    assert set(view().candidates()) == {*SEEDS, ONE.external_http, TWO.external_http}


def test_the_number_of_requested_members_is_bounded() -> None:
    """A gossip document of one megabyte can contain thousands of members."""
    known = view()
    many = [replace(ONE, external_http=Endpoint("10.0.0.1", port)) for port in range(1, 5000)]
    known.note_answers([answer(many[0], *many)], now=0)
    asked = known.candidates()
    assert len(asked) == len(SEEDS) + 64
    assert SEEDS[0] in asked


def test_members_are_kept_if_no_node_replies() -> None:
    known = view()
    known.note_answers([Answer(SEEDS[0], problem="no answer in time")], now=0)
    assert known.members == (ONE, TWO)
    assert str(known.answers[0]) == "seed.example.com:2113: no answer in time"


def test_a_node_that_failed_is_skipped_for_a_while() -> None:
    known = view()
    known.memory.note_failure(ADDRESS_OF_ONE, "connection refused", now=100)
    assert known.choose(now=100).verdicts[0] == (ONE, Verdict.DISTRUSTED)
    assert known.choose(now=100 + DISTRUST_SECONDS).member is ONE


def test_gossip_of_others_does_not_restore_trust() -> None:
    known = view()
    known.memory.note_failure(ADDRESS_OF_ONE, "connection refused", now=100)
    known.note_answers([answer(TWO, ONE, TWO)], now=0)
    assert known.choose(now=101).member is None


def test_a_node_that_answers_for_itself_is_trusted_again() -> None:
    known = view()
    known.memory.note_failure(ADDRESS_OF_ONE, "connection refused", now=100)
    known.note_answers([answer(ONE, ONE, TWO)], now=0)
    assert known.choose(now=101).member is ONE


def test_a_node_behind_another_address_is_trusted_again() -> None:
    """Over gRPC, gossip does not name its sender, and the sender does not know the address that the client uses."""
    outside = Endpoint("outside.example.com", 1)

    def gossip_address_of(each: Member) -> tuple[str, int]:
        at = outside if each is ONE else each.external_http
        return at.address, at.port

    known = view(gossip_address_of=gossip_address_of)
    known.memory.note_failure(ADDRESS_OF_ONE, "connection refused", now=100)
    known.note_answers([Answer(TWO.external_http, Gossip((ONE, TWO), outside))], now=100.1)
    assert known.choose(100.1).member is None
    known.note_answers([Answer(outside, Gossip((ONE, TWO), outside))], now=100.2)
    assert known.choose(100.2).member == ONE


def test_a_node_that_serves_is_trusted_again() -> None:
    known = view()
    known.memory.note_failure(ADDRESS_OF_ONE, "connection refused", now=100)
    known.memory.note_success(ADDRESS_OF_ONE)
    assert known.choose(now=101).member is ONE


def test_a_selector_chooses_in_place_of_the_preference() -> None:
    assert view(selector=prefer_replica, preference=NodePreference.LEADER).choose(now=0).member is TWO


def test_a_selector_must_return_one_of_the_members() -> None:
    known = view(selector=lambda members: member(9, LEADER))
    with pytest.raises(InvalidArgument, match=r"result of selector is .*; allowed is one of the members"):
        known.choose(now=0)
    assert view(selector=lambda members: replace(members[0])).choose(now=0).member == ONE


def test_a_selector_is_not_shown_nodes_that_failed() -> None:
    known = view(selector=prefer_replica)
    known.memory.note_failure(ADDRESS_OF_TWO, "connection refused", now=100)
    assert known.choose(now=101).member is ONE


def test_a_suspected_node_is_chosen_if_there_is_no_other() -> None:
    three = member(3, FOLLOWER)
    known = view(preference=NodePreference.FOLLOWER)
    known.note_answers([answer(TWO, ONE, TWO, three)], now=0)
    known.memory.note_failure(ADDRESS_OF_TWO, "connection refused", now=100)
    known.note_answers([answer(TWO, ONE, TWO, three)], now=0)
    assert known.choose(now=101).member is three


def test_an_empty_gossip_does_not_erase_the_members() -> None:
    known = view()
    known.note_answers([Answer(SEEDS[0], Gossip(()))], now=0)
    assert known.members == (ONE, TWO)
    assert str(known.answers[0]) == "seed.example.com:2113: no members"


def test_a_member_without_the_secure_port_is_unreachable_with_tls() -> None:
    known = view(address_of=secure_tcp_address)
    assert {verdict for _, verdict in known.choose(now=0).verdicts} == {Verdict.UNREACHABLE}


# A connected node ------------------------------------------------------------------------------------------


def connected(*members: Member, **changes: object) -> ClusterView:
    known = view(**changes)
    known.note_answers([answer(members[0], *members)], now=0)
    return known


def test_a_good_node_is_kept() -> None:
    known = connected(ONE, TWO, preference=NodePreference.FOLLOWER)
    assert known.reason_to_leave(ADDRESS_OF_TWO, now=0) == ""


def test_a_node_is_kept_if_there_is_no_better_one() -> None:
    known = connected(member(1, NodeState.UNKNOWN), member(2, NodeState.PRE_REPLICA))
    assert known.reason_to_leave(ADDRESS_OF_TWO, now=0) == ""


def test_a_node_that_is_not_ready_is_left() -> None:
    known = connected(ONE, member(2, NodeState.CATCHING_UP), preference=NodePreference.FOLLOWER)
    assert known.reason_to_leave(ADDRESS_OF_TWO, now=0) == "10.0.0.1:2112 (catching up) is not ready"


def test_a_node_that_is_down_or_missing_is_left() -> None:
    dead = connected(ONE, member(2, FOLLOWER, is_alive=False), preference=NodePreference.FOLLOWER)
    assert dead.reason_to_leave(ADDRESS_OF_TWO, now=0) == "10.0.0.1:2112 (follower, not alive) is not alive"
    gone = connected(ONE, preference=NodePreference.FOLLOWER)
    assert gone.reason_to_leave(ADDRESS_OF_TWO, now=0) == "10.0.0.1:1112 is not a member of the cluster"


def test_a_leader_of_an_earlier_epoch_is_left() -> None:
    old, new = member(1, LEADER, epoch=1), member(2, LEADER, epoch=2)
    known = view()
    known.note_answers([answer(old, old), answer(new, new)], now=0)
    assert known.choose(now=0).member is new
    assert "not ready" in known.reason_to_leave(ADDRESS_OF_ONE, now=0)


def test_a_node_that_is_preferred_replaces_another_one() -> None:
    known = connected(ONE, TWO, preference=NodePreference.FOLLOWER)
    assert "is preferred to" in known.reason_to_leave(ADDRESS_OF_ONE, now=0)
    assert connected(ONE, TWO, preference=NodePreference.RANDOM).reason_to_leave(ADDRESS_OF_ONE, now=0) == ""


def test_a_node_is_kept_if_the_selector_prefers_another_one() -> None:
    """With a random selector, the client would otherwise change its node after every round of gossip."""
    known = connected(ONE, TWO, selector=lambda members: members[0])
    assert known.reason_to_leave(ADDRESS_OF_TWO, now=0) == ""


def test_a_follower_that_falls_behind_is_left() -> None:
    slow, fast = replace(TWO, written=50), replace(member(3, FOLLOWER), written=1000)
    leader = replace(ONE, written=1000)
    known = connected(leader, slow, fast, preference=NodePreference.FOLLOWER)
    known.note_answers([answer(leader, leader, replace(slow, written=999), fast)], now=3)
    assert known.reason_to_leave(ADDRESS_OF_TWO, now=MAX_LAG_SECONDS) == ""
    assert known.reason_to_leave(ADDRESS_OF_TWO, now=6) == "10.0.0.1:2112 is more than 5 s behind the leader"
    assert known.choose(now=6).member is fast
    known.note_answers([answer(leader, replace(leader, written=5000), replace(slow, written=1000), fast)], now=6)
    assert known.reason_to_leave(ADDRESS_OF_TWO, now=6) == "", "it has reached the place that the leader had at 0"


def test_a_follower_that_keeps_up_is_kept() -> None:
    known = connected(ONE, TWO, preference=NodePreference.FOLLOWER)
    for seconds in range(20):
        members = replace(ONE, written=100 * seconds), replace(TWO, written=100 * (seconds - 1)), member(3, FOLLOWER)
        known.note_answers([answer(ONE, *members)], now=seconds)
        assert known.reason_to_leave(ADDRESS_OF_TWO, now=seconds) == ""


def test_the_repr_shows_failures_of_nodes() -> None:
    assert repr(view()) == "<ClusterView 1 seeds, 2 members, <NodeMemory of 0 nodes>>"
