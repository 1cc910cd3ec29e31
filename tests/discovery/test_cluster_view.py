"""The nodes of a cluster that a client knows between connections."""

from __future__ import annotations

from random import Random

from rxpump.discovery.choosing import NodePreference, Verdict
from rxpump.discovery.cluster_view import DISTRUST_SECONDS, Answer, ClusterView
from rxpump.discovery.gossip import Gossip
from rxpump.discovery.member import Endpoint, Member, NodeState
from rxpump.discovery.selectors import prefer_replica
from tests.discovery.members import member

LEADER, FOLLOWER = NodeState.LEADER, NodeState.FOLLOWER
SEEDS = (Endpoint("seed.example.com", 2113),)
ONE, TWO = member(1, LEADER), member(2, FOLLOWER)
ADDRESS_OF_ONE = ("10.0.0.1", 1111)


def view(**changes: object) -> ClusterView:
    made = ClusterView(SEEDS, chance=Random(1), **changes)  # type: ignore[arg-type]  # a table of any fields
    made.note_answers([answer(TWO, ONE, TWO)])
    return made


def answer(by: Member, *members: Member) -> Answer:
    return Answer(by.external_http, Gossip(members, by.external_http))


def test_seeds_and_members_are_asked() -> None:
    assert set(ClusterView(SEEDS).candidates()) == set(SEEDS)
    assert set(view().candidates()) == {*SEEDS, ONE.external_http, TWO.external_http}


def test_members_are_kept_if_no_node_replies() -> None:
    known = view()
    known.note_answers([Answer(SEEDS[0], problem="no answer in time")])
    assert known.members == (ONE, TWO)
    assert str(known.answers[0]) == "seed.example.com:2113: no answer in time"


def test_a_node_that_failed_is_skipped_for_a_while() -> None:
    known = view()
    known.note_failure(ADDRESS_OF_ONE, now=100)
    assert known.choose(now=100).verdicts[0] == (ONE, Verdict.DISTRUSTED)
    assert known.is_distrusted(ADDRESS_OF_ONE, now=100)
    assert known.choose(now=100 + DISTRUST_SECONDS).member is ONE


def test_gossip_of_others_does_not_restore_trust() -> None:
    known = view()
    known.note_failure(ADDRESS_OF_ONE, now=100)
    known.note_answers([answer(TWO, ONE, TWO)])
    assert known.choose(now=101).member is None


def test_a_node_that_answers_for_itself_is_trusted_again() -> None:
    known = view()
    known.note_failure(ADDRESS_OF_ONE, now=100)
    known.note_answers([answer(ONE, ONE, TWO)])
    assert known.choose(now=101).member is ONE


def test_a_node_that_serves_is_trusted_again() -> None:
    known = view()
    known.note_failure(ADDRESS_OF_ONE, now=100)
    known.note_success(ADDRESS_OF_ONE)
    assert known.choose(now=101).member is ONE


def test_a_selector_chooses_in_place_of_the_preference() -> None:
    assert view(selector=prefer_replica, preference=NodePreference.LEADER).choose(now=0).member is TWO


def test_a_selector_is_not_shown_nodes_that_failed() -> None:
    known = view(selector=prefer_replica)
    known.note_failure(("10.0.0.1", 1112), now=100)
    assert known.choose(now=101).member is ONE


def test_an_unknown_address_is_not_remembered() -> None:
    known = view()
    known.note_failure(("10.9.9.9", 1113), now=100)
    assert not known.is_distrusted(("10.9.9.9", 1113), now=100)
    assert repr(known) == "<ClusterView 1 seeds, 2 members, 0 failed>"
