"""A program on a cluster whose leader changes often loses, repeats and reorders no event, and never hangs."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Callable
from typing import Any

import pytest

from rxpump.testing import EmbeddedCluster, GossipWords
from tests.end_to_end.failover import FAILURES, MORE, moment, running


def uri_of(cluster: EmbeddedCluster) -> str:
    return cluster.uri


def grpc_uri_of(cluster: EmbeddedCluster) -> str:
    return cluster.grpc_uri


BOTH_PROTOCOLS = pytest.mark.parametrize("address", [uri_of, grpc_uri_of], ids=["tcp", "grpc"])
Address = Callable[[EmbeddedCluster], str]


async def change_leaders(
    cluster: EmbeddedCluster, address: Address, preference: str, changes: int, chance: random.Random
) -> None:
    """Change the leader `changes` times, at random moments and in random ways.

    Args:
        cluster: The cluster.
        address: Connection string of the program.
        preference: Kind of node that the reader of the program uses.
        changes: Number of changes.
        chance: Random generator for the moments and the kinds of changes.
    """
    async with cluster:
        async with running(address(cluster), preference) as program:
            for number in range(changes):
                failure = FAILURES[number] if number < len(FAILURES) else chance.choice(FAILURES)
                await failure(cluster, chance)
                try:
                    async with asyncio.timeout(30):
                        await program.catch_up()
                except TimeoutError:
                    pytest.fail(f"stuck after change {number} ({failure.__name__}): {program!r}, {cluster!r}")
                await moment(chance)
        assert program.published > MORE * changes
        assert {node.client_count for node in cluster.nodes} == {0}
    assert asyncio.all_tasks() == {asyncio.current_task()}


def cluster_of(size: int, chance: random.Random, **options: Any) -> EmbeddedCluster:
    """Return a cluster whose nodes do not wait long for each other."""
    waits: dict[str, Any] = {"commit_timeout": 0.3, "forward_timeout": 0.3, "persistent_tick": 0.05}
    return EmbeddedCluster(size, chance=chance, **waits, **options)


def seeded() -> random.Random:
    """Return a random generator, and print its seed."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    return random.Random(seed)


@pytest.mark.parametrize("words", GossipWords)
async def test_a_program_survives_each_change_of_leader(words: GossipWords) -> None:
    chance = seeded()
    await change_leaders(cluster_of(3, chance, words=words), uri_of, "follower", len(FAILURES), chance)


async def test_a_program_survives_each_change_of_leader_over_grpc() -> None:
    chance = seeded()
    await change_leaders(cluster_of(3, chance), grpc_uri_of, "follower", len(FAILURES), chance)


@pytest.mark.long
@pytest.mark.timeout(1800)
@BOTH_PROTOCOLS
async def test_a_program_survives_200_changes_of_leader(address: Address) -> None:
    chance, changes = seeded(), int(os.environ.get("ROUNDS", "2000")) // 10
    await change_leaders(cluster_of(3, chance), address, "follower", changes, chance)


@pytest.mark.long
@pytest.mark.timeout(1800)
@BOTH_PROTOCOLS
@pytest.mark.parametrize("preference", ["random", "read_only_replica"])
async def test_a_program_survives_changes_in_a_large_cluster(address: Address, preference: str) -> None:
    chance, changes = seeded(), int(os.environ.get("ROUNDS", "2000")) // 40
    large = cluster_of(5, chance, read_only_replicas=1, words=GossipWords.V20)
    await change_leaders(large, address, preference, changes, chance)
