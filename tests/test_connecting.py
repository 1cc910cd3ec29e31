"""The arguments of `connect` for a cluster, which programs for photon-pump also pass."""

from __future__ import annotations

from typing import Any

import pytest

import rxpump
from rxpump.discovery import KEEP_RETRYING, DiscoveryRetryPolicy, prefer_master, prefer_replica, select_random
from rxpump.errors import DiscoveryFailed, InvalidArgument
from rxpump.testing import EmbeddedCluster
from tests.discovery.http_nodes import http_node


@pytest.mark.parametrize("selector", [None, prefer_master, prefer_replica, select_random])
async def test_a_program_of_photonpump_finds_the_cluster(selector: Any) -> None:
    async with EmbeddedCluster() as cluster:
        host, port = cluster.nodes[2].http_address
        async with rxpump.connect(
            host="ignored",
            port=1,
            discovery_host=host,
            discovery_port=port,
            username="admin",
            password="changeit",
            selector=selector,
            retry_policy=DiscoveryRetryPolicy(retries_per_node=3, retry_interval=0.1, jitter=0.0),
            loop=None,
            name="pump",
        ) as client:
            await client.publish_event("ponies", "Jumped", {"height": 10})
            await client.create_subscription("group", "ponies")
            assert client.is_connected


async def test_a_selector_is_given_the_members_that_can_be_used() -> None:
    seen: list[Any] = []

    def first(members: Any) -> Any:
        seen.append(members)
        return members[0]

    async with EmbeddedCluster() as cluster, rxpump.connect(cluster.uri, selector=first):
        assert len(seen[0]) == 3


async def test_a_selector_can_refuse_all() -> None:
    async with EmbeddedCluster() as cluster:
        client = rxpump.connect(cluster.uri, selector=lambda members: None, gossip_attempts=1)
        with pytest.raises(DiscoveryFailed):
            await client.connect()


async def test_the_retry_policy_ends_the_attempts() -> None:
    async with http_node() as dead:
        pass
    policy = DiscoveryRetryPolicy(retries_per_node=2, retry_interval=0.001, jitter=0.0)
    client = rxpump.connect(discovery_host=dead.address, discovery_port=dead.port, retry_policy=policy)
    with pytest.raises(DiscoveryFailed, match=r"after 2 attempt\(s\)"):
        await client.connect()


@pytest.mark.parametrize("uri", ["tcp://a", "kurrentdb://a?tls=false"])
def test_a_retry_policy_for_one_node_is_one_for_connections(uri: str) -> None:
    policy = DiscoveryRetryPolicy(KEEP_RETRYING, 1.0, 0.0, 1.0, 9.0)
    client = rxpump.connect(uri, selector=select_random, retry_policy=policy)
    assert client._settings.reconnect == policy.as_backoff()
    assert client._settings.reads_from_leader


@pytest.mark.parametrize("uri", ["tcp+discover://a", "kurrentdb+discover://a?tls=false"])
def test_a_selector_may_choose_any_node_for_reads(uri: str) -> None:
    client = rxpump.connect(uri, selector=select_random)
    assert not client._settings.reads_from_leader


@pytest.mark.parametrize(
    ("arguments", "argument"),
    [
        ({"uri": "tcp://a", "discovery_host": "b"}, "discovery_host"),
        ({"discovery_host": ""}, "host"),
        ({"discovery_host": "a", "discovery_port": 0}, "port"),
        ({"uri": "tcp+discover://a", "host": "b"}, "host"),
        ({"uri": "tcp+discover://a", "port": 1}, "port"),
        ({"discovery_host": "a", "selector": "leader"}, "selector"),
        ({"discovery_host": "a", "retry_policy": 3}, "retry_policy"),
        ({"discovery_host": "a", "username": "x" * 200, "password": "p"}, "username"),
    ],
)
def test_wrong_arguments_are_refused(arguments: dict[str, Any], argument: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        rxpump.connect(**arguments)
    assert caught.value.argument == argument
