"""A cluster of embedded servers, and the failures of its nodes."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Final

from rxpump.discovery.member import NodeState
from rxpump.errors import InvalidArgument
from rxpump.server.access.users import DEFAULT_ACCOUNTS, Account
from rxpump.server.embedded_server import EmbeddedServer
from rxpump.server.http.gossip import GossipWords
from rxpump.server.strictness import Strictness
from rxpump.testing.cluster.cluster_node import ClusterNode
from rxpump.testing.cluster.errors import NoLeader, NoQuorum
from rxpump.testing.cluster.gate import HOST
from rxpump.testing.cluster.replica import Replica
from rxpump.testing.cluster.replica_node import ReplicaNode, Surroundings
from rxpump.testing.cluster.replicated_log import ReplicatedLog

_STARTING: Final = (
    NodeState.INITIALIZING,
    NodeState.UNKNOWN,
    NodeState.PRE_REPLICA,
    NodeState.CATCHING_UP,
    NodeState.CLONE,
    NodeState.FOLLOWER,
)
"""States in which a node can be started."""
_STATES_WITH_ANNOUNCED_LEADER: Final = (NodeState.CATCHING_UP, NodeState.CLONE)
"""States in which a node has a leader, but does not follow it yet."""


class EmbeddedCluster:
    """Several servers in this process, which replicate one log, and which fail when a test requests it.

    The cluster does nothing on its own. For example, after the leader was killed, there is none until the test calls
    `elect`.

        async with EmbeddedCluster() as cluster, rxpump.connect(cluster.uri) as client:
            await client.publish_event("orders", "Placed", {"price": 5})
            await cluster.kill(cluster.leader)
            await cluster.elect()
            await client.publish_event("orders", "Paid", {"price": 5})

    Args:
        size: Number of nodes that can lead.
        users: Users that can log in.
        read_only_replicas: Number of further nodes that cannot lead. Real servers have them from version 20.
        insecure: Whether every client may do everything without credentials, as on a real cluster with `--insecure`.
        words: Version of the real servers whose terms the gossip documents use.
        strictness: How exactly to imitate undocumented behavior of a real server. With `Strictness.REAL`, a leader
            that steps down answers its unconfirmed writes with success, and loses them later, as version 4 does.
        commit_timeout: Seconds after which a write that too few nodes confirm is answered with a timeout.
        forward_timeout: Seconds after which a write that a follower forwarded to an unreachable leader is answered
            with a timeout.
        persistent_tick: Seconds between two checks for deliveries that were not settled in time.
        chance: Random generator that decides who wins an election.
    """

    def __init__(
        self,
        size: int = 3,
        users: Iterable[Account] = DEFAULT_ACCOUNTS,
        *,
        read_only_replicas: int = 0,
        insecure: bool = False,
        words: GossipWords = GossipWords.V4,
        strictness: Strictness = Strictness.LENIENT,
        commit_timeout: float = 2.0,
        forward_timeout: float = 4.3,
        persistent_tick: float = 1.0,
        chance: random.Random | None = None,
    ) -> None:
        if size < 1:
            raise InvalidArgument("size", size, "a number of nodes from 1")
        if read_only_replicas < 0 or (read_only_replicas and words is GossipWords.V4):
            raise InvalidArgument("read_only_replicas", read_only_replicas, "0, or any number with GossipWords.V20")
        self._users = tuple(users)
        self._insecure = insecure
        self._words = words
        self._strictness = strictness
        self._persistent_tick = persistent_tick
        self._chance = chance or random.Random()
        self._log = log = ReplicatedLog(strictness, forward_timeout)
        surroundings = Surroundings(
            self._make_server, log.submit, log.commit, log.others, log.reaches, commit_timeout
        )
        self._nodes = (
            *(ReplicaNode(f"node{number}", surroundings) for number in range(1, size + 1)),
            *(
                ReplicaNode(f"replica{number}", surroundings, NodeState.READ_ONLY_REPLICA)
                for number in range(1, read_only_replicas + 1)
            ),
        )
        log.nodes = self._nodes

    @property
    def nodes(self) -> Sequence[ClusterNode]:
        """The nodes, read-only replicas at the end. The first one is the leader at the start."""
        return self._nodes

    @property
    def uri(self) -> str:
        """Connection string of the TCP protocol that finds the leader, for the user admin."""
        return f"tcp+discover://admin:changeit@{self._seeds}"

    @property
    def grpc_uri(self) -> str:
        """Connection string of gRPC that finds the leader.

        It is for the user admin, whose password is sent without encryption, as only clients of rxpump do. For other
        clients, make the cluster with `insecure=True`; then the connection string has no user.
        """
        if self._insecure:
            return f"kurrentdb+discover://{self._seeds}?tls=false"
        return f"kurrentdb+discover://admin:changeit@{self._seeds}?tls=false&credentialsInClear=true"

    @property
    def _seeds(self) -> str:
        return ",".join("{}:{}".format(*node.http_address) for node in self.nodes)

    @property
    def leader(self) -> ClusterNode:
        """The leader of the newest epoch. It can be hanging or cut off.

        Raises:
            NoLeader: The leader was killed, or an election was started.
        """
        believers = [node for node in self._nodes if node.state is NodeState.LEADER]
        if not believers:
            raise NoLeader
        return max(believers, key=lambda node: node.epoch.number)

    @property
    def followers(self) -> Sequence[ClusterNode]:
        """The nodes that follow a leader and can be elected."""
        return [node for node in self._nodes if node.state is NodeState.FOLLOWER]

    # Start and end ---------------------------------------------------------------------------------

    @contextmanager
    def reserved_ports(self) -> Iterator[None]:
        """Choose the ports before the start, so that `uri` can be used, and reserve them in the `with` block."""
        for node in self._nodes:
            node.reserve()
        try:
            yield
        finally:
            for node in self._nodes:
                node.release()

    async def start(self) -> None:
        """Start all nodes, and make the first one the leader."""
        try:
            for node in self._nodes:
                await node.start(node.leaderless)
                node.has_users = True
        except BaseException:
            await self.stop()
            raise
        await self.elect(self._nodes[0])

    async def stop(self) -> None:
        """Kill all nodes. Their data are lost."""
        for node in self._nodes:
            if node.is_running:
                await node.stop()
            node.release()

    async def __aenter__(self) -> EmbeddedCluster:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def _make_server(self, node: ReplicaNode, replica: Replica) -> EmbeddedServer:
        return EmbeddedServer(
            replica.store,
            HOST,
            users=self._users,
            grpc_port=0,
            insecure=self._insecure,
            persistent_tick=self._persistent_tick,
            strictness=self._strictness,
            membership=node,
            gossip_words=self._words,
        )

    # Failures --------------------------------------------------------------------------------------

    async def kill(self, node: ClusterNode) -> None:
        """Kill a node. Its connections are closed, and new ones are refused. It keeps its data.

        In the gossip of the other nodes it is no longer alive. If it was the leader, they name it until the next
        election.
        """
        running = self._running(node)
        self._look_around()
        await running.stop()

    async def start_node(self, node: ClusterNode, state: NodeState = NodeState.FOLLOWER) -> None:
        """Start a node that was killed, on the same ports.

        Args:
            node: The node.
            state: State in which it stays. In any state but FOLLOWER it refuses most requests, or serves old data,
                until `join` is called. In INITIALIZING, UNKNOWN and PRE_REPLICA it also refuses all logins.
        """
        killed = self._killed(node)
        if state not in _STARTING:
            raise InvalidArgument("state", state, f"one of {', '.join(state.name for state in _STARTING)}")
        await killed.start(NodeState.UNKNOWN if state is NodeState.FOLLOWER else state)
        leader = self._leader_for(killed)
        if state in _STATES_WITH_ANNOUNCED_LEADER and leader is not None:
            killed.announce_leader(leader)
        if state is NodeState.FOLLOWER:
            await self.join(node)

    async def join(self, node: ClusterNode) -> None:
        """Let a started node follow the leader. If there is no leader, the node takes part in the next election."""
        running = self._running(node)
        running.has_users = True
        if not running.is_hanging and not running.is_joined:
            running.lose_leader()
        await self._log.reunite()
        self._look_around()

    async def erase(self, node: ClusterNode) -> None:
        """Discard the data of a node that was killed. It receives the data of the leader when it joins."""
        self._killed(node).erase()

    async def hang(self, node: ClusterNode) -> None:
        """Let a node hang, as after SIGSTOP: it accepts connections, but reads nothing and answers nothing.

        In the gossip of the other nodes it remains alive. If it is the leader, they name it until the next election.
        """
        running = self._running(node)
        self._look_around()
        running.hang()

    async def resume(self, node: ClusterNode) -> None:
        """Let a hanging node continue. If there is a newer leader, the node follows it."""
        self._running(node).resume()
        await self._log.reunite()
        self._look_around()

    async def cut_off(self, *nodes: ClusterNode) -> None:
        """Cut the network between some nodes and all others. Connections to clients are not affected.

        A leader that is cut off with too few followers still reports that it is the leader. It serves reads, and
        every write that it accepts ends with a timeout. A follower without a reachable majority has no leader.
        """
        self._look_around()
        side = max(node.side for node in self._nodes) + 1
        for cut in [self._own(node) for node in nodes]:
            cut.side = side
        await self._log.reunite()
        for node in self._nodes:
            if node.state is node.following and not self._log.is_majority(self._log.voters(node.side)):
                node.lose_leader()
        self._look_around()

    async def heal(self) -> None:
        """End all partitions of the network. Nodes that missed an election follow the newest leader.

        A leader that was cut off loses the writes that it could not commit. If clients could read them (see
        `strictness`), it is restarted with the log of the leader, so that positions of these events no longer exist.
        """
        for node in self._nodes:
            node.side = 0
        await self._log.reunite()
        self._look_around()

    async def step_down(self, node: ClusterNode) -> None:
        """Let a leader notice that it reaches no majority, so that it gives up its role."""
        leader = self._running(node)
        if leader.state is not NodeState.LEADER:
            raise InvalidArgument("node", node, "a leader")
        self._look_around()
        self._log.step_down(leader)

    # Elections -------------------------------------------------------------------------------------

    async def start_election(self) -> None:
        """Start an election: the nodes that reach a majority have no leader until `elect` is called."""
        for node in self._log.joined(self._voters()[0].side):
            if node.state is NodeState.LEADER:
                self._log.step_down(node)
            else:
                node.lose_leader()
        self._look_around()

    async def elect(self, node: ClusterNode | None = None) -> ClusterNode:
        """Elect a leader. If the voters reach the old leader, it steps down.

        Args:
            node: The new leader; None for a random voter, if possible not the old leader.

        Returns:
            The new leader.

        Raises:
            NoQuorum: Too few nodes run, answer, and reach each other.
            InvalidArgument: `node` is not one of the nodes that reach a majority.
        """
        voters = self._voters()
        others = [voter for voter in voters if voter.state is not NodeState.LEADER]
        elected = self._chance.choice(others or voters) if node is None else self._own(node)
        if elected not in voters:
            raise InvalidArgument("node", node, f"one of the nodes that can vote: {voters}")
        await self._log.lead(elected)
        self._look_around()
        return elected

    async def resign(self) -> ClusterNode:
        """Let the leader resign, and elect another one. Its connections stay open.

        Returns:
            The new leader.
        """
        return await self.elect()

    async def delay_replication(self, node: ClusterNode) -> None:
        """Let a node receive changes without applying them, so that its reads and subscriptions lag behind.

        The node still confirms changes. If it is elected, it applies all of them first.
        """
        self._own(node).is_delayed = True

    async def catch_up(self, node: ClusterNode) -> None:
        """End the delay that `delay_replication` began, and apply all changes."""
        own = self._own(node)
        own.is_delayed = False
        self._log.replicate(own)

    def _voters(self) -> list[ReplicaNode]:
        """Return the nodes that can elect a leader."""
        most = max((self._log.voters(node.side) for node in self._nodes), key=len)
        if not self._log.is_majority(most):
            raise NoQuorum(len(most), sum(not node.is_read_only for node in self._nodes))
        return most

    def _leader_for(self, node: ReplicaNode) -> ReplicaNode | None:
        leaders = [each for each in self._log.voters(node.side) if each.state is NodeState.LEADER]
        return max(leaders, key=lambda each: each.epoch.number, default=None)

    def _look_around(self) -> None:
        for node in self._nodes:
            if node.is_running and not node.is_hanging:
                node.look_around()

    def _own(self, node: ClusterNode) -> ReplicaNode:
        for own in self._nodes:
            if own is node:
                return own
        raise InvalidArgument("node", node, "a node of this cluster")

    def _running(self, node: ClusterNode) -> ReplicaNode:
        own = self._own(node)
        if not own.is_running:
            raise InvalidArgument("node", node, "a node that runs")
        return own

    def _killed(self, node: ClusterNode) -> ReplicaNode:
        own = self._own(node)
        if own.is_running:
            raise InvalidArgument("node", node, "a node that was killed")
        return own

    def __repr__(self) -> str:
        return f"<EmbeddedCluster of {', '.join(map(repr, self._nodes))}>"
