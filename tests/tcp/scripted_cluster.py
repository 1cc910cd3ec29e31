"""A cluster of scripted nodes. Each answers requests like a real node in its state, and serves gossip.

The test sets the states of the nodes. There are no elections, and events are not replicated.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any

from rxpump.discovery import Endpoint, NodeState
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.codes import NotHandledReason, OperationResult, ReadStreamResult
from rxpump.tcp.wire.commands import Command
from rxpump.tcp.wire.package import Package
from rxpump.uri import ClusterAddress, TcpAddress
from tests.discovery.http_nodes import response
from tests.discovery.members import document
from tests.listening import listening
from tests.tcp.scripted_server import Peer, ScriptedServer

WORDS = {NodeState.LEADER: "Leader", NodeState.FOLLOWER: "Follower", NodeState.CATCHING_UP: "CatchingUp"}
WORDS |= {NodeState.UNKNOWN: "Unknown", NodeState.PRE_REPLICA: "PreReplica"}


class Node:
    """One node.

    Attributes:
        state: State in which it answers requests, and which it reports.
        is_alive: Whether it is alive in the gossip of the nodes.
        leader: The node that it names as the leader, or None.
        is_frozen: Whether it accepts connections but sends nothing, over TCP and HTTP.
        address: Address over TCP.
        http: Address over HTTP.
        can_commit: Whether it acknowledges writes. Otherwise they time out.
        gossip: Function that returns its response over HTTP.
        written: Bytes of the log that it has.
        asked: Names of the commands that it has received, in order.
    """

    def __init__(self, cluster: ScriptedCluster) -> None:
        self.state = NodeState.FOLLOWER
        self.is_alive = True
        self.epoch = 1
        self.written = 1000
        self.leader: Node | None = None
        self.is_frozen = False
        self.can_commit = True
        self._cluster = cluster
        self.gossip: Callable[[], bytes] = lambda: response(json.dumps(cluster.document(self)).encode())
        self.asked: list[str] = []
        self.tcp = ScriptedServer(self._play)
        self.address = TcpAddress()
        self.http = Endpoint("127.0.0.1", 0)
        self.peers: set[Peer] = set()

    def freeze(self) -> None:
        self.is_frozen = True

    def kill(self) -> None:
        """Close all connections, and accept no more."""
        self.is_alive = False
        assert self.tcp._listener is not None
        self.tcp._listener.close()
        for peer in tuple(self.peers):
            peer.cut()

    def count(self, command: Command) -> int:
        return self.asked.count(command.name)

    async def serve_http(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        if self.is_frozen:
            self._cluster.frozen_questions += 1
            await asyncio.Event().wait()
        if not self.is_alive:
            return
        writer.write(self.gossip())
        await writer.drain()

    async def _play(self, peer: Peer) -> None:
        self.peers.add(peer)
        try:
            while True:
                package = await peer.receive()
                if self.is_frozen:
                    await peer.until_gone_silently()
                self._answer(peer, package)
        finally:
            self.peers.discard(peer)

    def _answer(self, peer: Peer, package: Package) -> None:
        match package.command:
            case Command.HEARTBEAT_REQUEST:
                peer.reply(package, Command.HEARTBEAT_RESPONSE)
                return
            case Command.AUTHENTICATE:
                peer.reply(package, Command.AUTHENTICATED)
                return
            case Command.IDENTIFY_CLIENT:
                peer.reply(package, Command.CLIENT_IDENTIFIED)
                return
            case Command.UNSUBSCRIBE_FROM_STREAM:
                peer.reply(package, Command.SUBSCRIPTION_DROPPED)
                return
        self.asked.append(Command(package.command).name)
        if self.state is not NodeState.LEADER and _needs_leader(package):
            named = None if self.leader is None else self.leader.address
            reason = NotHandledReason.NOT_READY if named is None else NotHandledReason.NOT_LEADER
            peer.refuse(package, reason, named)
            return
        if package.command == Command.WRITE_EVENTS and not self.can_commit:
            peer.reply(package, Command.WRITE_EVENTS_COMPLETED, _NOT_COMMITTED)
            return
        reply, message = _REPLIES[Command(package.command)]
        peer.reply(package, reply, message)


def _needs_leader(package: Package) -> bool:
    match package.command:
        case Command.WRITE_EVENTS:
            return bool(schema.WriteEvents.FromString(package.payload).require_leader)
        case Command.READ_STREAM_EVENTS_FORWARD | Command.READ_STREAM_EVENTS_BACKWARD:
            return bool(schema.ReadStreamEvents.FromString(package.payload).require_leader)
        case Command.CONNECT_TO_PERSISTENT_SUBSCRIPTION:
            return True
        case _:
            return False


_WRITTEN = schema.WriteEventsCompleted(result=OperationResult.SUCCESS, first_event_number=0, last_event_number=0)
_NOT_COMMITTED = schema.WriteEventsCompleted(result=OperationResult.COMMIT_TIMEOUT)
_MISSING = schema.ReadStreamEventsCompleted(
    result=ReadStreamResult.NO_STREAM,
    next_event_number=-1,
    last_event_number=-1,
    is_end_of_stream=True,
    last_commit_position=1,
)
_CONFIRMED = schema.PersistentSubscriptionConfirmation(last_commit_position=1, subscription_id="s::g")
_REPLIES: dict[Command, tuple[Command, Any]] = {
    Command.PING: (Command.PONG, b""),
    Command.WRITE_EVENTS: (Command.WRITE_EVENTS_COMPLETED, _WRITTEN),
    Command.READ_STREAM_EVENTS_FORWARD: (Command.READ_STREAM_EVENTS_FORWARD_COMPLETED, _MISSING),
    Command.CONNECT_TO_PERSISTENT_SUBSCRIPTION: (Command.PERSISTENT_SUBSCRIPTION_CONFIRMATION, _CONFIRMED),
}


class ScriptedCluster:
    """A cluster whose first node is the leader.

    Attributes:
        nodes: The nodes.
        frozen_questions: Requests for gossip that frozen nodes have received.
    """

    def __init__(self, size: int = 3) -> None:
        self.frozen_questions = 0
        self.nodes = [Node(self) for _ in range(size)]
        self._stack = AsyncExitStack()

    @property
    def address(self) -> ClusterAddress:
        return ClusterAddress(tuple((node.http.address, node.http.port) for node in self.nodes))

    def elect(self, leader: Node | None) -> None:
        """Make a node the leader, or none. All alive nodes name the new leader at once."""
        for node in self.nodes:
            node.leader = leader
            if node.is_alive and not node.is_frozen:
                node.epoch += 1
                node.state = NodeState.LEADER if node is leader else NodeState.FOLLOWER
                node.state = NodeState.UNKNOWN if leader is None else node.state

    def document(self, by: Node) -> dict[str, Any]:
        """Return the gossip of a node, which has the state of each."""
        members = [self._member(node) for node in self.nodes]
        return {"members": members, "serverIp": by.http.address, "serverPort": by.http.port}

    @staticmethod
    def _member(node: Node) -> dict[str, Any]:
        (member,) = document(
            23,
            WORDS[node.state],
            isAlive=node.is_alive,
            externalTcpIp="127.0.0.1",
            externalTcpPort=node.address.port,
            externalSecureTcpPort=0,
            httpEndPointIp=node.http.address,
            httpEndPointPort=node.http.port,
            epochNumber=node.epoch,
            writerCheckpoint=node.written,
        )["members"]
        return dict(member)

    async def __aenter__(self) -> ScriptedCluster:
        for node in self.nodes:
            await self._stack.enter_async_context(node.tcp)
            node.address = node.tcp.address
            node.http = await self._stack.enter_async_context(listening(node.serve_http))
        self.elect(self.nodes[0])
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()
