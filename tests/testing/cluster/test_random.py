"""After random failures of nodes, no acknowledged write is lost, and all logs are equal in the end.

With `Strictness.REAL`, a leader that steps down acknowledges writes that it loses, so only the logs are compared.
"""

from __future__ import annotations

import asyncio
import os
import random
from contextlib import suppress
from typing import Any

import pytest

from rxpump.server import Strictness
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.codes import OperationResult
from rxpump.tcp.wire.commands import Command
from rxpump.testing import ClusterNode, EmbeddedCluster, NodeState, NoQuorum
from tests.raw_client import ADMIN
from tests.testing.cluster.raw import CREATE, client_of, read, read_numbers, write

STATES = (NodeState.INITIALIZING, NodeState.UNKNOWN, NodeState.CATCHING_UP, NodeState.CLONE, NodeState.FOLLOWER)


class History:
    """A cluster, and the numbers that were written to it.

    Attributes:
        tried: Numbers that were written.
        acknowledged: Numbers whose writes succeeded.
    """

    def __init__(self, cluster: EmbeddedCluster, chance: random.Random) -> None:
        self.cluster = cluster
        self.chance = chance
        self.tried = 0
        self.acknowledged: list[int] = []

    async def write(self) -> None:
        """Write numbers through a node, which can answer, refuse, or be killed."""
        for node in self.chance.sample(self.cluster.nodes, 2):
            if node.is_running and not node.is_hanging:
                async with client_of(node) as client:
                    request = write(self.tried, requires_leader=self.chance.random() < 0.5)
                    number, self.tried = self.tried, self.tried + 1
                    answer = await client.ask(Command.WRITE_EVENTS, request)
                    if answer.command == Command.WRITE_EVENTS_COMPLETED:
                        completed = schema.WriteEventsCompleted.FromString(answer.payload)
                        if completed.result == OperationResult.SUCCESS:
                            self.acknowledged.append(number)

    async def delete_and_restore(self) -> None:
        """Make changes of other kinds, after which the logs must also be equal."""
        node = self.chance.choice(self.cluster.nodes)
        if not node.is_running or node.is_hanging:
            return
        stream, forwarded = f"other-{self.chance.randrange(4)}", {"expected_version": -2, "require_leader": False}
        async with client_of(node) as client:
            delete = schema.DeleteStream(event_stream_id=stream, hard_delete=self.chance.random() < 0.2, **forwarded)
            start = schema.TransactionStart(event_stream_id=stream, **forwarded)
            await client.ask(Command.WRITE_EVENTS, write(0, stream=stream, requires_leader=False))
            await client.ask(Command.DELETE_STREAM, delete)
            await client.ask(Command.WRITE_EVENTS, write(0, stream=f"$${stream}", requires_leader=False), user=ADMIN)
            await client.ask(Command.WRITE_EVENTS, write(0, stream=stream, requires_leader=False))
            started = await client.ask(Command.TRANSACTION_START, start)
            if started.command == Command.TRANSACTION_START_COMPLETED:
                id = schema.TransactionStartCompleted.FromString(started.payload).transaction_id
                commit = schema.TransactionCommit(transaction_id=max(id, 0), require_leader=False)
                await client.ask(Command.TRANSACTION_COMMIT, commit)
            await client.ask(Command.CREATE_PERSISTENT_SUBSCRIPTION, group_of(stream), user=ADMIN)

    async def change(self) -> None:
        """Cause a random failure or repair of a node, if it is possible now."""
        cluster, node = self.cluster, self.chance.choice(self.cluster.nodes)
        match self.chance.randrange(9):
            case 0 if node.is_running:
                await cluster.kill(node)
            case 1 if not node.is_running:
                await cluster.start_node(node, self.chance.choice(STATES))
            case 2 if node.is_running and not node.is_hanging:
                await cluster.hang(node)
            case 3 if node.is_running and node.is_hanging:
                await cluster.resume(node)
            case 4:
                await cluster.cut_off(*self.chance.sample(cluster.nodes, self.chance.randrange(1, 3)))
            case 5:
                await cluster.heal()
            case 6:
                await cluster.delay_replication(node)
            case 7:
                await cluster.catch_up(node)
            case 8:
                with suppress(NoQuorum):
                    await (cluster.start_election if self.chance.random() < 0.3 else cluster.elect)()

    async def repair(self) -> None:
        """Heal all connections, start all nodes, and elect a leader."""
        await self.cluster.heal()
        for node in self.cluster.nodes:
            if node.is_hanging:
                await self.cluster.resume(node)
            if not node.is_running:
                await self.cluster.start_node(node)
            await self.cluster.join(node)
            await self.cluster.catch_up(node)
        await self.cluster.elect()


def group_of(stream: str) -> Any:
    """Return a request that creates a group of a stream."""
    request = schema.CreatePersistentSubscription()
    request.CopyFrom(CREATE)
    request.event_stream_id = stream
    return request


def log_of(node: ClusterNode, cluster: EmbeddedCluster) -> list[tuple[object, ...]]:
    """Return everything that the store of a node contains."""
    [own] = [each for each in cluster._nodes if each is node]
    [connection, *_] = own.replica.store._connections
    tables = ("streams", "events", "prepares", "transactions", "log")
    return [row for table in tables for row in connection.execute(f"SELECT * FROM {table}").fetchall()]


async def run_failures(seed: int, changes: int, size: int, strictness: Strictness) -> None:
    chance = random.Random(seed)
    cluster = EmbeddedCluster(size, strictness=strictness, commit_timeout=0.001, forward_timeout=0.001, chance=chance)
    async with cluster:
        history = History(cluster, chance)
        for _ in range(changes):
            await history.change()
            await history.write()
            await history.delete_and_restore()
        await history.repair()
        async with client_of(cluster.leader) as client:
            numbers: list[int] = []
            while page := await read_numbers(client, read(start=len(numbers))):
                numbers += page
        assert len(numbers) == len(set(numbers)), f"seed {seed}"
        if strictness is Strictness.LENIENT:
            assert set(history.acknowledged) <= set(numbers), f"seed {seed}"
        [log, *others] = [log_of(node, cluster) for node in cluster.nodes]
        assert all(other == log for other in others), f"seed {seed}"
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.mark.parametrize("strictness", Strictness)
@pytest.mark.parametrize("size", [3, 5])
async def test_random_failures_lose_no_acknowledged_write(size: int, strictness: Strictness) -> None:
    for _ in range(5):
        await run_failures(random.randrange(2**32), 30, size, strictness)


@pytest.mark.long
@pytest.mark.timeout(1200)
async def test_many_random_failures_lose_no_acknowledged_write() -> None:
    for _ in range(int(os.environ.get("ROUNDS", "2000")) // 10):
        await run_failures(random.randrange(2**32), 100, random.choice((2, 3, 4, 5)), random.choice(list(Strictness)))
