"""Clients of a cluster over gRPC: the choice of a node, changes of the leader, and work that continues."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import pytest

import rxpump
from rxpump.backoff import Backoff
from rxpump.discovery.node_memory import FIRST_DISTRUST_SECONDS
from rxpump.errors import ConnectionFailed, DiscoveryFailed
from rxpump.grpc.messages import gossip, server_features, streams
from rxpump.grpc.protocol.call_status import CallStatus, StatusCode
from rxpump.model.status import Connected, Discovered, Status
from rxpump.testing import EmbeddedCluster
from rxpump.testing.proxy import Proxy
from tests.grpc.clients import features
from tests.grpc.harness import Handler, ServerCall, serving

QUICK = Backoff(min_delay=0.001, max_delay=0.02)
SETTINGS: dict[str, Any] = {"reconnect": QUICK, "retry": QUICK, "gossip_interval": 0.01, "node_check_interval": 0.05}


def connect(cluster: EmbeddedCluster, options: str = "", **settings: Any) -> rxpump.Client:
    return rxpump.connect(cluster.grpc_uri + options, **{**SETTINGS, **settings})


def address(node: Any) -> str:
    return "kurrentdb://{}:{}".format(*node.http_address)


async def test_the_leader_is_found_through_gossip() -> None:
    async with EmbeddedCluster() as cluster:
        await cluster.elect(cluster.nodes[1])
        client = connect(cluster)
        statuses: list[Status] = []
        client.status.subscribe(statuses.append)
        async with client:
            found = next(each for each in statuses if isinstance(each, Discovered))
            assert found.address == address(cluster.nodes[1])
            assert len(found.answers) == 3
            assert Connected(address(cluster.nodes[1])) in statuses
            assert [member.state.name for member in await client.members()].count("LEADER") == 1


async def test_a_seed_that_is_down_is_skipped() -> None:
    async with EmbeddedCluster() as cluster:
        first = cluster.nodes[0]
        await cluster.elect(cluster.nodes[1])
        await cluster.kill(first)
        async with connect(cluster) as client:
            await client.publish_event("s", "A")


async def test_a_cluster_that_is_down_is_named() -> None:
    async with EmbeddedCluster() as cluster:
        client = connect(cluster, connect_within=0.3, gossip_timeout=0.1)
        for node in cluster.nodes:
            await cluster.kill(node)
        with pytest.raises(DiscoveryFailed, match="the cluster at"):
            await client.connect()


@pytest.mark.parametrize("of", ["stream", "all"])
async def test_a_subscription_goes_on_with_the_next_leader(of: str) -> None:
    received: list[int] = []
    changed = asyncio.Event()

    def note(event: rxpump.Event) -> None:
        received.append(event.json())
        changed.set()

    async with EmbeddedCluster() as cluster, connect(cluster) as client:
        where = rxpump.operators.where(stream_prefix="s")
        source = client.stream("s") if of == "stream" else client.stream_all(where=where)
        with source.subscribe(note):
            for n in range(12):
                await client.publish_event("s", "Counted", n)
                if n == 2:
                    await cluster.elect(cluster.followers[0])
                elif n == 5:
                    await cluster.kill(cluster.leader)
                    await cluster.elect()
                elif n == 8:
                    await cluster.resign()
            while len(received) < 12:
                changed.clear()
                await changed.wait()
    assert received == list(range(12))


async def test_followers_serve_reads_and_the_leader_serves_writes() -> None:
    async with EmbeddedCluster() as cluster, connect(cluster, "&nodePreference=follower") as client:
        statuses: list[Status] = []
        client.status.subscribe(statuses.append)
        assert statuses[-1] in [Connected(address(node)) for node in cluster.followers]
        await client.publish_event("s", "A", 1)
        await client.create_subscription("g", "s", start_from=0)
        delivered = asyncio.get_running_loop().create_future()
        with client.connect_subscription("g", "s").subscribe(delivered.set_result):
            assert (await delivered).json() == 1
        assert [event.json() async for event in client.iter("s")] == [1]
        assert statuses[-1] in [Connected(address(node)) for node in cluster.followers]


async def test_a_direct_connection_to_a_follower_moves_to_the_leader() -> None:
    async with EmbeddedCluster() as cluster:
        host, port = cluster.followers[0].http_address
        uri = f"kurrentdb://admin:changeit@{host}:{port}?tls=false&credentialsInClear=true"
        async with rxpump.connect(uri, **SETTINGS) as client:
            statuses: list[Status] = []
            client.status.subscribe(statuses.append)
            await client.publish_event("s", "A", 1)
            assert statuses[-1] == Connected(address(cluster.leader))


async def test_a_selector_of_the_user_chooses_the_node() -> None:
    async with EmbeddedCluster() as cluster:
        wanted = cluster.nodes[2].http_address

        def select(members: Any) -> Any:
            return next(each for each in members if each.external_http.port == wanted[1])

        async with rxpump.connect(cluster.grpc_uri, selector=select, **SETTINGS) as client:
            statuses: list[Status] = []
            client.status.subscribe(statuses.append)
            assert statuses[-1] == Connected(address(cluster.nodes[2]))


def leader_at(port: int, host: str = "127.0.0.1") -> dict[str, Any]:
    """Return the description of a leader."""
    return {"state": 8, "is_alive": True, "http_end_point": {"address": host, "port": port}}


BAD_GOSSIP = {
    "no protobuf": b"\x0a\x05",  # the start of a field of 5 bytes
    "no message": None,
    "no members": gossip.ClusterInfo(),
    "a port out of range": gossip.ClusterInfo(members=[leader_at(70_000)]),
    "a host that cannot be looked up": gossip.ClusterInfo(members=[leader_at(5, "a\0b")]),
    "too many members": gossip.ClusterInfo(members=[leader_at(5)] * 10_000),
}


def answering_with(response: Any) -> Handler:
    """Return a handler of a call whose response is one message, encoded or not; None for no message."""

    async def handle(call: ServerCall) -> None:
        await anext(call)
        call.start()
        if response is not None:
            await call.send(response if isinstance(response, bytes) else response.SerializeToString())
        call.finish()

    return handle


@pytest.mark.parametrize("response", BAD_GOSSIP.values(), ids=BAD_GOSSIP)
async def test_bad_gossip_of_one_node_does_no_harm(response: Any) -> None:
    async with EmbeddedCluster() as cluster, serving({gossip.READ.path: answering_with(response)}) as bad:
        host, port = cluster.leader.http_address
        uri = f"kurrentdb://127.0.0.1:{bad.port},{host}:{port}?tls=false"
        async with rxpump.connect(uri, **SETTINGS) as client:
            await client.publish_event("s", "A")


@pytest.mark.parametrize("response", BAD_GOSSIP.values(), ids=BAD_GOSSIP)
async def test_bad_gossip_of_all_nodes_is_an_error(response: Any) -> None:
    async with serving({gossip.READ.path: answering_with(response)}) as bad:
        uri = f"kurrentdb+discover://127.0.0.1:{bad.port}?tls=false&maxDiscoverAttempts=2"
        with pytest.raises((DiscoveryFailed, ConnectionFailed), match=r"after [1-3] attempt"):
            await rxpump.connect(uri, **SETTINGS).connect()


@pytest.mark.parametrize(
    "refusal",
    [
        CallStatus(StatusCode.UNAVAILABLE, "Server Is Not Ready"),
        CallStatus(StatusCode.UNKNOWN, "No leader info available in response"),
        CallStatus(StatusCode.NOT_FOUND, "Leader info available", (("exception", "not-leader"),)),
    ],
    ids=["not ready", "no information", "no address"],
)
async def test_a_refusal_without_an_address_is_followed_by_gossip(refusal: CallStatus) -> None:
    """The client does not wait until the next request for gossip is due."""

    async def refuse(call: ServerCall) -> None:
        call.refuse(refusal)

    async with EmbeddedCluster() as cluster:
        leader = cluster.leader.http_address[1]
        serves_features = {server_features.GET_SUPPORTED_METHODS.path: features()}
        async with serving(serves_features | {streams.BATCH_APPEND.path: refuse}) as old:
            now_leads = [old.port]

            async def describe(call: ServerCall) -> None:
                await answering_with(gossip.ClusterInfo(members=[leader_at(now_leads[0])]))(call)

            old.handlers[gossip.READ.path] = describe
            settings = {**SETTINGS, "node_check_interval": 600.0}
            async with rxpump.connect(f"kurrentdb+discover://127.0.0.1:{old.port}?tls=false", **settings) as client:
                now_leads[0] = leader
                await client.publish_event("s", "A")


async def test_a_leader_behind_another_address_is_trusted_again() -> None:
    """The gossip of the leader names its advertised address, and the client connects to another one."""
    async with EmbeddedCluster() as cluster, AsyncExitStack() as stack:
        instead: dict[str, str] = {}
        proxies: list[Proxy] = []
        for node in cluster.nodes:
            host, port = node.http_address
            proxies.append(await stack.enter_async_context(Proxy(port)))
            instead[f"{host}:{port}"] = f"127.0.0.1:{proxies[-1].port}"
        uri = f"kurrentdb://{','.join(instead.values())}?tls=false"
        async with rxpump.connect(uri, host_overrides=instead, **SETTINGS) as client:
            await client.publish_event("s", "A")
            for proxy in proxies:
                proxy.cut()
            async with asyncio.timeout(FIRST_DISTRUST_SECONDS / 2):
                await client.publish_event("s", "A")


async def test_a_cluster_without_gossip_over_http_is_used() -> None:
    """The progress of followers is then unknown. The server of this test serves HTTP/2 alone."""
    async with EmbeddedCluster() as cluster:
        members = [leader_at(cluster.leader.http_address[1])]
        described = answering_with(gossip.ClusterInfo(members=members))
        async with serving({gossip.READ.path: described}) as seed:
            uri = f"kurrentdb+discover://127.0.0.1:{seed.port}?tls=false&nodePreference=follower"
            async with rxpump.connect(uri, **SETTINGS) as client:
                await client.publish_event("s", "A")
