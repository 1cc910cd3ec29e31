"""The nodes of a cluster serve and refuse requests by the table of docs/protocol/tcp.md, section 4.14."""

from __future__ import annotations

from typing import Any

import pytest

from rxpump.errors import InvalidArgument
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.codes import NotHandledReason, OperationResult
from rxpump.tcp.wire.commands import Command
from rxpump.testing import EmbeddedCluster, GossipWords, NodeState, NoQuorum
from tests.raw_client import ADMIN
from tests.testing.cluster.raw import client_of, read, read_numbers, refused_with, write, write_result

GROUP = {"subscription_group_name": "group", "event_stream_id": "orders"}
CONNECT = schema.ConnectToPersistentSubscription(
    subscription_id="group", event_stream_id="orders", allowed_in_flight_messages=1
)
DELETE = {"event_stream_id": "orders", "expected_version": -2}
START = schema.TransactionStart
TO_THE_LEADER = {
    "write": (Command.WRITE_EVENTS, write(1)),
    "delete": (Command.DELETE_STREAM, schema.DeleteStream(**DELETE, require_leader=True)),
    "transaction": (Command.TRANSACTION_START, START(**DELETE, require_leader=True)),
    "read": (Command.READ_STREAM_EVENTS_FORWARD, read()),
    "read all": (
        Command.READ_ALL_EVENTS_FORWARD,
        schema.ReadAllEvents(
            commit_position=0, prepare_position=0, max_count=1, resolve_link_tos=False, require_leader=True
        ),
    ),
    "delete group": (Command.DELETE_PERSISTENT_SUBSCRIPTION, schema.DeletePersistentSubscription(**GROUP)),
    "connect": (Command.CONNECT_TO_PERSISTENT_SUBSCRIPTION, CONNECT),
}
TO_ANY_NODE = {
    "write": (Command.WRITE_EVENTS, write(1, requires_leader=False)),
    "delete": (Command.DELETE_STREAM, schema.DeleteStream(**DELETE, require_leader=False)),
    "transaction": (Command.TRANSACTION_START, START(**DELETE, require_leader=False)),
}


@pytest.mark.parametrize("name", TO_THE_LEADER)
async def test_a_follower_names_the_leader(name: str) -> None:
    command, request = TO_THE_LEADER[name]
    async with EmbeddedCluster() as cluster, client_of(cluster.followers[0]) as client:
        answer = await client.ask(command, request, user=ADMIN)
        assert refused_with(answer) == (NotHandledReason.NOT_LEADER, cluster.leader.tcp_address[1])


@pytest.mark.parametrize("name", TO_THE_LEADER)
async def test_during_an_election_a_node_is_not_ready(name: str) -> None:
    command, request = TO_THE_LEADER[name]
    async with EmbeddedCluster() as cluster, client_of(cluster.nodes[1]) as client:
        await cluster.start_election()
        assert refused_with(await client.ask(command, request)) == (NotHandledReason.NOT_READY, None)


@pytest.mark.parametrize("name", TO_ANY_NODE)
async def test_a_node_without_leader_forwards_no_change(name: str) -> None:
    command, request = TO_ANY_NODE[name]
    async with EmbeddedCluster() as cluster, client_of(cluster.nodes[1]) as client:
        await cluster.start_election()
        assert refused_with(await client.ask(command, request)) == (NotHandledReason.NOT_READY, None)


async def test_a_follower_serves_requests_that_need_no_leader() -> None:
    async with EmbeddedCluster() as cluster, client_of(cluster.followers[0]) as client:
        assert await write_result(client, write(1, requires_leader=False)) is OperationResult.SUCCESS
        assert await read_numbers(client, read(requires_leader=False)) == [1]
        await client.ask(Command.PING)
        subscribe = schema.SubscribeToStream(event_stream_id="orders", resolve_link_tos=False)
        assert (await client.ask(Command.SUBSCRIBE_TO_STREAM, subscribe)).command == Command.SUBSCRIPTION_CONFIRMATION


async def test_a_node_without_leader_serves_local_reads() -> None:
    async with EmbeddedCluster() as cluster, client_of(cluster.nodes[1]) as client:
        await write_result(client, write(1, requires_leader=False))
        await cluster.start_election()
        assert await read_numbers(client, read(requires_leader=False)) == [1]
        subscribe = schema.SubscribeToStream(event_stream_id="orders", resolve_link_tos=False)
        assert (await client.ask(Command.SUBSCRIBE_TO_STREAM, subscribe)).command == Command.SUBSCRIPTION_CONFIRMATION


@pytest.mark.parametrize("state", [NodeState.INITIALIZING, NodeState.PRE_REPLICA])
async def test_a_node_that_starts_refuses_everything(state: NodeState) -> None:
    async with EmbeddedCluster() as cluster:
        node = cluster.followers[0]
        await cluster.kill(node)
        await cluster.start_node(node, state)
        async with client_of(node) as client:
            for request in (read(), read(requires_leader=False)):
                answer = await client.ask(Command.READ_STREAM_EVENTS_FORWARD, request)
                assert refused_with(answer) == (NotHandledReason.NOT_READY, None)
            answer = await client.ask(Command.AUTHENTICATE, user=ADMIN)
            assert answer.command == Command.NOT_AUTHENTICATED
        await cluster.join(node)
        async with client_of(node) as client:
            answer = await client.ask(Command.AUTHENTICATE, user=ADMIN)
            assert answer.command == Command.AUTHENTICATED


@pytest.mark.parametrize("state", [NodeState.CATCHING_UP, NodeState.CLONE])
async def test_a_node_that_catches_up_serves_old_data(state: NodeState) -> None:
    async with EmbeddedCluster() as cluster, client_of(cluster.leader) as writer:
        node = cluster.followers[0]
        assert await write_result(writer, write(1)) is OperationResult.SUCCESS
        await cluster.kill(node)
        assert await write_result(writer, write(2)) is OperationResult.SUCCESS
        await cluster.start_node(node, state)
        assert node.state is state
        async with client_of(node) as client:
            answer = await client.ask(Command.READ_STREAM_EVENTS_FORWARD, read())
            assert refused_with(answer) == (NotHandledReason.NOT_LEADER, cluster.leader.tcp_address[1])
            assert await read_numbers(client, read(requires_leader=False)) == [1]
            await cluster.join(node)
            assert await read_numbers(client, read(requires_leader=False)) == [1, 2]


async def test_a_node_with_a_new_disk_has_no_stream_at_first() -> None:
    async with EmbeddedCluster() as cluster, client_of(cluster.leader) as writer:
        node = cluster.followers[0]
        await write_result(writer, write(1))
        await cluster.kill(node)
        await cluster.erase(node)
        await cluster.start_node(node, NodeState.CATCHING_UP)
        async with client_of(node) as client:
            assert await read_numbers(client, read(requires_leader=False)) == []
            await cluster.join(node)
            assert await read_numbers(client, read(requires_leader=False)) == [1]


async def test_acknowledgements_to_a_follower_have_no_reply() -> None:
    ack: Any = schema.PersistentSubscriptionAckEvents(
        subscription_id="orders::group", processed_event_ids=[b"1" * 16]
    )
    async with EmbeddedCluster() as cluster, client_of(cluster.followers[0]) as client:
        client.send(Command.PERSISTENT_SUBSCRIPTION_ACK_EVENTS, ack)
        ping = client.send(Command.PING)
        assert (await client.expect_package()).correlation_id == ping


async def test_a_malformed_request_to_a_follower_is_a_bad_request() -> None:
    async with EmbeddedCluster() as cluster, client_of(cluster.followers[0]) as client:
        assert (await client.ask(Command.WRITE_EVENTS, b"\xff")).command == Command.BAD_REQUEST


async def test_a_read_only_replica_reads_and_names_the_leader() -> None:
    async with EmbeddedCluster(read_only_replicas=1, words=GossipWords.V20) as cluster:
        replica = cluster.nodes[-1]
        assert replica.state is NodeState.READ_ONLY_REPLICA
        async with client_of(cluster.leader) as writer, client_of(replica) as client:
            await write_result(writer, write(1))
            assert await read_numbers(client, read(requires_leader=False)) == [1]
            leader = cluster.leader.tcp_address[1]
            answer = await client.ask(Command.WRITE_EVENTS, write(2, requires_leader=False))
            assert refused_with(answer) == (NotHandledReason.IS_READ_ONLY, leader)
            answer = await client.ask(Command.WRITE_EVENTS, write(2))
            assert refused_with(answer) == (NotHandledReason.NOT_LEADER, leader)


async def test_a_read_only_replica_does_not_vote() -> None:
    async with EmbeddedCluster(read_only_replicas=2, words=GossipWords.V20) as cluster:
        first, second, _, replica, _ = cluster.nodes
        with pytest.raises(InvalidArgument, match="can vote"):
            await cluster.elect(replica)
        await cluster.start_election()
        assert replica.state is NodeState.READ_ONLY_LEADERLESS
        await cluster.kill(first)
        await cluster.kill(second)
        with pytest.raises(NoQuorum, match="needs 2 of 3"):
            await cluster.elect()
        await cluster.start_node(first)
        await cluster.elect()
        assert cluster.nodes[3].state is NodeState.READ_ONLY_REPLICA


def test_version_4_has_no_read_only_replicas() -> None:
    with pytest.raises(InvalidArgument, match="read_only_replicas"):
        EmbeddedCluster(read_only_replicas=1)
