"""Gossip documents have the same fields and terms as those of the imitated servers."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from rxpump.discovery.gossip import parse_gossip
from rxpump.discovery.member import NodeState
from rxpump.server.http.gossip import GossipWords, gossip_document, state_name
from rxpump.server.membership import Epoch, NodeAddresses, NodeDescription

RECORDED = Path(__file__).parents[2] / "discovery" / "data"

V20_ONLY = {"httpEndPointIp", "httpEndPointPort", "isReadOnlyReplica", "esVersion"}
V4_ONLY = {"internalHttpIp", "internalHttpPort", "externalHttpIp", "externalHttpPort"}


def node(state: NodeState, host: str = "10.0.0.1", *, is_alive: bool = True) -> NodeDescription:
    return NodeDescription(
        state=state,
        is_alive=is_alive,
        addresses=NodeAddresses(host, 1113, 0, 2113),
        instance_id="1fa00e09-3afb-4985-909c-0404c3722146",
        time_stamp=datetime(2026, 11, 23, 6, 6, 0, 141886, UTC),
        last_commit=1563,
        log_end=1690,
        epoch=Epoch(2, 1200, "db1839c1-0072-4209-9117-2adf9f88f4db"),
    )


def document(words: GossipWords, *members: NodeDescription) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(json.dumps(gossip_document(members, words, "127.0.0.1")))
    return made


def test_a_document_has_the_fields_of_a_real_one() -> None:
    recorded = json.loads((RECORDED / "gossip-cluster-from-master.json").read_text())
    made = document(GossipWords.V4, node(NodeState.LEADER), node(NodeState.FOLLOWER))
    assert made.keys() == recorded.keys()
    assert [list(member) for member in made["members"]] == [list(recorded["members"][0])] * 2
    types = {name: type(value) for name, value in recorded["members"][0].items()}
    assert {name: type(value) for name, value in made["members"][0].items()} == types


def test_later_versions_have_one_http_address_and_a_version() -> None:
    [old] = document(GossipWords.V4, node(NodeState.LEADER))["members"]
    [new] = document(GossipWords.V20, node(NodeState.READ_ONLY_REPLICA))["members"]
    assert new.keys() - old.keys() == V20_ONLY
    assert old.keys() - new.keys() == V4_ONLY
    assert new["isReadOnlyReplica"]


@pytest.mark.parametrize(
    ("state", "old", "new"),
    [
        (NodeState.LEADER, "Master", "Leader"),
        (NodeState.FOLLOWER, "Slave", "Follower"),
        (NodeState.PRE_LEADER, "PreMaster", "PreLeader"),
        (NodeState.CATCHING_UP, "CatchingUp", "CatchingUp"),
        (NodeState.DISCOVER_LEADER, "Unknown", "DiscoverLeader"),
        (NodeState.RESIGNING_LEADER, "PreReplica", "ResigningLeader"),
        (NodeState.MANAGER, "Manager", "Manager"),
    ],
)
def test_states_have_the_names_of_each_version(state: NodeState, old: str, new: str) -> None:
    assert (state_name(state, GossipWords.V4), state_name(state, GossipWords.V20)) == (old, new)


@pytest.mark.parametrize("words", GossipWords)
def test_a_client_understands_the_document(words: GossipWords) -> None:
    members = (node(NodeState.FOLLOWER, ""), node(NodeState.LEADER, is_alive=False))
    gossip = parse_gossip(json.dumps(document(words, *members)).encode())
    assert [(member.state, member.is_alive) for member in gossip.members] == [
        (NodeState.FOLLOWER, True),
        (NodeState.LEADER, False),
    ]
    assert gossip.answerer is gossip.members[0]
    assert gossip.answerer.external_http.address == "127.0.0.1"
