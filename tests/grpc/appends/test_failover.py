"""Appends to a cluster whose leaders fail: each event is written once, in order."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import reactivex as rx

import rxpump
from rxpump.backoff import Backoff
from rxpump.model.new_events import NewEvent
from rxpump.model.positions import ExpectedVersion
from rxpump.testing import EmbeddedCluster

COUNT = 400
QUICK = Backoff(min_delay=0.001, max_delay=0.02)


async def numbers(cluster: EmbeddedCluster, stream: str) -> list[int]:
    async with rxpump.connect(cluster.grpc_uri) as client:
        return [event.json() async for event in client.iter(stream)]


@pytest.mark.parametrize("failure", ["killed", "replaced", "resigned"])
async def test_a_publisher_follows_the_leader(failure: str) -> None:
    async with (
        EmbeddedCluster() as cluster,
        rxpump.connect(cluster.grpc_uri, reconnect=QUICK, retry=QUICK, gossip_interval=0.01) as client,
    ):
        publisher = client.publisher("s", expected_version=ExpectedVersion.NO_STREAM, max_batch=2, max_in_flight=8)
        written = 0
        fails = asyncio.Event()

        def count(result: rxpump.WriteResult) -> None:
            nonlocal written
            written = result.last_event_number
            if written > COUNT // 4:
                fails.set()

        publisher.results.subscribe(count)
        rx.of(*(NewEvent("Counted", n) for n in range(COUNT))).subscribe(publisher)
        await fails.wait()
        if failure == "killed":
            await cluster.kill(cluster.leader)
            await cluster.elect()
        elif failure == "replaced":
            await cluster.elect(cluster.followers[0])
        else:
            await cluster.resign()
        await publisher.drained()
        assert await numbers(cluster, "s") == list(range(COUNT))


async def test_a_leader_that_cannot_commit_is_left_at_once() -> None:
    """The client looks for another leader when a batch is refused, and does not wait for the next regular check."""
    options: dict[str, Any] = {
        "reconnect": QUICK,
        "retry": QUICK,
        "gossip_interval": 0.01,
        "node_check_interval": 3600.0,
    }
    async with (
        EmbeddedCluster(commit_timeout=0.05) as cluster,
        rxpump.connect(cluster.grpc_uri, **options) as client,
    ):
        await client.publish_event("s", "Counted", 0)
        await cluster.cut_off(cluster.leader)
        await cluster.elect()
        result = await client.publish_event("s", "Counted", 1, expected_version=0)
        assert result.last_event_number == 1
        assert await numbers(cluster, "s") == [0, 1]
