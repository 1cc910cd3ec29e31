"""Each failure of a node has the same effects on clients and on the gossip as in a real cluster."""

from __future__ import annotations

import asyncio

import pytest

from rxpump.errors import InvalidArgument
from rxpump.server import Strictness
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.codes import NotHandledReason, OperationResult
from rxpump.tcp.wire.commands import Command
from rxpump.testing import ClusterNode, EmbeddedCluster, NodeState, NoLeader, NoQuorum
from rxpump.testing.cluster.gate import Gate
from tests.testing.cluster.raw import client_of, gossip_of, read, read_numbers, refused_with, write, write_result

SUCCESS, COMMIT_TIMEOUT = OperationResult.SUCCESS, OperationResult.COMMIT_TIMEOUT


async def seen(by: ClusterNode, cluster: EmbeddedCluster) -> list[tuple[NodeState, bool]]:
    """Return the state of each node and whether it is alive, in the order of the nodes, by the gossip of one node."""
    members = {member.external_http.port: member for member in (await gossip_of(by)).members}
    found = [members[node.http_address[1]] for node in cluster.nodes]
    return [(member.state, member.is_alive) for member in found]


LEADER, FOLLOWER, UNKNOWN = NodeState.LEADER, NodeState.FOLLOWER, NodeState.UNKNOWN


async def test_every_node_names_all_nodes() -> None:
    async with EmbeddedCluster() as cluster:
        for node in cluster.nodes:
            assert await seen(node, cluster) == [(LEADER, True), (FOLLOWER, True), (FOLLOWER, True)]
            document = await gossip_of(node)
            assert document.answerer is not None
            assert document.answerer.external_tcp.port == node.tcp_address[1]


async def test_a_killed_leader_is_named_until_the_election() -> None:
    async with EmbeddedCluster() as cluster, client_of(cluster.nodes[1]) as client:
        first, second, third = cluster.nodes
        await cluster.kill(first)
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(*first.tcp_address)
        answer = await client.ask(Command.WRITE_EVENTS, write(1))
        assert refused_with(answer) == (NotHandledReason.NOT_LEADER, first.tcp_address[1])
        assert await seen(second, cluster) == [(LEADER, False), (FOLLOWER, True), (FOLLOWER, True)]
        assert await cluster.elect(third) is third
        answer = await client.ask(Command.WRITE_EVENTS, write(1))
        assert refused_with(answer) == (NotHandledReason.NOT_LEADER, third.tcp_address[1])
        assert await seen(second, cluster) == [(LEADER, False), (FOLLOWER, True), (LEADER, True)]


async def test_a_killed_node_keeps_its_port_and_its_data() -> None:
    async with EmbeddedCluster() as cluster, client_of(cluster.leader) as client:
        first, *_ = cluster.nodes
        await write_result(client, write(1))
        await cluster.kill(first)
        assert await client.receive() is None
        address = first.tcp_address
        await cluster.elect()
        async with client_of(cluster.leader) as other:
            assert await write_result(other, write(2)) is SUCCESS
        await cluster.start_node(first)
        assert (first.tcp_address, first.state) == (address, FOLLOWER)
        async with client_of(first) as again:
            assert await read_numbers(again, read(requires_leader=False)) == [1, 2]


async def test_a_hanging_node_accepts_connections_and_is_silent() -> None:
    async with EmbeddedCluster() as cluster, client_of(cluster.leader) as open_before:
        first, second, _ = cluster.nodes
        await open_before.ask(Command.PING)
        await cluster.hang(first)
        async with client_of(first) as opened_now:
            pings = [client.send(Command.PING) for client in (open_before, opened_now)]
            silence = asyncio.gather(open_before.receive(), opened_now.receive())
            assert await seen(second, cluster) == [(LEADER, True), (FOLLOWER, True), (FOLLOWER, True)]
            assert not silence.done()
            await cluster.resume(first)
            received = await silence
            assert [package.correlation_id for package in received if package is not None] == pings


async def test_a_leader_that_hung_follows_the_new_one() -> None:
    async with EmbeddedCluster() as cluster:
        first, second, third = cluster.nodes
        await cluster.hang(first)
        await cluster.elect(second)
        assert first.state is LEADER
        assert cluster.leader is second
        await cluster.resume(first)
        assert await seen(third, cluster) == [(FOLLOWER, True), (LEADER, True), (FOLLOWER, True)]


async def test_a_leader_that_is_cut_off_stays_leader_for_a_while() -> None:
    async with EmbeddedCluster(commit_timeout=0.01) as cluster, client_of(cluster.leader) as client:
        first, second, third = cluster.nodes
        assert await write_result(client, write(1)) is SUCCESS
        await cluster.cut_off(first)
        assert await write_result(client, write(2)) is COMMIT_TIMEOUT
        await cluster.elect(second)
        assert await read_numbers(client, read()) == [1]
        assert await seen(first, cluster) == [(LEADER, True), (FOLLOWER, False), (FOLLOWER, False)]
        assert await seen(third, cluster) == [(LEADER, False), (LEADER, True), (FOLLOWER, True)]
        async with client_of(second) as other:
            assert await write_result(other, write(3)) is SUCCESS
        await cluster.heal()
        assert await seen(third, cluster) == [(FOLLOWER, True), (LEADER, True), (FOLLOWER, True)]
        assert await read_numbers(client, read(requires_leader=False)) == [1, 3]


async def test_a_write_that_timed_out_can_still_be_committed() -> None:
    async with EmbeddedCluster(commit_timeout=0.01) as cluster, client_of(cluster.leader) as client:
        await cluster.cut_off(cluster.leader)
        assert await write_result(client, write(1)) is COMMIT_TIMEOUT
        await cluster.heal()
        assert await write_result(client, write(2)) is SUCCESS
        assert await read_numbers(client, read()) == [1, 2]


async def test_a_follower_that_is_cut_off_has_no_leader() -> None:
    async with EmbeddedCluster() as cluster:
        follower = cluster.followers[0]
        await cluster.cut_off(follower)
        assert follower.state is UNKNOWN
        async with client_of(cluster.leader) as client:
            assert await write_result(client, write(1)) is SUCCESS
        await cluster.heal()
        assert follower.state is FOLLOWER
        async with client_of(follower) as client:
            assert await read_numbers(client, read(requires_leader=False)) == [1]


async def test_a_minority_of_two_has_no_quorum() -> None:
    async with EmbeddedCluster(5, commit_timeout=0.01) as cluster, client_of(cluster.leader) as client:
        first, second, third, *_ = cluster.nodes
        await cluster.cut_off(first, second)
        assert await write_result(client, write(1)) is COMMIT_TIMEOUT
        assert second.state is UNKNOWN
        await cluster.elect(third)
        async with client_of(third) as other:
            assert await write_result(other, write(2)) is SUCCESS
        await cluster.heal()
        assert await seen(third, cluster) == [
            (FOLLOWER, True),
            (FOLLOWER, True),
            (LEADER, True),
            (FOLLOWER, True),
            (FOLLOWER, True),
        ]


async def test_leaders_that_are_cut_off_together_agree() -> None:
    async with EmbeddedCluster() as cluster:
        first, second, third = cluster.nodes
        await cluster.cut_off(first)
        await cluster.elect(second)
        await cluster.cut_off(first, second)
        assert (first.state, second.state, third.state) == (FOLLOWER, LEADER, UNKNOWN)


async def test_a_majority_that_is_cut_off_goes_on() -> None:
    async with EmbeddedCluster() as cluster, client_of(cluster.leader) as client:
        first, second, third = cluster.nodes
        await cluster.cut_off(first, second)
        assert await write_result(client, write(1)) is SUCCESS
        assert (second.state, third.state) == (FOLLOWER, UNKNOWN)


async def test_a_write_in_vain_forwarded_is_a_timeout() -> None:
    async with EmbeddedCluster(forward_timeout=0.01) as cluster, client_of(cluster.followers[0]) as client:
        await cluster.hang(cluster.leader)
        assert await write_result(client, write(1, requires_leader=False)) is OperationResult.FORWARD_TIMEOUT


DELETE = {"event_stream_id": "orders", "expected_version": -2, "require_leader": False}
IN_VAIN = {
    "delete": (Command.DELETE_STREAM, schema.DeleteStream(**DELETE), schema.DeleteStreamCompleted),
    "start": (Command.TRANSACTION_START, schema.TransactionStart(**DELETE), schema.TransactionStartCompleted),
    "write": (
        Command.TRANSACTION_WRITE,
        schema.TransactionWrite(transaction_id=1, require_leader=False),
        schema.TransactionWriteCompleted,
    ),
}


@pytest.mark.parametrize("name", IN_VAIN)
async def test_other_changes_in_vain_forwarded_are_timeouts(name: str) -> None:
    command, request, reply = IN_VAIN[name]
    async with EmbeddedCluster(forward_timeout=0.01) as cluster, client_of(cluster.followers[0]) as client:
        await cluster.hang(cluster.leader)
        completed = await client.ask_for(reply, command, request)
        assert completed.result == OperationResult.FORWARD_TIMEOUT


async def test_a_delayed_follower_shows_events_later() -> None:
    async with EmbeddedCluster() as cluster, client_of(cluster.leader) as writer:
        follower = cluster.followers[0]
        async with client_of(follower) as reader:
            await cluster.delay_replication(follower)
            assert await write_result(writer, write(1)) is SUCCESS
            assert await read_numbers(reader, read(requires_leader=False)) == []
            await cluster.catch_up(follower)
            assert await read_numbers(reader, read(requires_leader=False)) == [1]


async def test_a_delayed_follower_that_is_elected_has_everything() -> None:
    async with EmbeddedCluster() as cluster, client_of(cluster.leader) as writer:
        follower = cluster.followers[0]
        await cluster.delay_replication(follower)
        await write_result(writer, write(1))
        await cluster.elect(follower)
        async with client_of(follower) as reader:
            assert await read_numbers(reader, read()) == [1]


async def test_a_leader_that_resigns_keeps_its_connections() -> None:
    async with EmbeddedCluster() as cluster, client_of(cluster.leader) as client:
        first = cluster.leader
        await write_result(client, write(1))
        elected = await cluster.resign()
        assert elected is not first
        answer = await client.ask(Command.WRITE_EVENTS, write(2))
        assert refused_with(answer) == (NotHandledReason.NOT_LEADER, elected.tcp_address[1])


async def test_a_leader_of_version_4_loses_what_it_confirmed_alone() -> None:
    async with EmbeddedCluster(strictness=Strictness.REAL) as cluster, client_of(cluster.leader) as client:
        first, second, _ = cluster.nodes
        await write_result(client, write(1))
        await cluster.cut_off(first)
        confirmed = asyncio.create_task(write_result(client, write(2)))
        await client_has_sent(cluster)
        await cluster.step_down(first)
        assert await confirmed is SUCCESS
        assert await read_numbers(client, read(requires_leader=False)) == [1, 2]
        await cluster.elect(second)
        await cluster.heal()
        assert await client.receive() is None
        async with client_of(first) as again:
            assert await read_numbers(again, read(requires_leader=False)) == [1]


async def test_a_killed_node_discards_its_tail_when_it_joins() -> None:
    async with EmbeddedCluster(strictness=Strictness.REAL) as cluster, client_of(cluster.leader) as client:
        first, second, _ = cluster.nodes
        await cluster.cut_off(first)
        confirmed = asyncio.create_task(write_result(client, write(1)))
        await client_has_sent(cluster)
        await cluster.step_down(first)
        assert await confirmed is SUCCESS
        await cluster.elect(second)
        await cluster.kill(first)
        await cluster.heal()
        await cluster.start_node(first)
        async with client_of(first) as again:
            assert await read_numbers(again, read(requires_leader=False)) == []


async def client_has_sent(cluster: EmbeddedCluster) -> None:
    """Wait until the first node has received a write."""
    while not len(cluster._nodes[0].pending):
        await asyncio.sleep(0)


async def test_an_election_needs_a_majority() -> None:
    async with EmbeddedCluster() as cluster:
        await cluster.kill(cluster.nodes[0])
        await cluster.hang(cluster.nodes[1])
        with pytest.raises(NoQuorum, match="needs 2 of 3 nodes that reach each other, got 1"):
            await cluster.elect()


async def test_a_cluster_without_leader_has_none() -> None:
    async with EmbeddedCluster() as cluster:
        await cluster.start_election()
        with pytest.raises(NoLeader, match=r"call elect\(\)"):
            assert cluster.leader
        assert cluster.followers == []
        assert "unknown" in repr(cluster)


async def test_a_cluster_that_cannot_start_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Gate] = []

    async def open_gate(gate: Gate, target: int) -> None:
        if len(opened) == 4:
            raise OSError("no ports are left")
        opened.append(gate)
        await original(gate, target)

    original = Gate.open
    monkeypatch.setattr(Gate, "open", open_gate)
    cluster = EmbeddedCluster()
    with pytest.raises(OSError, match="no ports are left"):
        await cluster.start()
    assert not any(node.is_running for node in cluster.nodes)
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_the_parts_of_a_cluster_show_their_state() -> None:
    async with EmbeddedCluster() as cluster:
        first = cluster._nodes[0]
        assert repr(first) == f"<ClusterNode node1 at 127.0.0.1:{first.tcp_address[1]}, leader>"
        assert repr(first.replica) == "<Replica with 1 entries>"
        assert repr(first.pending) == "<0 pending writes>"
        assert repr(cluster._log) == "<ReplicatedLog of 1 entries, 1 epochs>"
        await cluster.hang(first)
        await cluster.delay_replication(first)
        assert repr(first).endswith("leader, hanging, delayed>")
        assert first.client_count == 0


async def test_wrong_nodes_are_refused() -> None:
    async with EmbeddedCluster() as cluster, EmbeddedCluster(1) as other:
        with pytest.raises(InvalidArgument, match="a node of this cluster"):
            await cluster.kill(other.nodes[0])
        with pytest.raises(InvalidArgument, match="a node that was killed"):
            await cluster.start_node(cluster.nodes[0])
        with pytest.raises(InvalidArgument, match="a leader"):
            await cluster.step_down(cluster.nodes[1])
        await cluster.kill(cluster.nodes[1])
        with pytest.raises(InvalidArgument, match="a node that runs"):
            await cluster.hang(cluster.nodes[1])
        with pytest.raises(InvalidArgument, match="one of INITIALIZING, UNKNOWN"):
            await cluster.start_node(cluster.nodes[1], NodeState.LEADER)
        with pytest.raises(InvalidArgument, match="one of the nodes that can vote"):
            await cluster.elect(cluster.nodes[1])
    with pytest.raises(InvalidArgument, match="size"):
        EmbeddedCluster(0)
