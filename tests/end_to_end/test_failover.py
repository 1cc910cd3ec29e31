"""A program on a cluster whose leader changes often loses, doubles and reorders nothing, and never hangs."""

from __future__ import annotations

import asyncio
import os
import random

import pytest

from rxpump.testing import EmbeddedCluster, GossipWords
from tests.end_to_end.failover import FAILURES, moment, running


async def survive(seed: int, changes: int, words: GossipWords) -> None:
    """Change the leader `changes` times, at random moments and in random ways that `seed` decides."""
    chance = random.Random(seed)
    async with EmbeddedCluster(
        words=words, commit_timeout=0.3, forward_timeout=0.3, persistent_tick=0.05, chance=chance
    ) as cluster:
        async with running(cluster) as program:
            for number in range(changes):
                failure = FAILURES[number % len(FAILURES)] if number < len(FAILURES) else chance.choice(FAILURES)
                await failure(cluster, chance)
                try:
                    async with asyncio.timeout(30):
                        await program.catch_up()
                except TimeoutError:
                    pytest.fail(f"seed {seed}, stuck after change {number} ({failure.__name__}): {program.parts}")
                await moment(chance)
        assert [node.client_count for node in cluster.nodes] == [0, 0, 0]
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.mark.parametrize("words", GossipWords)
async def test_a_program_survives_each_change_of_leader(words: GossipWords) -> None:
    await survive(random.randrange(2**32), len(FAILURES), words)


@pytest.mark.long
@pytest.mark.timeout(1200)
async def test_a_program_survives_200_changes_of_leader() -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    await survive(seed, int(os.environ.get("ROUNDS", "2000")) // 10, GossipWords.V20)
