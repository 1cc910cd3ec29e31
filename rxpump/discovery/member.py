"""A node as gossip describes it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum


class NodeState(IntEnum):
    """State of a node, ordered by how useful the node is to a client; a higher value is better.

    The values are not those of the servers, whose numbers rank a read-only replica above the leader.
    Servers before version 20 use the names Master, PreMaster and Slave, which are aliases here.
    """

    SHUTDOWN = 0
    SHUTTING_DOWN = 1
    MANAGER = 2
    INITIALIZING = 3
    UNKNOWN = 4
    DISCOVER_LEADER = 5
    PRE_READ_ONLY_REPLICA = 6
    PRE_REPLICA = 7
    RESIGNING_LEADER = 8
    PRE_LEADER = 9
    CATCHING_UP = 10
    CLONE = 11
    READ_ONLY_LEADERLESS = 12
    READ_ONLY_REPLICA = 13
    FOLLOWER = 14
    LEADER = 15

    def __str__(self) -> str:
        return self.name.lower().replace("_", " ")

    Shutdown = SHUTDOWN
    ShuttingDown = SHUTTING_DOWN
    Manager = MANAGER
    Initializing = INITIALIZING
    Unknown = UNKNOWN
    DiscoverLeader = DISCOVER_LEADER
    PreReadOnlyReplica = PRE_READ_ONLY_REPLICA
    PreReplica = PRE_REPLICA
    ResigningLeader = RESIGNING_LEADER
    PreLeader = PRE_LEADER
    PreMaster = PRE_LEADER
    CatchingUp = CATCHING_UP
    Clone = CLONE
    ReadOnlyLeaderless = READ_ONLY_LEADERLESS
    ReadOnlyReplica = READ_ONLY_REPLICA
    Follower = FOLLOWER
    Slave = FOLLOWER
    Leader = LEADER
    Master = LEADER


Address = tuple[str, int]
"""Host and port of one service of a node."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Address of one of a node's services.

    Attributes:
        address: Host name or IP address.
        port: Port without TLS; 0 if there is none.
        secure_port: Port with TLS; 0 if there is none.
    """

    address: str
    port: int
    secure_port: int = 0

    def __str__(self) -> str:
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{host}:{self.port or self.secure_port}"


@dataclass(frozen=True, slots=True)
class Member:
    """One node of a cluster.

    Attributes:
        state: State that the node was in when it was last described.
        is_alive: Whether the other nodes can reach the node.
        external_tcp: Address for clients over TCP.
        external_http: Address for clients over HTTP and gRPC; its gossip is served there.
        internal_tcp: Address for the other nodes over TCP.
        internal_http: Address for the other nodes over HTTP.
        instance_id: Id of the node's process, which changes with each restart.
        time_stamp: Time of the description, in UTC.
        epoch: Number of the epoch that the node takes part in; each election of a leader begins a new one.
        version: Version of the server, or None before version 20.
        written: Bytes of the log that the node has written; -1 if unknown. Followers are behind the leader by the
            difference.
    """

    state: NodeState
    is_alive: bool
    external_tcp: Endpoint
    external_http: Endpoint
    internal_tcp: Endpoint
    internal_http: Endpoint
    instance_id: str = ""
    time_stamp: datetime | None = None
    epoch: int = -1
    version: str | None = None
    written: int = -1

    def __str__(self) -> str:
        life = "" if self.is_alive else ", not alive"
        return f"{self.external_http} ({self.state}{life})"
