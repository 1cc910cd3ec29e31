"""Pipelines continue although a cluster has no leader for longer than the timeout of a call, or a follower lags."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
import reactivex
from reactivex import operators as rx

import rxpump
from rxpump import operators as ops
from rxpump.errors import OperationTimedOut, ReconnectFailed
from rxpump.model.status import Connected
from rxpump.testing import EmbeddedCluster

SHORT_TIMEOUTS: dict[str, Any] = {
    "timeout": 0.5,
    "node_timeout": 0.3,
    "gossip_timeout": 0.5,
    "gossip_interval": 0.02,
    "node_check_interval": 0.05,
    "reconnect": rxpump.Backoff(min_delay=0.005, max_delay=0.05),
    "retry": rxpump.Backoff(min_delay=0.005, max_delay=0.05),
}


def copies(events: reactivex.Observable[rxpump.Event]) -> reactivex.Observable[rxpump.NewEvent]:
    def copy(event: rxpump.Event) -> rxpump.NewEvent:
        return rxpump.NewEvent("Copied", {"of": event.type})

    return events.pipe(rx.map(copy))


def uri_of(cluster: EmbeddedCluster) -> str:
    return cluster.uri


def grpc_uri_of(cluster: EmbeddedCluster) -> str:
    return cluster.grpc_uri


Address = Callable[[EmbeddedCluster], str]
BOTH_PROTOCOLS = pytest.mark.parametrize("address", [uri_of, grpc_uri_of], ids=["tcp", "grpc"])


class Waiter:
    """A subscriber that records its items and can wait for them."""

    def __init__(self) -> None:
        self.items: list[Any] = []
        self.failure: Exception | None = None
        self._news = asyncio.Event()

    def note(self, item: Any) -> None:
        self.items.append(item)
        self._news.set()

    def fail(self, error: Exception) -> None:
        self.failure = error
        self._news.set()

    async def until(self, holds: Callable[[list[Any]], bool]) -> None:
        while not holds(self.items) and self.failure is None:
            self._news.clear()
            await self._news.wait()


@pytest.mark.parametrize("preference", ["leader", "follower"])
@BOTH_PROTOCOLS
async def test_long_work_waits_for_a_leader_longer_than_a_call(preference: str, address: Address) -> None:
    async with (
        EmbeddedCluster() as cluster,
        rxpump.connect(address(cluster), node_preference=preference, **SHORT_TIMEOUTS) as client,
    ):
        await client.create_subscription("group", "source", start_from=0)
        written, relayed, handled = Waiter(), Waiter(), Waiter()
        publisher = client.publisher("source", expected_version=rxpump.ExpectedVersion.NO_STREAM)
        publisher.results.subscribe(written.note, written.fail)
        publisher.on_next(rxpump.NewEvent("First"))
        client.relay("source", copies, "target").subscribe(on_error=relayed.fail)
        client.stream("target").subscribe(relayed.note, relayed.fail)
        client.connect_subscription("group", "source").pipe(ops.ack_each()).subscribe(handled.note, handled.fail)
        await relayed.until(bool)
        await handled.until(bool)

        await cluster.start_election()
        publisher.on_next(rxpump.NewEvent("Second"))
        for _ in range(3):
            with pytest.raises(OperationTimedOut):
                await client.publish_event("other", "Short")
        assert (written.failure, relayed.failure, handled.failure) == (None, None, None)
        await cluster.elect()
        await relayed.until(lambda items: len(items) >= 2)
        await handled.until(lambda items: len(items) >= 2)
        assert (written.failure, relayed.failure, handled.failure) == (None, None, None)


@BOTH_PROTOCOLS
async def test_the_reconnect_policy_ends_long_work(address: Address) -> None:
    policy = rxpump.Backoff(min_delay=0.005, max_delay=0.01, attempts=5)
    options = {**SHORT_TIMEOUTS, "reconnect": policy}
    async with EmbeddedCluster() as cluster, rxpump.connect(address(cluster), **options) as client:
        publisher = client.publisher("source")
        await cluster.start_election()
        publisher.on_next(rxpump.NewEvent("First"))
        with pytest.raises(ReconnectFailed):
            await publisher.drained()


@BOTH_PROTOCOLS
async def test_the_error_of_a_deadline_names_every_node(address: Address) -> None:
    async with EmbeddedCluster() as cluster, rxpump.connect(address(cluster), **SHORT_TIMEOUTS) as client:
        await client.publish_event("ponies", "Jumped")
        await cluster.start_election()
        for request in (client.publish_event("ponies", "Jumped"), client.get("ponies")):
            with pytest.raises(OperationTimedOut) as late:
                await request
            assert all("{}:{} (".format(*node.http_address) in late.value.nodes for node in cluster.nodes)


@BOTH_PROTOCOLS
async def test_a_follower_that_lags_is_left(monkeypatch: pytest.MonkeyPatch, address: Address) -> None:
    monkeypatch.setattr("rxpump.discovery.cluster_view.MAX_LAG_SECONDS", 0.1)
    statuses = Waiter()
    async with EmbeddedCluster() as cluster:
        options = {**SHORT_TIMEOUTS, "timeout": 5.0}
        client = rxpump.connect(address(cluster), node_preference="follower", **options)
        client.status.subscribe(statuses.note)
        async with client:
            here = statuses.items[-1].address
            port = int(here.rpartition(":")[2])
            (node,) = (each for each in cluster.followers if port in (each.tcp_address[1], each.http_address[1]))
            await cluster.delay_replication(node)
            await client.publish_event("ponies", "Jumped")
            await statuses.until(lambda items: isinstance(items[-1], Connected) and items[-1].address != here)
            assert len([event async for event in client.iter("ponies")]) == 1
    reasons = [str(status.reason) for status in statuses.items if isinstance(status, rxpump.Reconnecting)]
    assert any("behind the leader" in reason for reason in reasons)
