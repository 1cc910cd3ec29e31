"""Gossip documents of each version, malformed documents, and documents that differ."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rxpump.discovery.cluster_view import http_address, tcp_address
from rxpump.discovery.gossip import MAX_GOSSIP_BYTES, MAX_MEMBERS, Gossip, MalformedGossip, merge, parse_gossip
from rxpump.discovery.member import Endpoint, NodeState
from tests.discovery.members import RECORDED, document, encoded, member

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.sampled_from(["members", "state", "isAlive", "serverIp"]), inner)
    ),
)
LEADER, FOLLOWER, UNKNOWN = NodeState.LEADER, NodeState.FOLLOWER, NodeState.UNKNOWN


@pytest.mark.parametrize(
    ("name", "states"),
    [
        ("gossip-single", [LEADER]),
        ("gossip-cluster-from-master", [FOLLOWER, FOLLOWER, LEADER]),
        ("gossip-cluster-from-slave", [FOLLOWER, FOLLOWER, LEADER]),
        ("gossip-cluster-one-dead", [LEADER, FOLLOWER, LEADER]),
        ("gossip-no-master", [NodeState.MANAGER, NodeState.MANAGER, UNKNOWN]),
    ],
)
def test_recorded_documents_are_parsed(name: str, states: list[NodeState]) -> None:
    gossip = parse_gossip((RECORDED / f"{name}.json").read_bytes())
    assert [each.state for each in gossip.members] == states
    assert gossip.answerer in gossip.members


@pytest.mark.parametrize("version", [4, 5, 20, 21, 23])
@pytest.mark.parametrize(("word", "state"), [("Leader", LEADER), ("Follower", FOLLOWER), ("Clone", NodeState.CLONE)])
def test_each_version_is_parsed(version: int, word: str, state: NodeState) -> None:
    old = {"Leader": "Master", "Follower": "Slave"}
    (one,) = parse_gossip(encoded(document(version, old.get(word, word) if version < 20 else word))).members
    assert one.state is state
    assert one.external_http == Endpoint("10.0.0.1", 2113)
    assert one.external_tcp == Endpoint("10.0.0.1", 1113, 1115)
    assert one.version == (f"{version}.10.6.0" if version > 20 else None)


def test_a_state_of_an_unknown_name_is_unknown() -> None:
    assert parse_gossip(encoded(document(26, "Hibernating"))).members[0].state is UNKNOWN


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"{}",
        b'{"members": {}}',
        b'{"members": [1]}',
        b"[" * 100_000,
        b" " * (MAX_GOSSIP_BYTES + 1),
        *(
            encoded(document(23, "Leader", **{field: value}))
            for field, value in (
                ("state", 8),
                ("isAlive", "yes"),
                ("externalTcpPort", "1113"),
                ("externalTcpPort", 70_000),
                ("externalTcpIp", ""),
                ("httpEndPointIp", None),
                ("epochNumber", "one"),
            )
        ),
    ],
    ids=lambda body: repr(body[:20]),
)
def test_other_documents_are_malformed(body: bytes) -> None:
    with pytest.raises(MalformedGossip):
        parse_gossip(body)


@given(JSON)
def test_any_json_is_gossip_or_malformed(value: Any) -> None:
    with suppress(MalformedGossip):
        parse_gossip(encoded(value))


def test_the_newest_description_of_a_node_counts() -> None:
    old, new = member(1, LEADER, age=5), member(1, FOLLOWER, age=1)
    assert merge([Gossip((old,)), Gossip((new,))]) == merge([Gossip((new,)), Gossip((old,))]) == (new,)


def test_a_server_without_tcp_has_no_address_for_it() -> None:
    (one,) = parse_gossip(encoded(document(23, externalTcpIp=None, externalTcpPort=0))).members
    assert tcp_address(one) is None
    assert http_address(one) == ("10.0.0.1", 2113)


def test_the_number_of_members_is_bounded() -> None:
    gossip = document(20)
    needed = ("state", "isAlive", "internalTcpIp", "internalTcpPort", "externalTcpIp", "externalTcpPort")
    (one,) = gossip["members"]
    short = {name: one[name] for name in (*needed, "httpEndPointIp", "httpEndPointPort")}
    assert len(parse_gossip(encoded(gossip | {"members": [short] * MAX_MEMBERS})).members) == MAX_MEMBERS
    with pytest.raises(MalformedGossip, match=r"1,001 members are over the limit of 1,000"):
        parse_gossip(encoded(gossip | {"members": [short] * (MAX_MEMBERS + 1)}))


def test_many_leaders_are_merged_in_a_short_time() -> None:
    """Each member is compared with the strongest leader, not with all leaders."""
    many = [replace(member(1, LEADER, age=n), external_http=Endpoint("10.0.0.1", n)) for n in range(20_000)]
    merged = merge([Gossip(tuple(many))])
    assert [each.state for each in merged[:2]] == [LEADER, UNKNOWN]
    assert {each.state for each in merged[1:]} == {UNKNOWN}


def test_the_description_of_a_node_by_itself_counts() -> None:
    itself, other = member(1, FOLLOWER, age=5), member(1, LEADER, age=1)
    documents = [Gossip((other,)), Gossip((itself,), source=itself.external_http)]
    assert merge(documents) == (itself,)


def test_the_leader_of_the_later_epoch_is_the_leader() -> None:
    cut_off = Gossip((member(1, LEADER, epoch=4), member(2, FOLLOWER, age=9)), source=Endpoint("10.0.0.1", 2111))
    others = Gossip((member(1, LEADER, is_alive=False, age=9, epoch=4), member(2, LEADER, epoch=5)))
    assert [each.state for each in merge([cut_off, others])] == [UNKNOWN, LEADER]


def test_without_epochs_the_leader_of_more_nodes_counts() -> None:
    cut_off = Gossip((member(1, LEADER, epoch=-1), member(2, FOLLOWER, age=9, epoch=-1)))
    others = Gossip((member(1, LEADER, is_alive=False, age=9, epoch=-1), member(2, LEADER, age=1, epoch=-1)))
    assert [each.state for each in merge([cut_off, others, others])] == [UNKNOWN, LEADER]


def test_without_epochs_a_leader_that_hangs_is_replaced() -> None:
    others = Gossip((member(1, LEADER, age=9, epoch=-1), member(2, LEADER, epoch=-1)))
    assert [each.state for each in merge([others, others])] == [UNKNOWN, LEADER]


def test_leaders_that_are_down_are_not_changed() -> None:
    gossip = parse_gossip((RECORDED / "gossip-cluster-one-dead.json").read_bytes())
    assert merge([gossip]) == gossip.members
