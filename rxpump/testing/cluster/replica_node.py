"""One node of a cluster: its server, its copy of the log, and its view of the other nodes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from rxpump.discovery.member import NodeState
from rxpump.server.embedded_server import EmbeddedServer
from rxpump.server.membership import Epoch, NodeAddresses, NodeDescription
from rxpump.server.store.changes import Change, NotCommitted
from rxpump.testing.cluster.gate import HOST, Gate
from rxpump.testing.cluster.pending_writes import PendingWrite, PendingWrites
from rxpump.testing.cluster.replica import Image, Replica


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Functions and settings of the cluster that its nodes use.

    Attributes:
        make_server: Makes a server over the replica of a node.
        submit: Accepts a change from a client of a node.
        commit: Commits the pending changes of a leader that can be committed.
        others: Returns the other nodes of the cluster.
        reaches: Returns whether one node reaches another one.
        commit_timeout: Seconds after which an unconfirmed write is answered with a timeout.
    """

    make_server: Callable[[ReplicaNode, Replica], EmbeddedServer]
    submit: Callable[[ReplicaNode, Change[Any]], asyncio.Future[Any]]
    commit: Callable[[ReplicaNode], None]
    others: Callable[[ReplicaNode], Sequence[ReplicaNode]]
    reaches: Callable[[ReplicaNode, ReplicaNode], bool]
    commit_timeout: float


class ReplicaNode:
    """One node of an `EmbeddedCluster`, which implements `ClusterNode` for tests and `Membership` for its server.

    Args:
        name: Name of the node in messages.
        surroundings: Functions and settings of the cluster.
        following: State in which the node follows a leader: FOLLOWER or READ_ONLY_REPLICA.

    Attributes:
        name: Name of the node in messages.
        following: State in which the node follows a leader.
        state: State of the node as the node itself reports it.
        is_running: Whether the node has a server.
        is_hanging: Whether the node accepts connections but answers nothing.
        is_delayed: Whether the node receives changes, but does not apply them yet.
        has_users: Whether the node can check logins.
        side: Number of the network partition of the node. Nodes of different partitions do not reach each other.
        epoch: Epoch of the leader that the node follows, or of the node itself if it leads.
        pending: Changes that the node has accepted as the leader, and that are not committed.
        forwarded: Changes that could not be forwarded to the leader, until their clients are answered.
    """

    def __init__(self, name: str, surroundings: Surroundings, following: NodeState = NodeState.FOLLOWER) -> None:
        self.name = name
        self.following = following
        self.state: NodeState = NodeState.SHUTDOWN
        self.is_running: bool = False
        self.is_hanging: bool = False
        self.is_delayed: bool = False
        self.has_users: bool = False
        self.side: int = 0
        self.epoch: Epoch = Epoch()
        self.pending: PendingWrites = PendingWrites(surroundings.commit_timeout, lambda: surroundings.commit(self))
        self.forwarded: set[PendingWrite] = set()
        self._surroundings = surroundings
        self._tcp, self._http = Gate(), Gate()
        self._image: Image | None = None
        self._instance_id = str(UUID(int=0))
        self._leader: ReplicaNode | None = None
        self._seen: dict[ReplicaNode, NodeDescription] = {}
        self._replica: Replica | None = None
        self._server: EmbeddedServer | None = None

    @property
    def uri(self) -> str:
        """Connection string for this node alone, without credentials."""
        return f"tcp://{HOST}:{self._tcp.port}"

    @property
    def tcp_address(self) -> tuple[str, int]:
        """Address for clients of the TCP protocol."""
        return HOST, self._tcp.port

    @property
    def http_address(self) -> tuple[str, int]:
        """Address for HTTP and gRPC, where the node serves its gossip."""
        return HOST, self._http.port

    @property
    def replica(self) -> Replica:
        """Copy of the log of a running node."""
        assert self._replica is not None, f"{self!r} does not run"
        return self._replica

    @property
    def client_count(self) -> int:
        """Number of connected clients."""
        return 0 if self._server is None else self._server.client_count

    @property
    def is_joined(self) -> bool:
        """Whether the node runs, answers, and takes part in elections and in replication."""
        is_joined = self.state in (NodeState.LEADER, self.following, self.leaderless) and self.has_users
        return self.is_running and not self.is_hanging and is_joined

    @property
    def is_read_only(self) -> bool:
        """Whether the node is a read-only replica, which takes no part in elections."""
        return self.following is NodeState.READ_ONLY_REPLICA

    @property
    def leaderless(self) -> NodeState:
        """State in which the node has no leader."""
        return NodeState.READ_ONLY_LEADERLESS if self.is_read_only else NodeState.UNKNOWN

    # Start and stop ----------------------------------------------------------------------------------------

    async def start(self, state: NodeState) -> None:
        """Start a server over the data that the node had when it was stopped."""
        self._replica = Replica(self._submit, self._image)
        await self._serve(state)

    async def restart(self, image: Image) -> None:
        """Stop the server, and start another one over other data."""
        await self.stop()
        self._image = image
        await self.start(NodeState.CATCHING_UP)

    async def _serve(self, state: NodeState) -> None:
        self._server = self._surroundings.make_server(self, self.replica)
        await self._server.start()
        self.state, self._leader = state, None
        self.is_running = True
        self._instance_id = str(uuid4())
        assert self._server.grpc_port is not None
        await self._tcp.open(self._server.port)
        await self._http.open(self._server.grpc_port)

    async def stop(self) -> None:
        """Close all connections at once, and stop the server. The data are kept for the next start."""
        assert self._server is not None
        self.is_running = self.is_hanging = self.has_users = False
        self.state, self._leader = NodeState.SHUTDOWN, None
        await self._tcp.close()
        await self._http.close()
        for write in (*self.pending.take_all(), *self.forwarded):
            write.settle(NotCommitted("the node was stopped"))
        self.forwarded.clear()
        self._image = self.replica.image()
        server, self._server, self._replica = self._server, None, None
        await server.stop()

    def reserve(self) -> None:
        """Choose the ports of a node that was never started, and let no other program take them."""
        self._tcp.reserve()
        self._http.reserve()

    def release(self) -> None:
        """Let other programs take the ports of a node that was stopped."""
        self._tcp.release()
        self._http.release()

    def erase(self) -> None:
        """Discard the data of a node that was stopped."""
        self._image = None

    def hang(self) -> None:
        """Continue to accept connections, but answer no request."""
        self.is_hanging = True
        self._tcp.hang()
        self._http.hang()

    def resume(self) -> None:
        """Answer requests again, after `hang`."""
        self.is_hanging = False
        self._tcp.resume()
        self._http.resume()

    def _submit(self, change: Change[Any]) -> asyncio.Future[Any]:
        return self._surroundings.submit(self, change)

    # Role ------------------------------------------------------------------------------------------

    def lead(self, epoch: Epoch) -> None:
        """Become the leader."""
        self.state, self._leader, self.epoch = NodeState.LEADER, self, epoch
        self._restart_groups()

    def follow(self, leader: ReplicaNode) -> None:
        """Become a follower of a node."""
        was_leader = self.state is NodeState.LEADER
        self.state, self._leader, self.epoch = self.following, leader, leader.epoch
        self.has_users = True
        if was_leader:
            self._restart_groups()

    def lose_leader(self) -> None:
        """Become a node without a leader, in the state for an election."""
        was_leader = self.state is NodeState.LEADER
        self.state, self._leader = self.leaderless, None
        if was_leader:
            self._restart_groups()

    def announce_leader(self, leader: ReplicaNode) -> None:
        """Report a node as the leader, without following it yet."""
        self._leader, self.has_users = leader, True

    def _restart_groups(self) -> None:
        if self._server is not None:
            self._server.restart_groups()

    # Membership ------------------------------------------------------------------------------------

    @property
    def followed(self) -> ReplicaNode | None:
        """The leader, from the view of the node; None during an election."""
        return self._leader

    @property
    def leader(self) -> NodeDescription | None:
        """Description of the leader, as the node last received it; None during an election."""
        if self._leader is None:
            return None
        return self.describe() if self._leader is self else self._seen[self._leader]

    def describe(self) -> NodeDescription:
        """Return the node as it describes itself."""
        log = self.replica.store.read.log() if self._replica is not None else None
        return NodeDescription(
            state=self.state,
            is_alive=self.is_running,
            addresses=NodeAddresses(HOST, self._tcp.port, 0, self._http.port),
            instance_id=self._instance_id,
            time_stamp=datetime.now(UTC),
            last_commit=-1 if log is None else log.last_commit,
            log_end=-1 if log is None else log.end,
            epoch=self.epoch,
        )

    def members(self) -> Sequence[NodeDescription]:
        """Return the descriptions of this node and of all others, in the state that it last received from them.

        As in a real cluster, a hanging node is described as alive and in its state before it hung.
        """
        self.look_around()
        return [self.describe(), *self._seen.values()]

    def look_around(self) -> None:
        """Update this node's descriptions of the nodes that it reaches."""
        for other in self._surroundings.others(self):
            if not self._surroundings.reaches(self, other):
                last = self._seen.get(other) or replace(other.describe(), state=NodeState.MANAGER)
                self._seen[other] = replace(last, is_alive=False)
            elif not other.is_hanging:
                self._seen[other] = other.describe()

    def __repr__(self) -> str:
        state = self.state.name.lower()
        hanging = ", hanging" if self.is_hanging else ""
        delayed = ", delayed" if self.is_delayed else ""
        return f"<ClusterNode {self.name} at {HOST}:{self._tcp.port}, {state}{hanging}{delayed}>"
