"""A client of a cluster: the node that it connects to, and its behavior when the nodes change."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from typing import Any

import pytest

from rxpump.backoff import Backoff
from rxpump.discovery import DiscoveryFailed, DiscoveryRetryPolicy, Member, NodeState, prefer_replica
from rxpump.errors import OperationTimedOut, ReconnectFailed, StreamNotFound
from rxpump.model.credentials import Credentials
from rxpump.model.new_events import NewEvent
from rxpump.model.positions import ExpectedVersion, StreamDirection
from rxpump.model.status import Connected, Discovered, Reconnecting
from rxpump.settings import Settings
from rxpump.tcp.cluster_resolver import ClusterResolver
from rxpump.tcp.wire.commands import Command
from rxpump.uri import ClusterAddress
from tests.discovery.http_nodes import response
from tests.tcp.conftest import QUICK, Client, MakeClient
from tests.tcp.scripted_cluster import ScriptedCluster
from tests.tcp.scripted_server import ScriptedServer, good

FAST: dict[str, Any] = {"gossip_interval": 0.01, "gossip_timeout": 5.0, "node_check_interval": 0.02}
SHORT_TIMES: dict[str, Any] = {
    "gossip_timeout": 0.4,
    "node_timeout": 0.2,
    "heartbeat_interval": 0.1,
    "heartbeat_timeout": 0.1,
}
"""Short times for clients of nodes that hang. On a loaded machine, nodes that answer exceed them."""

MakeMember = Callable[..., Client]


@pytest.fixture
def member_client(client_of: MakeClient) -> MakeMember:
    """Function that creates clients of a cluster."""

    def make(cluster: ScriptedCluster | ClusterAddress, **given: Any) -> Client:
        address = cluster if isinstance(cluster, ClusterAddress) else cluster.address
        of_resolver = {name: given.pop(name, None) for name in ("selector", "retry_policy")}
        settings = {**FAST, **given}
        return client_of(ClusterResolver(address, replace(QUICK, **settings), **of_resolver), **settings)

    return make


async def write(client: Client, timeout: float | None = 5.0) -> None:
    await client.with_timeout(timeout).append("ponies", [NewEvent("T")], ExpectedVersion.ANY)


async def read(client: Client) -> None:
    """Read a stream that exists on no node."""
    with pytest.raises(StreamNotFound):
        await client.with_timeout(5.0).read_stream_page("s", 0, 1, StreamDirection.FORWARD, resolve_links=False)


def connected_to(client: Client) -> list[str]:
    return [status.address for status in client.statuses if isinstance(status, Connected)]


async def until(holds: Callable[[], bool]) -> None:
    """Wait until a condition on the requests of the nodes is true."""
    while not holds():
        await asyncio.sleep(0)


# Choice of a node-------------------------------------------------------------------------------------------


async def test_a_client_connects_to_the_leader(member_client: MakeMember) -> None:
    async with ScriptedCluster() as cluster:
        client = member_client(cluster)
        await client.open()
        await write(client)
        assert connected_to(client) == [str(cluster.nodes[0].address)]
        assert [node.tcp.accepted for node in cluster.nodes] == [1, 0, 0]


async def test_discovered_has_the_answers_and_the_chosen_node(member_client: MakeMember) -> None:
    async with ScriptedCluster() as cluster:
        client = member_client(ClusterAddress(cluster.address.seeds[:1]))
        await client.open()
        found = client.statuses[0]
        assert isinstance(found, Discovered)
        assert found.address == str(cluster.nodes[0].address)
        assert [answer.address for answer in found.answers] == [str(cluster.nodes[0].http)]
        texts = {verdict.address: (verdict.state, verdict.text) for verdict in found.verdicts}
        assert texts[str(cluster.nodes[0].http)] == ("leader", "chosen")
        assert texts[str(cluster.nodes[1].http)] == ("follower", "in a state that is not wanted")


async def test_credentials_of_the_address_are_used(member_client: MakeMember) -> None:
    async with ScriptedCluster() as cluster:
        client = member_client(replace(cluster.address, credentials=Credentials("admin", "changeit")))
        await client.open()
        assert client._login == "admin"


async def test_a_seed_that_is_down_is_skipped(member_client: MakeMember) -> None:
    async with ScriptedServer(good) as server:
        dead = (server.address.host, server.address.port)
    async with ScriptedCluster() as cluster:
        client = member_client(ClusterAddress((dead, *cluster.address.seeds[2:])))
        await client.open()
        await write(client)


async def test_a_selector_chooses_the_node(member_client: MakeMember) -> None:
    seen: list[int] = []

    def last(members: Sequence[Member]) -> Member:
        seen.append(len(members))
        return max(members, key=lambda member: member.external_tcp.port)

    async with ScriptedCluster() as cluster:
        client = member_client(cluster, selector=last, node_preference="random")
        await client.open()
        port = max(node.address.port for node in cluster.nodes)
        assert connected_to(client) == [f"tcp://127.0.0.1:{port}"]
        assert seen[0] == 3


async def test_a_selector_of_photonpump_chooses_a_follower(member_client: MakeMember) -> None:
    async with ScriptedCluster() as cluster:
        client = member_client(cluster, selector=prefer_replica, node_preference="random")
        await client.open()
        assert cluster.nodes[0].tcp.accepted == 0
        await write(client)
        assert cluster.nodes[0].count(Command.WRITE_EVENTS) == 1


# Two connections -------------------------------------------------------------------------------------------


async def test_reads_go_to_a_follower_and_writes_to_the_leader(member_client: MakeMember) -> None:
    async with ScriptedCluster(2) as cluster:
        leader, follower = cluster.nodes
        client = member_client(cluster, node_preference="follower")
        await client.open()
        await read(client)
        assert (leader.tcp.accepted, follower.count(Command.READ_STREAM_EVENTS_FORWARD)) == (0, 1)
        await write(client)
        session = await client.connect_group("s", "g", 10)
        await read(client)
        assert leader.asked == ["WRITE_EVENTS", "CONNECT_TO_PERSISTENT_SUBSCRIPTION"]
        assert (leader.tcp.accepted, follower.tcp.accepted) == (1, 1)
        session.close()


async def test_reads_go_on_while_the_leader_hangs(member_client: MakeMember) -> None:
    async with ScriptedCluster(2) as cluster:
        leader, follower = cluster.nodes
        client = member_client(cluster, node_preference="follower")
        await client.open()
        await write(client)
        leader.freeze()
        with pytest.raises(OperationTimedOut):
            await write(client, timeout=0.1)
        await read(client)
        assert follower.tcp.accepted == 1
        assert connected_to(client) == [str(follower.address)]


async def test_without_require_leader_only_the_group_uses_the_leader(client_of: MakeClient) -> None:
    """The client has one address, that of a follower."""
    async with ScriptedCluster(2) as cluster:
        leader, follower = cluster.nodes
        client = client_of(follower.tcp, require_leader=False)
        await client.open()
        session = await client.connect_group("s", "g", 10)
        await read(client)
        await write(client)
        assert leader.asked == ["CONNECT_TO_PERSISTENT_SUBSCRIPTION"]
        assert follower.count(Command.WRITE_EVENTS) == 1, "a follower forwards writes"
        assert follower.tcp.accepted == 2, "the leader was asked for there"
        session.close()


async def test_close_also_closes_the_connection_to_the_leader(member_client: MakeMember) -> None:
    async with ScriptedCluster(2) as cluster:
        client = member_client(cluster, node_preference="follower")
        await client.open()
        await write(client)
        assert "leader <SharedConnection" in repr(client)
        await client.close()
        await until(lambda: not any(node.peers for node in cluster.nodes))
        await client.open()
        await write(client)


# The leader changes ----------------------------------------------------------------------------------------


async def killed(cluster: ScriptedCluster) -> None:
    cluster.nodes[0].kill()
    cluster.elect(cluster.nodes[1])


async def frozen(cluster: ScriptedCluster) -> None:
    """Freeze the leader, and elect another node after the frozen one was asked for gossip twice.

    Until then, the followers name the frozen node as the leader, and gossip lists it as alive.
    """
    cluster.nodes[0].freeze()
    cluster.frozen_questions = 0
    await until(lambda: cluster.frozen_questions > 1)
    cluster.elect(cluster.nodes[1])


async def resigned(cluster: ScriptedCluster) -> None:
    cluster.elect(cluster.nodes[1])


async def cut_off(cluster: ScriptedCluster) -> None:
    """Cut the leader off from its followers. It still reports that it is the leader, but it cannot commit."""
    old = cluster.nodes[0]
    old.can_commit = False
    epoch = old.epoch
    cluster.elect(cluster.nodes[1])
    old.state, old.leader, old.epoch = NodeState.LEADER, old, epoch


@pytest.mark.parametrize("change", [killed, frozen, resigned, cut_off])
@pytest.mark.parametrize("preference", ["leader", "follower"])
async def test_a_write_ends_on_the_new_leader(
    member_client: MakeMember, change: Callable[[ScriptedCluster], Coroutine[Any, Any, None]], preference: str
) -> None:
    async with ScriptedCluster() as cluster:
        times = SHORT_TIMES if change is frozen else {}
        client = member_client(cluster, node_preference=preference, **times)
        await client.open()
        await write(client)
        changing = asyncio.create_task(change(cluster))
        await write(client, timeout=10)
        await changing
        await write(client, timeout=10)
        assert cluster.nodes[1].count(Command.WRITE_EVENTS) >= 1


async def test_a_frozen_leader_is_not_chosen_again(member_client: MakeMember) -> None:
    """Gossip lists it as alive and the only leader. The call fails at its deadline, with all answers in the error."""
    async with ScriptedCluster() as cluster:
        client = member_client(cluster, **SHORT_TIMES)
        await client.open()
        leader = cluster.nodes[0]
        leader.freeze()
        writing = asyncio.create_task(write(client, timeout=1.5))
        await until(lambda: any(isinstance(each, Discovered) and each.address is None for each in client.statuses))
        with pytest.raises(OperationTimedOut) as caught:
            await writing
        assert leader.tcp.accepted <= 2
        text = str(caught.value)
        assert "(leader): failed a short time ago" in text
        assert f"{leader.http}: no gossip within" in text
        assert f"127.0.0.1:{leader.address.port}: no bytes were received for 0.2 s" in text


async def test_gossip_is_requested_until_there_is_a_leader(member_client: MakeMember) -> None:
    async with ScriptedCluster() as cluster:
        client = member_client(cluster)
        await client.open()
        cluster.elect(None)
        cluster.nodes[0].kill()
        await client.until(Reconnecting)
        writing = asyncio.create_task(write(client, timeout=30))
        waits = 0
        while waits < 10:
            waits = sum(isinstance(status, Discovered) and status.address is None for status in client.statuses)
            await asyncio.sleep(0)
        delays = [status.delay for status in client.statuses if isinstance(status, Reconnecting)]
        assert max(delays) <= FAST["gossip_interval"], "they do not grow"
        cluster.elect(cluster.nodes[2])
        await writing


async def test_the_retry_policy_ends_discovery(member_client: MakeMember) -> None:
    async with ScriptedCluster() as cluster:
        cluster.elect(None)
        policy = DiscoveryRetryPolicy(retries_per_node=2, retry_interval=0.001, jitter=0)
        client = member_client(cluster, retry_policy=policy)
        with pytest.raises(DiscoveryFailed, match=r"after 2 attempt\(s\): .*not ready"):
            await client.open()


async def test_the_reconnect_policy_ends_discovery(member_client: MakeMember) -> None:
    async with ScriptedCluster() as cluster:
        client = member_client(cluster, reconnect=Backoff(min_delay=0.001, max_delay=0.001, attempts=3))
        await client.open()
        cluster.elect(None)
        cluster.nodes[0].kill()
        with pytest.raises(ReconnectFailed) as caught:
            while True:
                await write(client)
        assert "not ready" in caught.value.reason


async def test_a_starting_cluster_is_waited_for(member_client: MakeMember) -> None:
    async with ScriptedCluster() as cluster:
        cluster.elect(None)
        client = member_client(cluster, node_preference="random")
        opening = asyncio.create_task(client.open())
        await until(lambda: any(isinstance(status, Reconnecting) for status in client.statuses))
        assert all(node.tcp.accepted == 0 for node in cluster.nodes)
        cluster.elect(cluster.nodes[1])
        await opening


# Gossip ----------------------------------------------------------------------------------------------------


BAD_GOSSIP = {
    "empty": response(b""),
    "no members": response(b'{"members": []}'),
    "malformed": response(b'{"members": [{"state": 5}]}'),
    "huge": response(b" " * 2_000_000),
    "HTTP 500": response(b"oops", "500 Internal Server Error"),
    "a redirect loop": response(b"", "302 Found", "Location: /gossip?format=json\r\n"),
}


@pytest.mark.parametrize("body", BAD_GOSSIP.values(), ids=BAD_GOSSIP.keys())
async def test_bad_gossip_of_one_node_does_no_harm(member_client: MakeMember, body: bytes) -> None:
    async with ScriptedCluster() as cluster:
        cluster.nodes[1].gossip = lambda: body
        client = member_client(cluster)
        await client.open()
        await write(client)


@pytest.mark.parametrize("body", BAD_GOSSIP.values(), ids=BAD_GOSSIP.keys())
async def test_bad_gossip_of_all_nodes_is_an_error(member_client: MakeMember, body: bytes) -> None:
    async with ScriptedCluster() as cluster:
        for node in cluster.nodes:
            node.gossip = lambda: body
        client = member_client(cluster, gossip_attempts=2)
        with pytest.raises(DiscoveryFailed) as caught:
            await client.open()
        assert caught.value.attempts == 2
        if body is not BAD_GOSSIP["no members"]:
            assert all(f"{node.http}: " in caught.value.reason for node in cluster.nodes)


async def test_ten_addresses_without_a_server_are_skipped(
    member_client: MakeMember, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with ScriptedCluster() as cluster:
        loop = asyncio.get_running_loop()
        look_up = loop.getaddrinfo
        port = cluster.nodes[0].http.port

        async def resolve(host: Any, *arguments: Any, **options: Any) -> Any:
            if host != "events.example.com":
                return await look_up(host, *arguments, **options)
            addresses = [f"127.0.1.{number}" for number in range(10)] + ["127.0.0.1"]
            return [(None, None, None, "", (address, port)) for address in addresses]

        monkeypatch.setattr(loop, "getaddrinfo", resolve)
        client = member_client(ClusterAddress((("events.example.com", port),)))
        await client.open()
        await write(client)
        found = client.statuses[0]
        assert isinstance(found, Discovered)
        assert len(found.answers) == 11


async def test_a_slow_gossip_response_does_not_delay_the_choice(member_client: MakeMember) -> None:
    async with ScriptedCluster() as cluster:
        cluster.nodes[2].freeze()
        client = member_client(cluster, gossip_timeout=1.0)
        await client.open()
        await write(client)


async def test_the_client_moves_to_the_leader_of_a_later_epoch(member_client: MakeMember) -> None:
    """The old leader still answers, reports that it is the leader, and refuses no request."""
    async with ScriptedCluster(2) as cluster:
        old, new = cluster.nodes
        gossip, new.gossip = new.gossip, lambda: response(b"", "500 Internal Server Error")
        client = member_client(cluster)
        await client.open()
        assert connected_to(client) == [str(old.address)]
        new.state, new.epoch, new.leader = NodeState.LEADER, 5, new
        new.gossip = gossip
        await until(lambda: len(connected_to(client)) > 1)
        assert connected_to(client)[-1] == str(new.address)
        await write(client)


# A connected node that is no longer the right one ----------------------------------------------------------


async def test_the_client_leaves_a_follower_that_falls_behind(member_client: MakeMember) -> None:
    async with ScriptedCluster() as cluster:
        client = member_client(cluster, node_preference="follower")
        await client.open()
        (chosen,) = (node for node in cluster.nodes if node.tcp.accepted)
        other = next(node for node in cluster.nodes[1:] if node is not chosen)
        chosen.state = NodeState.CATCHING_UP
        await until(lambda: len(connected_to(client)) > 1)
        assert connected_to(client)[-1] == str(other.address)
        reasons = [str(status.reason) for status in client.statuses if isinstance(status, Reconnecting)]
        assert reasons[0].endswith(f"{chosen.http} (catching up) is not ready")


async def test_the_client_leaves_a_follower_that_becomes_leader(member_client: MakeMember) -> None:
    async with ScriptedCluster(2) as cluster:
        client = member_client(cluster, node_preference="follower")
        await client.open()
        cluster.elect(cluster.nodes[1])
        await until(lambda: len(connected_to(client)) > 1)
        assert connected_to(client) == [str(cluster.nodes[1].address), str(cluster.nodes[0].address)]


async def test_a_node_that_is_not_ready_is_kept_if_no_other_is_ready(member_client: MakeMember) -> None:
    async with ScriptedCluster(2) as cluster:
        client = member_client(cluster, node_preference="follower")
        await client.open()
        cluster.elect(None)
        cluster.nodes[0].kill()
        asked = cluster.nodes[1].gossip
        questions: list[int] = []

        def count() -> bytes:
            questions.append(1)
            return asked()

        cluster.nodes[1].gossip = count
        await until(lambda: len(questions) > 2)
        assert len(connected_to(client)) == 1
        await read(client)


async def test_a_refusal_causes_a_request_for_gossip(member_client: MakeMember) -> None:
    """This happens long before the next periodic request for gossip."""
    async with ScriptedCluster() as cluster:
        client = member_client(cluster, node_check_interval=3600.0)
        await client.open()
        old, new = cluster.nodes[:2]
        cluster.elect(new)
        old.leader, old.state = None, NodeState.UNKNOWN
        await write(client)
        assert new.count(Command.WRITE_EVENTS) == 1


def test_a_resolver_shows_its_cluster() -> None:
    resolver = ClusterResolver(ClusterAddress((("a", 1), ("b", 2))), Settings())
    assert repr(resolver).startswith("<ClusterResolver <Discovery of the cluster at a:1, b:2, <ClusterView 2 seeds")


async def test_the_http_address_of_a_node_comes_from_gossip(member_client: MakeMember) -> None:
    async with ScriptedCluster() as cluster:
        resolver = ClusterResolver(cluster.address, Settings(node_preference="follower"))
        node = await resolver.locate()
        (member,) = (each for each in cluster.nodes if each.address.port == node.port)
        assert await resolver.locate_http(node, 1) == (member.http.address, member.http.port)
        assert await resolver.locate_http(replace(node, port=1), 7) == ("127.0.0.1", 7)
        leader = await resolver.for_leader().locate()
        assert leader == cluster.nodes[0].address
