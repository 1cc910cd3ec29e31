"""The gossip document of a node, in the terms of a server version (docs/protocol/tcp.md, section 5.1)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from typing import Any, Final

from rxpump.discovery.member import NodeState
from rxpump.server.membership import NodeDescription


class GossipWords(Enum):
    """Versions of the servers whose gossip documents differ."""

    V4 = "4"
    """Versions 4 and 5: a Master and its Slaves, each with an internal and an external HTTP address."""

    V20 = "20"
    """Versions from 20 on: a Leader and its Followers, each with one HTTP address and the version of its server."""


_OLD_NAMES: Final[Mapping[NodeState, str]] = {
    NodeState.LEADER: "Master",
    NodeState.FOLLOWER: "Slave",
    NodeState.PRE_LEADER: "PreMaster",
    NodeState.RESIGNING_LEADER: "PreReplica",  # A leader of version 4 cannot resign.
    NodeState.DISCOVER_LEADER: "Unknown",
}
_VERSION: Final = "23.10.6.0"


def state_name(state: NodeState, words: GossipWords) -> str:
    """Return the name of a state as it is in gossip of the version to imitate."""
    if words is GossipWords.V4 and state in _OLD_NAMES:
        return _OLD_NAMES[state]
    return "".join(part.capitalize() for part in state.name.split("_"))


def gossip_document(members: Sequence[NodeDescription], words: GossipWords, local_address: str) -> Mapping[str, Any]:
    """Return the document of a node.

    Args:
        members: All nodes, the answering node first.
        words: Version to imitate.
        local_address: Address at which the client has reached the answering node.
    """
    own = members[0].addresses
    return {
        "members": [dict(_member(member, words, local_address)) for member in members],
        "serverIp": own.host or local_address,
        "serverPort": own.http_port,
    }


def _member(member: NodeDescription, words: GossipWords, local_address: str) -> Iterator[tuple[str, Any]]:
    addresses = member.addresses
    host = addresses.host or local_address
    yield "instanceId", member.instance_id
    yield "timeStamp", member.time_stamp.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    yield "state", state_name(member.state, words)
    yield "isAlive", member.is_alive
    for side in ("internal", "external"):
        yield f"{side}TcpIp", host
        yield f"{side}TcpPort", addresses.tcp_port
        yield f"{side}SecureTcpPort", addresses.secure_tcp_port
    for endpoint in ("internalHttp", "externalHttp") if words is GossipWords.V4 else ("httpEndPoint",):
        yield f"{endpoint}Ip", host
        yield f"{endpoint}Port", addresses.http_port
    yield "lastCommitPosition", member.last_commit
    yield "writerCheckpoint", member.log_end
    yield "chaserCheckpoint", member.log_end
    yield "epochPosition", member.epoch.position
    yield "epochNumber", member.epoch.number
    yield "epochId", member.epoch.id
    yield "nodePriority", 0
    if words is GossipWords.V20:
        yield "isReadOnlyReplica", member.is_read_only
        yield "esVersion", _VERSION
