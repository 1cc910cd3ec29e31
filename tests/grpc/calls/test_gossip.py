"""The request for the members of a cluster, and its response."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from rxpump.discovery.gossip import MAX_MEMBERS
from rxpump.discovery.member import Endpoint, Member, NodeState
from rxpump.errors import MalformedReply
from rxpump.grpc.calls.gossip import read_gossip
from rxpump.grpc.messages import gossip
from tests.grpc.calls.asked import answer, is_recorded, recorded_responses


def test_a_member_has_an_address_and_a_state() -> None:
    info = {
        "instance_id": {
            "structured": {
                "most_significant_bits": -81985529216486896,
                "least_significant_bits": -8603657889541918977,
            }
        },
        "time_stamp": 17958955411048895,
        "state": 8,
        "is_alive": True,
        "http_end_point": {"address": "127.0.0.1", "port": 42095},
    }
    nothing = Endpoint("", 0)
    http = Endpoint("127.0.0.1", 42095)
    assert answer(read_gossip(), gossip.ClusterInfo(members=[info])) == [
        Member(
            state=NodeState.LEADER,
            is_alive=True,
            external_tcp=nothing,
            external_http=http,
            internal_tcp=nothing,
            internal_http=http,
            instance_id="fedcba98-7654-3210-8899-aabbccddeeff",
            time_stamp=datetime(2026, 11, 28, 19, 52, 21, 104889, UTC),
        )
    ]


def test_every_state_of_the_protocol_is_known() -> None:
    for name, number in gossip.MemberInfo.State.items():
        (member,) = answer(read_gossip(), gossip.ClusterInfo(members=[{"state": number}]))
        assert member.state.name == name
    (member,) = answer(read_gossip(), gossip.ClusterInfo(members=[{"state": 99}]))
    assert member.state is NodeState.UNKNOWN
    assert member.time_stamp is None


def test_an_id_can_be_text() -> None:
    text = "01020304-0506-0708-090a-0b0c0d0e0f10"
    (member,) = answer(read_gossip(), gossip.ClusterInfo(members=[{"instance_id": {"string": text}}]))
    assert member.instance_id == text


def test_recorded_gossip_is_read() -> None:
    leaders = 0
    for response in recorded_responses(read_gossip()):
        members = answer(read_gossip(), response)
        assert len(members) == len(response.members)
        assert all(member.external_http.port for member in members)
        leaders += sum(member.state is NodeState.LEADER for member in members)
    assert leaders > 0
    assert is_recorded(read_gossip())


def test_a_time_out_of_range_is_no_time() -> None:
    (member,) = answer(read_gossip(), gossip.ClusterInfo(members=[{"time_stamp": (1 << 63) - 1}]))
    assert member.time_stamp is None


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ([{"http_end_point": {"address": "a", "port": 65536}}], "it has no port 65536"),
        ([{}] * (MAX_MEMBERS + 1), "1,001 members are over the limit of 1,000"),
    ],
)
def test_gossip_out_of_range_is_malformed(members: list[dict[str, Any]], reason: str) -> None:
    with pytest.raises(MalformedReply, match=reason):
        answer(read_gossip(), gossip.ClusterInfo(members=members))
