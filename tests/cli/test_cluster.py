"""`rxpump cluster`: its table and its exit status."""

from __future__ import annotations

import asyncio

from click.testing import CliRunner

from rxpump.cli.commands import rxpump
from rxpump.server import EmbeddedServer, SqliteStore
from rxpump.testing import EmbeddedCluster, NodeState
from tests.discovery.http_nodes import http_node


async def run_cluster(uri: str) -> tuple[int, list[str]]:
    """Run the command in a thread, because it runs an event loop of its own."""
    result = await asyncio.to_thread(CliRunner().invoke, rxpump, ["cluster", uri])
    return result.exit_code, result.output.splitlines()


async def test_the_nodes_are_a_table() -> None:
    async with EmbeddedCluster() as cluster:
        leader = cluster.leader
        status, lines = await run_cluster(cluster.uri)
    assert (status, len(lines)) == (0, 4)
    assert lines[0].split() == ["node", "state", "address", "epoch", "written", "version", "chosen"]
    row = next(line for line in lines if "{}:{}".format(*leader.http_address) in line)
    assert "leader" in row
    assert "{}:{}".format(*leader.tcp_address) in row
    assert row.endswith("yes")
    assert sum("no: in a state that is not wanted" in line for line in lines) == 2


async def test_the_options_of_the_uri_count() -> None:
    async with EmbeddedCluster() as cluster:
        _, lines = await run_cluster(f"{cluster.uri}?node_preference=follower")
    assert any("follower" in line and line.endswith("yes") for line in lines)


async def test_one_address_is_enough() -> None:
    async with EmbeddedCluster() as cluster:
        node = cluster.nodes[1]
        status, lines = await run_cluster(f"{node.uri}?http_port={node.http_address[1]}")
    assert (status, len(lines)) == (0, 4)


async def test_a_server_is_asked_over_grpc() -> None:
    async with EmbeddedServer(SqliteStore.in_memory(), grpc_port=0, insecure=True) as server:
        uri = server.grpc_uri or ""
        status, lines = await run_cluster(uri)
    assert (status, len(lines)) == (0, 2)
    assert lines[1].endswith("yes")


async def test_a_cluster_without_a_leader_is_status_1() -> None:
    async with EmbeddedCluster() as cluster:
        dead = cluster.leader
        await cluster.kill(dead)
        await cluster.start_election()
        status, lines = await run_cluster(cluster.uri)
        states = [node.state for node in cluster.nodes if node.is_running]
    assert status == 1
    assert NodeState.LEADER not in states
    assert any("not alive" in line for line in lines)
    assert any(line.startswith("No answer from {}:{}: ".format(*dead.http_address)) for line in lines)


async def test_no_answer_is_status_2() -> None:
    async with http_node() as dead:
        pass
    status, lines = await run_cluster(f"tcp+discover://{dead}")
    assert status == 2
    assert lines[0].startswith(f"No answer from {dead}: ")


async def test_other_addresses_are_refused() -> None:
    status, lines = await run_cluster("memory://")
    assert status == 2
    assert "memory:// is not a cluster" in lines[-1]
    status, lines = await run_cluster("tcp+discover://a?node_preference=best")
    assert status == 1
    assert "option node_preference is 'best'" in lines[-1]
