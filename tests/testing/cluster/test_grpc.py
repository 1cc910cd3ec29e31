"""The nodes of a cluster also serve gRPC, on the port of their gossip, and name the leader there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

import rxpump
from rxpump.grpc.messages import persistent_subscriptions as groups
from rxpump.grpc.messages import streams_v2, users
from rxpump.grpc.protocol.call_status import StatusCode
from rxpump.testing import ClusterNode, EmbeddedCluster
from tests.grpc.harness import connected
from tests.server.grpc.caller import ADMIN, Caller, event
from tests.server.grpc.test_management import basic, change, details

REQUIRES_LEADER = (("requires-leader", "true"),)


@asynccontextmanager
async def calling(node: ClusterNode) -> AsyncIterator[Caller]:
    async with connected(node.http_address[1]) as endpoint:
        yield Caller(endpoint, ADMIN)


async def test_a_follower_names_the_leader_over_grpc() -> None:
    async with EmbeddedCluster() as cluster, calling(cluster.followers[0]) as caller:
        refused = await caller.append("orders", event(), metadata=REQUIRES_LEADER)
        metadata = dict(refused.status.metadata)
        assert refused.error == "not-leader"
        host, port = cluster.leader.http_address
        assert (metadata["leader-endpoint-host"], metadata["leader-endpoint-port"]) == (host, str(port))


async def test_a_follower_forwards_appends_over_grpc() -> None:
    async with EmbeddedCluster() as cluster, calling(cluster.followers[0]) as caller:
        assert (await caller.append("orders", event())).code is StatusCode.OK
        assert len(await caller.events("orders")) == 1


async def test_a_node_without_leader_is_unavailable_over_grpc() -> None:
    async with EmbeddedCluster() as cluster, calling(cluster.nodes[1]) as caller:
        await cluster.start_election()
        assert (await caller.append("orders", event())).code is StatusCode.UNAVAILABLE


async def test_a_kill_cuts_grpc_calls() -> None:
    async with EmbeddedCluster() as cluster, calling(cluster.leader) as caller:
        assert (await caller.append("orders", event())).code is StatusCode.OK
        first = cluster.leader
        await cluster.kill(first)
        await cluster.elect()
        await cluster.start_node(first)
        async with calling(first) as again:
            assert len(await again.events("orders")) == 1


@pytest.mark.parametrize("insecure", [False, True])
async def test_the_connection_string_finds_the_leader(insecure: bool) -> None:
    async with EmbeddedCluster(insecure=insecure) as cluster, rxpump.connect(cluster.grpc_uri) as client:
        await client.create_subscription("billing", "orders")  # Only admins may do this.
        await client.publish_event("orders", "Placed")
        await cluster.kill(cluster.leader)
        await cluster.elect()
        assert (await client.publish_event("orders", "Paid", expected_version=0)).last_event_number == 1


async def test_the_next_leader_has_the_changed_users() -> None:
    async with EmbeddedCluster() as cluster:
        for node in cluster.nodes:
            async with calling(node) as caller:
                assert (await caller.append("orders", event())).code is StatusCode.OK
        async with calling(cluster.leader) as caller:
            options = {"login_name": "ouro", "password": "secret"}
            assert (await change(caller, users.CREATE, (), **options)).code is StatusCode.OK
        await cluster.kill(cluster.leader)
        await cluster.elect()
        async with connected(cluster.leader.http_address[1]) as endpoint:
            assert [each.login_name for each in await details(Caller(endpoint), "ouro")] == ["ouro"]
            written = await Caller(endpoint, basic("ouro", "secret")).append("orders", event())
            assert written.code is StatusCode.OK


async def test_a_follower_refuses_requests_for_the_leader() -> None:
    async with EmbeddedCluster() as cluster, calling(cluster.followers[0]) as caller:
        record = {"stream": "s", "schema": {"format": 1, "name": "t"}, "data": b"{}"}
        records = streams_v2.APPEND_RECORDS.request(records=[record])
        assert (await caller.ask(streams_v2.APPEND_RECORDS, records)).code is StatusCode.FAILED_PRECONDITION
        listed = groups.LIST.request(options={"list_all_subscriptions": {}})
        assert (await caller.ask(groups.LIST, listed)).code is StatusCode.UNAVAILABLE
        deleted = groups.DELETE.request(options={"stream_identifier": {"stream_name": b"s"}, "group_name": "g"})
        assert (await caller.ask(groups.DELETE, deleted)).error == "not-leader"
        await cluster.start_election()
        assert (await caller.ask(streams_v2.APPEND_RECORDS, records)).code is StatusCode.UNAVAILABLE
