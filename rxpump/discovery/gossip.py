"""Read gossip documents, and merge the members that several documents list.

A node describes the cluster in a document that it serves over HTTP (`docs/protocol/tcp.md`, section 5.1). The
documents of different nodes may disagree: a node that is cut off still names the last leader before that.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from rxpump.discovery.member import Endpoint, Member, NodeState
from rxpump.errors import ProtocolError

MAX_GOSSIP_BYTES: Final = 1024 * 1024
"""Size in bytes of the largest accepted document. A document about a hundred nodes is a tenth of that."""

MAX_MEMBERS: Final = 1000
"""Largest number of members in an accepted document. Clusters have a handful of nodes."""

_OLDEST = datetime.min.replace(tzinfo=UTC)


@dataclass(eq=False)
class MalformedGossip(ProtocolError):
    """The document that a node sent is not gossip.

    Attributes:
        reason: Description of the fault.
    """

    reason: str

    def __str__(self) -> str:
        return f"the gossip is malformed: {self.reason}"


@dataclass(frozen=True, slots=True)
class Gossip:
    """Gossip of one node about the members of its cluster.

    Attributes:
        members: Every node that the document lists, including the node that sent it.
        source: HTTP address of the node that answered, as in the document; None if it has none.
    """

    members: tuple[Member, ...]
    source: Endpoint | None = None

    @property
    def answerer(self) -> Member | None:
        """The member that sent this document, or None if the document does not name it."""
        if self.source is None:
            return None
        at = (self.source.address, self.source.port)
        return next((member for member in self.members if at in _http_addresses(member)), None)


def parse_gossip(body: bytes) -> Gossip:
    """Read a document of any server version from 4 on.

    Args:
        body: The document, JSON.

    Returns:
        Its members, in the document's order. A state with an unknown name becomes UNKNOWN.

    Raises:
        MalformedGossip: The document is too large, is not JSON, or lacks a field that every version has.
    """
    if len(body) > MAX_GOSSIP_BYTES:
        raise MalformedGossip(f"{len(body)} bytes are over the limit of {MAX_GOSSIP_BYTES}")
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise MalformedGossip(f"it is not JSON: {error}") from None
    if not isinstance(document, dict) or not isinstance(document.get("members"), list):
        raise MalformedGossip("it has no list of members")
    check_number_of_members(len(document["members"]))
    members = tuple(_member(member) for member in document["members"])
    source = _optional_endpoint(document, "serverIp", "serverPort")
    return Gossip(members, source)


def check_number_of_members(number: int) -> None:
    """Check that a document does not have so many members that they could not be compared in a short time.

    Raises:
        MalformedGossip: There are more than MAX_MEMBERS.
    """
    if number > MAX_MEMBERS:
        raise MalformedGossip(f"{number:,} members are over the limit of {MAX_MEMBERS:,}")


def merge(documents: Iterable[Gossip]) -> tuple[Member, ...]:
    """Merge the lists of members that several nodes reported.

    A node's description of itself is used if there is one, otherwise the newest description. If two nodes are called
    leader, the one with the later epoch is the leader. Gossip over gRPC has no epochs. Then the leader is the
    one that more nodes call leader, and otherwise the one with the newest description, because the other nodes get no
    new description of a leader that hangs. The state of the others becomes UNKNOWN, because an election has replaced
    them.

    Args:
        documents: One document of each node that answered.

    Returns:
        Each node once, in the order of the first mention in the documents.
    """
    documents = list(documents)
    best: dict[str, tuple[tuple[bool, datetime], Member]] = {}
    for document in documents:
        answerer = document.answerer
        for member in document.members:
            weight = (member is answerer, member.time_stamp or _OLDEST)
            name = str(member.external_http)
            if name not in best or weight > best[name][0]:
                best[name] = weight, member
    members = tuple(member for _, member in best.values())
    leaders = [member for member in members if _leads(member)]
    if len(leaders) < 2:
        return members
    votes = Counter(each.external_http for document in documents for each in document.members if _leads(each))

    def claim(leader: Member) -> tuple[int, int, datetime]:
        return leader.epoch, votes[leader.external_http], leader.time_stamp or _OLDEST

    strongest = max(map(claim, leaders))
    return tuple(
        replace(member, state=NodeState.UNKNOWN) if _leads(member) and claim(member) < strongest else member
        for member in members
    )


def _leads(member: Member) -> bool:
    return member.is_alive and member.state is NodeState.LEADER


def _member(value: Any) -> Member:
    if not isinstance(value, dict):
        raise MalformedGossip("a member is not an object")
    internal_http = _optional_endpoint(value, "internalHttpIp", "internalHttpPort")
    external_http = _optional_endpoint(value, "externalHttpIp", "externalHttpPort")
    http = external_http or _endpoint(value, "httpEndPointIp", "httpEndPointPort")
    state = value.get("state")
    is_alive = value.get("isAlive")
    if not isinstance(state, str) or not isinstance(is_alive, bool):
        raise MalformedGossip("a member has no state, or no field that shows whether it is alive")
    return Member(
        state=NodeState.__members__.get(state, NodeState.UNKNOWN),
        is_alive=is_alive,
        external_tcp=_tcp_endpoint(value, "externalTcpIp", "externalTcpPort", "externalSecureTcpPort"),
        external_http=http,
        internal_tcp=_tcp_endpoint(value, "internalTcpIp", "internalTcpPort", "internalSecureTcpPort"),
        internal_http=internal_http or http,
        instance_id=str(value.get("instanceId", "")),
        time_stamp=_time(value.get("timeStamp")),
        epoch=_integer(value.get("epochNumber", -1), "epochNumber"),
        version=value["esVersion"] if isinstance(value.get("esVersion"), str) else None,
        written=_integer(value.get("writerCheckpoint", -1), "writerCheckpoint"),
    )


def _tcp_endpoint(value: Mapping[str, Any], host: str, port: str, secure_port: str) -> Endpoint:
    """Return an address for TCP. A server without TCP has null as its host."""
    if host in value and value[host] is None:
        return Endpoint("", 0)
    return _endpoint(value, host, port, secure_port)


def _endpoint(value: Mapping[str, Any], host: str, port: str, secure_port: str | None = None) -> Endpoint:
    endpoint = _optional_endpoint(value, host, port, secure_port)
    if endpoint is None:
        raise MalformedGossip(f"a member has no {host}")
    return endpoint


def _optional_endpoint(
    value: Mapping[str, Any], host: str, port: str, secure_port: str | None = None
) -> Endpoint | None:
    if host not in value:
        return None
    address = value[host]
    if not isinstance(address, str) or not address:
        raise MalformedGossip(f"{host} is no address: {address!r:.80}")
    secure = 0 if secure_port is None else _port(value.get(secure_port, 0), secure_port)
    return Endpoint(address, _port(value.get(port), port), secure)


def _port(value: object, name: str) -> int:
    port = _integer(value, name)
    if not 0 <= port < 65536:
        raise MalformedGossip(f"{name} is no port: {port}")
    return port


def _integer(value: object, name: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise MalformedGossip(f"{name} is no whole number: {value!r:.80}")
    return value


def _time(value: object) -> datetime | None:
    """Parse an ISO 8601 time; return None if `value` is not a time.

    Digits after microseconds, which some servers write, are dropped. That is precise enough to compare times.
    """
    if not isinstance(value, str):
        return None
    try:
        time = datetime.fromisoformat(value)
    except ValueError:
        return None
    return time if time.tzinfo is not None else time.replace(tzinfo=UTC)


def _http_addresses(member: Member) -> tuple[tuple[str, int], ...]:
    return tuple((at.address, at.port) for at in (member.external_http, member.internal_http))
