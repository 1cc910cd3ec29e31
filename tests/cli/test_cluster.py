"""`rxpump cluster`: its rows and its exit status."""

from __future__ import annotations

import json
import os
import sys
from asyncio.subprocess import PIPE, create_subprocess_exec
from typing import Any

from rxpump.server import EmbeddedServer, SqliteStore
from rxpump.testing import EmbeddedCluster, NodeState
from tests.cli.processes import run_here
from tests.discovery.http_nodes import http_node


async def run_cluster(*arguments: str, **environment: str) -> tuple[int | None, str, str]:
    process = await create_subprocess_exec(
        *(sys.executable, "-m", "rxpump.cli", "cluster", *arguments),
        stdout=PIPE,
        stderr=PIPE,
        env={**os.environ, **environment},
    )
    out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()


async def rows(uri: str, status: int = 0) -> list[dict[str, Any]]:
    returned, out, err = await run_cluster(uri)
    assert returned == status, err
    return [json.loads(line) for line in out.splitlines()]


async def test_each_node_is_a_row() -> None:
    async with EmbeddedCluster() as cluster:
        leader = cluster.leader
        listed = await rows(cluster.uri)
    assert len(listed) == 3
    (row,) = (row for row in listed if row["chosen"])
    assert row["node"] == "{}:{}".format(*leader.http_address)
    assert row["address"] == "{}:{}".format(*leader.tcp_address)
    assert (row["state"], row["alive"], row["reason"]) == ("leader", True, "chosen")
    assert {row["reason"] for row in listed if not row["chosen"]} == {"in a state that is not wanted"}


async def test_the_rows_can_be_a_table() -> None:
    async with EmbeddedCluster() as cluster:
        status, out, err = await run_cluster(cluster.uri, "--table", COLUMNS="200")
    assert (status, err) == (0, "")
    title, *lines = out.splitlines()
    assert title.split()[:4] == ["node", "state", "alive", "address"]
    assert len(lines) == 3


async def test_the_uri_can_be_in_a_variable_and_have_options() -> None:
    async with EmbeddedCluster() as cluster:
        _, out, _ = await run_cluster(RXPUMP_URI=f"{cluster.uri}?node_preference=follower")
    assert [row["state"] for row in map(json.loads, out.splitlines()) if row["chosen"]] == ["follower"]


async def test_one_address_is_enough() -> None:
    async with EmbeddedCluster() as cluster:
        node = cluster.nodes[1]
        assert len(await rows(f"{node.uri}?http_port={node.http_address[1]}")) == 3


async def test_the_cluster_is_read_over_grpc() -> None:
    async with EmbeddedServer(SqliteStore.in_memory(), grpc_port=0, insecure=True) as server:
        (row,) = await rows(server.grpc_uri or "")
    assert row["chosen"]


async def test_a_cluster_without_a_leader_is_a_failure() -> None:
    async with EmbeddedCluster() as cluster:
        dead = cluster.leader
        await cluster.kill(dead)
        await cluster.start_election()
        status, out, err = await run_cluster(cluster.uri)
        assert NodeState.LEADER not in [node.state for node in cluster.nodes if node.is_running]
    assert status == 5
    assert [row["alive"] for row in map(json.loads, out.splitlines())].count(False) == 1
    assert "No answer from {}:{}: ".format(*dead.http_address) in err
    assert "Error: no node of the cluster at " in err


async def test_a_missing_answer_is_a_failure() -> None:
    async with http_node() as dead:
        pass
    status, out, err = await run_cluster(f"tcp+discover://{dead}")
    assert (status, out) == (5, "")
    assert f"No answer from {dead}: " in err


def test_other_addresses_are_refused() -> None:
    for uri, why in (
        ("memory://", "memory:// is not a cluster"),
        ("tcp+discover://a?node_preference=best", "option node_preference is 'best'"),
    ):
        done = run_here("cluster", uri)
        assert done.returncode == 2
        assert why in done.stderr.decode()
