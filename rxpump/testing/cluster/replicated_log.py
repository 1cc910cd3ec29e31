"""The common log of the nodes of a cluster, and the rules by which its leader commits changes.

A change is committed when a majority of the nodes can confirm it. After that it is never lost. A leader that reaches
no majority keeps its changes pending. If it steps down, they are lost.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from rxpump.discovery.member import NodeState
from rxpump.server.membership import Epoch
from rxpump.server.store.changes import Change, NotCommitted, TimedOut
from rxpump.server.store.transaction import ReservePositions
from rxpump.server.strictness import Strictness
from rxpump.testing.cluster.pending_writes import PendingWrite
from rxpump.testing.cluster.replica import Entry
from rxpump.testing.cluster.replica_node import ReplicaNode


class ReplicatedLog:
    """The log of a cluster.

    Args:
        strictness: With `Strictness.REAL`, a leader that steps down answers its pending changes with success.
        forward_timeout: Seconds after which a change that could not be forwarded to the leader is answered with a
            timeout.

    Attributes:
        nodes: The nodes of the cluster.
    """

    def __init__(self, strictness: Strictness, forward_timeout: float) -> None:
        self.nodes: Sequence[ReplicaNode] = ()
        self._strictness = strictness
        self._forward_timeout = forward_timeout
        self._entries: list[Entry] = []
        self._epochs = 0

    # Reachability --------------------------------------------------------------------------------

    def others(self, node: ReplicaNode) -> Sequence[ReplicaNode]:
        """Return all nodes but one."""
        return [other for other in self.nodes if other is not node]

    def reaches(self, node: ReplicaNode, other: ReplicaNode) -> bool:
        """Return whether two nodes run and are in the same network partition. They may hang."""
        return node.is_running and other.is_running and node.side == other.side

    def joined(self, side: int) -> list[ReplicaNode]:
        """Return the nodes of a network partition that answer and have joined the cluster."""
        return [node for node in self.nodes if node.side == side and node.is_joined]

    def voters(self, side: int) -> list[ReplicaNode]:
        """Return the nodes of a network partition that take part in elections and confirm changes."""
        return [node for node in self.joined(side) if not node.replica.has_tail and not node.is_read_only]

    def is_majority(self, nodes: Sequence[ReplicaNode]) -> bool:
        """Return whether nodes can elect a leader and confirm its changes."""
        return 2 * len(nodes) > sum(not node.is_read_only for node in self.nodes)

    # Changes ---------------------------------------------------------------------------------------

    def submit(self, node: ReplicaNode, change: Change[Any]) -> asyncio.Future[Any]:
        """Accept a change from a client of a node. A follower forwards it to its leader."""
        if node.state is NodeState.LEADER:
            return node.pending.add(change)
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        leader = node.followed
        if leader is None:
            answer.set_result(NotCommitted("the node has no leader"))
        elif leader.state is NodeState.LEADER and self.reaches(node, leader) and not leader.is_hanging:
            return leader.pending.add(change)
        else:
            lost = PendingWrite(change, self._forward_timeout, TimedOut.FORWARD)
            node.forwarded.add(lost)
            lost.answer.add_done_callback(lambda _: node.forwarded.discard(lost))
            return lost.answer
        return answer

    def commit(self, leader: ReplicaNode) -> None:
        """Commit the pending changes of a leader, if a majority can confirm them."""
        voters = self.voters(leader.side)
        if leader.state is not NodeState.LEADER or leader not in voters or not self.is_majority(voters):
            return
        writes = leader.pending.take()
        entry = self._entry([write.change for write in writes])
        self._entries.append(entry)
        outcomes = leader.replica.apply(entry)
        for other in self.others(leader):
            self.replicate(other)
        for write, outcome in zip(writes, outcomes, strict=True):
            write.settle(outcome)
        leader.pending.wake()

    def _entry(self, changes: Sequence[Change[Any]]) -> Entry:
        return Entry(time.time_ns(), changes)

    def replicate(self, node: ReplicaNode) -> None:
        """Apply the changes that a follower lacks, if it follows the leader and its replication is not delayed."""
        if node.is_joined and node.state is node.following and not node.is_delayed:
            leader = node.followed
            if leader is not None and self.reaches(node, leader) and not leader.is_hanging:
                self._catch_up(node)

    def _catch_up(self, node: ReplicaNode) -> None:
        for entry in self._entries[node.replica.applied :]:
            node.replica.apply(entry)

    # Leaders ---------------------------------------------------------------------------------------

    async def lead(self, node: ReplicaNode) -> None:
        """Make a node the leader of a new epoch, and let the other nodes of its part of the network follow it."""
        others = [other for other in self.joined(node.side) if other is not node]
        for other in others:
            if other.state is NodeState.LEADER:
                self.step_down(other)
        self._catch_up(node)
        position = node.replica.store.read.log().end
        entry = self._entry([ReservePositions()])  # Like a real leader, write a record at the begin of the epoch.
        self._entries.append(entry)
        node.replica.apply(entry)
        self._epochs += 1
        node.lead(Epoch(self._epochs - 1, position, str(uuid4())))
        for other in others:
            await self.join(other, node)

    def step_down(self, leader: ReplicaNode) -> None:
        """Let a leader give up its role. Its pending changes are lost."""
        writes = leader.pending.take_all()
        if writes and self._strictness is Strictness.REAL:
            outcomes = leader.replica.apply_alone(self._entry([write.change for write in writes]))
            for write, outcome in zip(writes, outcomes, strict=True):
                write.settle(outcome)
        for write in writes:
            write.time_out()
        leader.lose_leader()

    async def reunite(self) -> None:
        """Let the nodes of each partition follow the leader of the newest epoch. Leaders of older epochs step down.

        A node whose log has events that the leader does not have is restarted with the log of the leader.
        """
        for side in {node.side for node in self.nodes}:
            nodes = self.joined(side)
            newest = max((node.epoch.number for node in nodes), default=-1)
            for node in nodes:
                if node.state is NodeState.LEADER and node.epoch.number < newest:
                    self.step_down(node)
            for leader in [node for node in nodes if node.state is NodeState.LEADER]:
                for node in nodes:
                    if node is not leader:
                        await self.join(node, leader)
                leader.pending.wake()

    async def join(self, node: ReplicaNode, leader: ReplicaNode) -> None:
        """Let a node follow a leader."""
        if node.state is NodeState.LEADER:
            self.step_down(node)
        if node.replica.has_tail:
            await node.restart(leader.replica.image())
        node.follow(leader)
        self.replicate(node)

    def __repr__(self) -> str:
        return f"<ReplicatedLog of {len(self._entries)} entries, {self._epochs} epochs>"
