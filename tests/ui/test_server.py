"""`/api/server`: the server, the connection to it, and measurements."""

from __future__ import annotations

import pytest

import rxpump
from rxpump import Closed, Connected, Connecting, Discovered, Idle, NewEvent, NodeVerdict, Reconnecting
from rxpump.errors import ConnectionClosed
from rxpump.model.positions import position_text
from rxpump.server import EmbeddedServer
from rxpump.testing import EmbeddedCluster
from rxpump.ui.connection_states import state_values
from rxpump.ui.context import Context, Options
from tests.ui.harness import Browser, browsing, page, until


async def test_the_server_is_described(browser: Browser, uri: str) -> None:
    described = await browser.get("/api/server")
    is_grpc = uri.startswith("kurrentdb")
    assert described["uri"] == uri.partition("?")[0]
    assert described["status"] == {"state": "connected", "address": described["uri"]}
    assert (described["version"] is not None) == is_grpc
    assert [member["state"] for member in described["members"]] == (["leader"] if is_grpc else [])


async def test_measurements_arrive_each_second(browser: Browser, client: rxpump.Client, uri: str) -> None:
    async with browser.messages("/api/server/live") as messages:
        first = (await until(messages, "sample"))[-1].data
        await client.publish("ponies", [NewEvent("T", b"x" * 10, metadata=b"y") for _ in range(3)])
        sample = (await until(messages, "sample"))[-1].data
        if sample["written"]["events"] < 3:
            sample = (await until(messages, "sample"))[-1].data
    assert first["written"] == {"events": 0, "bytes": 0, "position": None}
    assert (sample["written"]["events"], sample["written"]["bytes"]) == (3, 33)
    (last,) = await client.get_all(direction=rxpump.StreamDirection.BACKWARD, max_count=1)
    assert sample["written"]["position"] == position_text(last.position)
    assert sample["round_trip_ms"] >= 0
    assert sample["time"] > first["time"]
    if uri.startswith("kurrentdb"):
        assert isinstance(sample["statistics"]["proc-cpu"], float)
        assert isinstance(sample["statistics"]["proc-startTime"], str)
    else:
        assert sample["statistics"] is None


async def test_a_user_without_permission_sees_the_other_values(memory_server: EmbeddedServer) -> None:
    async with rxpump.connect(memory_server.uri) as anonymous, page(anonymous) as browser:
        async with browser.messages("/api/server/live") as messages:
            sample = (await until(messages, "sample", 2))[-1].data
        assert (sample["written"], sample["statistics"]) == (None, None)
        assert sample["round_trip_ms"] >= 0
        assert (await browser.error(403, "/api/streams"))["kind"] == "AccessDenied"
        assert (await browser.error(403, "/api/groups"))["kind"] == "AccessDenied"
        async with browser.messages("/api/live", all=1) as messages:
            (failed,) = (await until(messages, "failed"))[-1:]
        assert failed.data["error"]["kind"] == "AccessDenied"


@pytest.mark.parametrize("is_grpc", [False, True])
async def test_the_members_of_a_cluster_are_listed(is_grpc: bool) -> None:
    async with EmbeddedCluster(insecure=True) as cluster:
        uri = cluster.grpc_uri if is_grpc else cluster.uri
        client = rxpump.connect(uri)
        context = Context.of(client, uri, Options())
        async with client, browsing(context) as browser:
            described = await browser.get("/api/server")
            assert sorted(member["state"] for member in described["members"]) == ["follower", "follower", "leader"]
            await client.publish_event("ponies", "T")
            assert [row["stream"] for row in await browser.get("/api/streams")] == ["ponies"]


def test_each_state_of_the_connection_has_its_values() -> None:
    verdict = NodeVerdict("node:2113", "leader", "it is the leader")
    values = [
        state_values(state)
        for state in (
            Idle(),
            Connecting("tcp://a:1"),
            Connected("tcp://a:1"),
            Reconnecting(3, 0.5, ConnectionClosed("tcp://a:1", "reset")),
            Discovered("tcp://a:1", (), (verdict,)),
            Closed(),
            Closed(ConnectionClosed("tcp://a:1", "reset")),
        )
    ]
    assert [each["state"] for each in values] == [
        "idle", "connecting", "connected", "reconnecting", "discovered", "closed", "closed",
    ]  # fmt: skip
    assert (values[3]["attempt"], values[3]["delay"], values[3]["reason"]["kind"]) == (3, 0.5, "ConnectionClosed")
    assert values[4]["nodes"] == [{"address": "node:2113", "state": "leader", "reason": "it is the leader"}]
    assert (values[5]["reason"], values[6]["reason"]["kind"]) == (None, "ConnectionClosed")
