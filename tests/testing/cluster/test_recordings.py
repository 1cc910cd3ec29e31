"""A cluster of embedded nodes sends the recorded replies of three nodes of Event Store 4.1.4."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack

import pytest

from rxpump.server import Strictness
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.codes import NotHandledReason, OperationResult
from rxpump.tcp.wire.commands import Command
from rxpump.tcp.wire.package import Package
from rxpump.testing import ClusterNode, EmbeddedCluster, NodeState
from tests.recordings import RecordedFrame, load
from tests.server.normalize import Ours
from tests.server.replay import Replay
from tests.testing.cluster.raw import client_of

TCP_PORT, HTTP_PORT = 11600, 21500
"""Ports before those of the recorded nodes: node n1 has the next ports, n2 the ones after them, and so on."""

COMPLETED = {Command.WRITE_EVENTS_COMPLETED, Command.DELETE_STREAM_COMPLETED, Command.TRANSACTION_COMMIT_COMPLETED}
MESSAGES = {
    Command.WRITE_EVENTS_COMPLETED: schema.WriteEventsCompleted,
    Command.DELETE_STREAM_COMPLETED: schema.DeleteStreamCompleted,
    Command.TRANSACTION_COMMIT_COMPLETED: schema.TransactionCommitCompleted,
}
TIMEOUTS = {OperationResult.COMMIT_TIMEOUT, OperationResult.PREPARE_TIMEOUT}

LEFT_OUT = {
    "36f620fd50c747efb46fc85b710fb76b": "the recorded client left before the first delivery to it",
    "6f2d25190e8f4de49eace9b722636e94": "a real leader starts a transaction without a majority, ours waits for one",
    "bb021563e8a74cfba3327a562d22ab65": "a stopped node of the recording had received a part of the lost writes",
}
"""Requests that are left out, by correlation id, with the reason."""


class ClusterReplay(Replay):
    """The client's side of one connection to a node. It puts the ports of our nodes instead of the recorded ones."""

    nodes: Sequence[ClusterNode] = ()

    async def expect(self, recorded: Package) -> None:
        if recorded.command == Command.NOT_HANDLED:
            recorded = recorded._replace(payload=self._with_our_ports(recorded.payload))
        await super().expect(recorded)

    def _with_our_ports(self, payload: bytes) -> bytes:
        message = schema.NotHandled.FromString(payload)
        if message.additional_info:
            info = schema.LeaderInfo.FromString(message.additional_info)
            leader = self.nodes[info.external_tcp_port - TCP_PORT - 1]
            info.external_tcp_port, info.external_http_port = leader.tcp_address[1], leader.http_address[1]
            message.additional_info = info.SerializeToString()
        encoded: bytes = message.SerializeToString()
        return encoded


class Recording:
    """A recording, and the cluster that plays the servers of it.

    The recording does not contain elections and timeouts, but their results. They happen here just before the first
    frame that shows them.
    """

    def __init__(self, name: str, cluster: EmbeddedCluster) -> None:
        lines = [line for line in load(name) if line.package is None or not self._is_left_out(line.package)]
        self.cluster = cluster
        self.lines = lines
        self.replies = {
            line.package.correlation_id: line.package
            for line in lines
            if line.package is not None and not line.from_client and line.package.command == Command.NOT_HANDLED
        }
        self.named = cluster.nodes[0]
        self.unconfirmed: list[bytes] = []

    def _is_left_out(self, package: Package) -> bool:
        return package.correlation_id.hex() in LEFT_OUT

    async def before(self, line: RecordedFrame) -> None:
        """Make the changes of the cluster that had happened in the recording before this frame."""
        if self.cluster.nodes[0].state is NodeState.LEADER:
            while len(self.cluster._nodes[0].pending) < len(self.unconfirmed):  # Let the last request arrive.
                await asyncio.sleep(0)
        if line.package is None:
            await self._note(line.event or "")
        elif line.from_client:
            await self._before_request(line.package)
        elif line.package.command in COMPLETED:
            await self._before_completion(line.package)

    async def _note(self, note: str) -> None:
        first, *followers = self.cluster.nodes
        match note:
            case "SIGKILL to the master, n1":
                await self.cluster.kill(first)
            case "SIGSTOP to both slaves":
                for follower in followers:
                    await self.cluster.hang(follower)
            case "SIGCONT to both slaves":
                for follower in followers:
                    await self.cluster.resume(follower)
                await self.cluster.elect(followers[1])

    async def _before_request(self, request: Package) -> None:
        reply = self.replies.get(request.correlation_id)
        refused = schema.NotHandled.FromString(reply.payload) if reply is not None else None
        if refused is not None and refused.reason == NotHandledReason.NOT_LEADER:
            info = schema.LeaderInfo.FromString(refused.additional_info)
            leader = self.cluster.nodes[info.external_tcp_port - TCP_PORT - 1]
            if leader is not self.named:
                await self.cluster.elect(leader)
                self.named = leader
        if self.cluster.nodes[1].is_hanging:
            self.unconfirmed.append(request.correlation_id)

    async def _before_completion(self, reply: Package) -> None:
        result = MESSAGES[Command(reply.command)].FromString(reply.payload).result
        pending = self.cluster._nodes[0].pending
        if result in TIMEOUTS:
            list(pending)[self.unconfirmed.index(reply.correlation_id)].time_out()
        elif reply.correlation_id in self.unconfirmed and self.cluster.nodes[0].state is NodeState.LEADER:
            await self.cluster.step_down(self.cluster.nodes[0])


NODES = {
    "cluster-not-master": (2, 1),
    "cluster-master-killed": (1, 2, 3),
    "cluster-no-quorum": (1, 3),
    "not-ready": (1,),
}
"""Numbers of the nodes that the connections of each recording belong to."""


@pytest.mark.parametrize("name", NODES)
async def test_a_recorded_client_of_a_cluster_gets_its_replies(name: str) -> None:
    cluster = EmbeddedCluster(strictness=Strictness.REAL, commit_timeout=60)
    async with cluster, AsyncExitStack() as clients:
        if name == "not-ready":
            await let_start(cluster)
        recording = Recording(name, cluster)
        ours = Ours()
        replays: dict[int, ClusterReplay] = {}
        for line in recording.lines:
            await recording.before(line)
            if line.conn not in replays:
                client = await clients.enter_async_context(client_of(cluster.nodes[NODES[name][line.conn - 1] - 1]))
                of_this = [each for each in recording.lines if each.conn == line.conn]
                replays[line.conn] = ClusterReplay(client, ours, of_this)
                replays[line.conn].nodes = cluster.nodes
            if line.from_client and name != "cluster-no-quorum":
                await asyncio.gather(*(replay.settle() for conn, replay in replays.items() if conn != line.conn))
            await replays[line.conn].play(line)
        await asyncio.gather(*(replay.end() for replay in replays.values()))


async def let_start(cluster: EmbeddedCluster) -> None:
    """Let the first node start with an empty log."""
    first = cluster.nodes[0]
    await cluster.kill(first)
    await cluster.erase(first)
    await cluster.start_node(first, NodeState.UNKNOWN)
