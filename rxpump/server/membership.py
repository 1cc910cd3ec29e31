"""The role of a node in its cluster: its state, its leader, and the requests that it must not serve.

A server is a cluster of one node unless it is started with another membership. This module does not depend on a
protocol. Each protocol of the server calls `refusal` before it serves a request, and encodes the result. The table is
that of docs/protocol/tcp.md, section 4.14.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum, auto
from typing import Final, Protocol
from uuid import UUID, uuid4

from rxpump.discovery.member import NodeState
from rxpump.server.store.sqlite_store import SqliteStore


@dataclass(frozen=True, slots=True)
class Epoch:
    """The period in which one node is the leader.

    Attributes:
        number: Number of the epoch; -1 before the first election.
        position: Position in the log at which it began; -1 before the first election.
        id: Id of the epoch.
    """

    number: int = -1
    position: int = -1
    id: str = str(UUID(int=0))


@dataclass(frozen=True, slots=True)
class NodeAddresses:
    """Addresses at which clients reach a node.

    Attributes:
        host: Host; empty for the address at which a client has reached the node that describes itself.
        tcp_port: Port for TCP without TLS; 0 if there is none.
        secure_tcp_port: Port for TCP with TLS; 0 if there is none.
        http_port: Port for HTTP; 0 if there is none.
    """

    host: str = ""
    tcp_port: int = 0
    secure_tcp_port: int = 0
    http_port: int = 0


@dataclass(frozen=True, slots=True)
class NodeDescription:
    """A description of a node of a cluster, by the node itself or by another node.

    Attributes:
        state: State that the node was in when it was last described.
        is_alive: Whether the describing node can reach it.
        addresses: Addresses of the node.
        instance_id: Id of the process of the node.
        time_stamp: Time of the description.
        last_commit: Position of the last write in its log; -1 if there is none.
        log_end: Position of the next record of its log.
        epoch: Epoch that the node takes part in.
    """

    state: NodeState
    is_alive: bool
    addresses: NodeAddresses
    instance_id: str
    time_stamp: datetime
    last_commit: int
    log_end: int
    epoch: Epoch

    @property
    def is_read_only(self) -> bool:
        """Whether the node is a read-only replica."""
        return self.state in _READ_ONLY


class Membership(Protocol):
    """The role of a node in its cluster, from the view of the node itself."""

    @property
    def state(self) -> NodeState:
        """State of the node."""

    @property
    def leader(self) -> NodeDescription | None:
        """The leader, from the view of the node; None during an election."""

    @property
    def has_users(self) -> bool:
        """Whether the node can check logins. A node that starts cannot before it has joined its cluster."""

    def members(self) -> Sequence[NodeDescription]:
        """Return all nodes, the node itself first."""


class Demand(Enum):
    """Kind of a request, which determines the nodes that can serve it."""

    READ = auto()
    """The request reads events. A node that is not the leader can serve it if the client allows that."""

    WRITE = auto()
    """The request changes the log. A node that is not the leader can forward it if the client allows that."""

    GROUP = auto()
    """The request is about a consumer group. Only the leader can serve it."""


class Refusal(Enum):
    """Reason why a node does not serve a request."""

    NOT_READY = auto()
    """The node has no leader, or it is starting or stopping."""

    NOT_LEADER = auto()
    """The request must go to the leader."""

    READ_ONLY = auto()
    """The node is a read-only replica, and the request changes the log."""


_READ_ONLY: Final = frozenset(
    {NodeState.READ_ONLY_REPLICA, NodeState.READ_ONLY_LEADERLESS, NodeState.PRE_READ_ONLY_REPLICA}
)
_LEADERLESS: Final = frozenset({NodeState.UNKNOWN, NodeState.DISCOVER_LEADER, NodeState.READ_ONLY_LEADERLESS})
_SERVING: Final = frozenset(
    {
        NodeState.LEADER,
        NodeState.FOLLOWER,
        NodeState.CLONE,
        NodeState.CATCHING_UP,
        NodeState.READ_ONLY_REPLICA,
        *_LEADERLESS,
    }
)
"""States in which a node serves reads; in all others it is starting, changing its role, or stopping."""


def refusal(membership: Membership, demand: Demand, *, requires_leader: bool) -> Refusal | None:
    """Return the reason why a node does not serve a request; None if it serves the request.

    Args:
        membership: Place of the node in its cluster.
        demand: Kind of the request.
        requires_leader: Whether the client demands that the leader serves the request.
    """
    state = membership.state
    if state is NodeState.LEADER:
        return None
    if state not in _SERVING:
        return Refusal.NOT_READY
    is_local = demand is Demand.READ and not requires_leader
    if is_local:
        return None
    if state in _LEADERLESS or membership.leader is None:
        return Refusal.NOT_READY
    if demand is Demand.GROUP or requires_leader:
        return Refusal.NOT_LEADER
    return Refusal.READ_ONLY if state in _READ_ONLY else None


class SingleNode:
    """The membership of a server that is a cluster of one node: it is the leader, and always alive.

    Args:
        store: Store of the server.
        addresses: Function that returns the addresses of the server.
    """

    def __init__(self, store: SqliteStore, addresses: Callable[[], NodeAddresses] = NodeAddresses) -> None:
        self._store = store
        self._addresses = addresses
        self._instance_id = str(uuid4())
        self._epoch = Epoch(0, 0, str(uuid4()))

    @property
    def state(self) -> NodeState:
        """State of the node."""
        return NodeState.LEADER

    @property
    def leader(self) -> NodeDescription:
        """The node itself."""
        return self.members()[0]

    @property
    def has_users(self) -> bool:
        """Whether the node can check logins."""
        return True

    def members(self) -> Sequence[NodeDescription]:
        """Return the node itself."""
        log = self._store.read.log()
        return [
            NodeDescription(
                state=self.state,
                is_alive=True,
                addresses=self._addresses(),
                instance_id=self._instance_id,
                time_stamp=datetime.now(UTC),
                last_commit=log.last_commit,
                log_end=log.end,
                epoch=self._epoch,
            )
        ]

    def __repr__(self) -> str:
        return f"<SingleNode at {self._addresses()}>"
