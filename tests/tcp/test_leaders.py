"""Nodes that do not handle a request: not ready, too busy, and not the leader."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from rxpump.backoff import Backoff
from rxpump.errors import ConnectionFailed, NoNodeReady, NotLeader, NotReady, OperationTimedOut, ReconnectFailed
from rxpump.model.credentials import Credentials
from rxpump.model.new_events import NewEvent
from rxpump.model.status import Connected, Connecting, Reconnecting
from rxpump.tcp.node_resolver import FixedAddress
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.codes import NotHandledReason, OperationResult
from rxpump.tcp.wire.commands import Command
from rxpump.uri import TcpAddress
from tests.certificates import authority_file, certified
from tests.tcp.conftest import MakeClient
from tests.tcp.scripted_server import Peer, Script, ScriptedServer, close_at_once, good

TWICE_MORE = Backoff(min_delay=0.001, attempts=2)


async def free_address() -> TcpAddress:
    """Return an address at which no server listens."""
    async with ScriptedServer(good) as server:
        return server.address


def at(server: ScriptedServer) -> str:
    return f"{server.address.host}:{server.address.port}"


def naming(leader: list[TcpAddress]) -> Script:
    """Return the script of a follower, which answers each request with the address of the leader."""

    async def follow(peer: Peer) -> None:
        await peer.handshake()
        while True:
            peer.refuse(await peer.request(), NotHandledReason.NOT_LEADER, leader[0])

    return follow


@pytest.mark.parametrize("reason", [NotHandledReason.NOT_READY, NotHandledReason.TOO_BUSY])
async def test_a_temporary_refusal_is_retried_on_the_connection(
    client_of: MakeClient, reason: NotHandledReason
) -> None:
    async def refuse_twice(peer: Peer) -> None:
        await peer.handshake()
        for _ in range(2):
            peer.refuse(await peer.request(), reason)
        await peer.until_gone()

    async with ScriptedServer(refuse_twice) as server:
        client = client_of(server)
        await client.open()
        await client.ping()
        assert server.accepted == 1


async def test_a_node_that_is_never_ready_causes_a_timeout(client_of: MakeClient) -> None:
    async def refuse(peer: Peer) -> None:
        await peer.handshake()
        while True:
            peer.refuse(await peer.request(), NotHandledReason.NOT_READY)

    async with ScriptedServer(refuse) as server:
        client = client_of(server)
        await client.open()
        with pytest.raises(OperationTimedOut) as caught:
            await client.with_timeout(0.2).ping()
        assert isinstance(caught.value.reason, NotReady)
        assert caught.value.attempts > 1


async def test_not_leader_without_an_address_is_retried(client_of: MakeClient) -> None:
    async def elect(peer: Peer) -> None:
        await peer.handshake()
        peer.refuse(await peer.request(), NotHandledReason.NOT_LEADER)
        await peer.until_gone()

    async with ScriptedServer(elect) as server:
        client = client_of(server)
        await client.open()
        await client.ping()
        assert server.accepted == 1


async def test_requests_in_flight_move_to_the_leader_at_once(
    client_of: MakeClient,
) -> None:
    logins: list[str] = []

    async def lead(peer: Peer) -> None:
        authenticate = await peer.request(Command.AUTHENTICATE)
        assert authenticate.credentials is not None
        logins.append(authenticate.credentials.login)
        peer.reply(authenticate, Command.AUTHENTICATED)
        await peer.handshake()
        await peer.until_gone()

    async with ScriptedServer(lead) as leader, ScriptedServer(naming([leader.address])) as follower:
        client = client_of(
            follower, Credentials("admin", "changeit"), reconnect=Backoff(min_delay=3600, max_delay=3600)
        )
        await client.open()
        await asyncio.gather(*(client.ping() for _ in range(5)))
        assert client.statuses[-2:] == [Connecting(str(leader.address)), Connected(str(leader.address))]
        hint = client.statuses[-3]
        assert isinstance(hint, Reconnecting)
        assert hint.delay == 0.0
        assert "another node leads: 127.0.0.1" in str(hint.reason)
        assert (follower.accepted, leader.accepted) == (1, 1)
    assert logins == ["admin"]


async def test_after_the_loss_of_the_leader_the_first_address_is_used(client_of: MakeClient) -> None:
    leaders: list[TcpAddress] = []

    async def serve_once(peer: Peer) -> None:
        await peer.handshake()
        peer.pong(await peer.request())

    async with (
        ScriptedServer(serve_once) as first,
        ScriptedServer(good) as second,
        ScriptedServer(naming(leaders)) as follower,
    ):
        leaders.append(first.address)
        client = client_of(follower)
        await client.open()
        await client.ping()
        leaders[0] = second.address
        await client.until(Reconnecting)
        await client.ping()
        assert (follower.accepted, first.accepted, second.accepted) == (2, 1, 1)


async def test_only_the_first_of_two_mutual_hints_is_followed(client_of: MakeClient) -> None:
    """The nodes hold an election. Only the first hint is followed, and the request waits on that connection."""
    first_names: list[Any] = []
    second_names: list[Any] = []
    async with ScriptedServer(naming(first_names)) as first, ScriptedServer(naming(second_names)) as second:
        first_names.append(second.address)
        second_names.append(first.address)
        client = client_of(first)
        await client.open()
        with pytest.raises(OperationTimedOut) as caught:
            await client.with_timeout(0.2).ping()
        assert (first.accepted, second.accepted) == (1, 1)
        assert isinstance(caught.value.reason, NotLeader)
        assert f"{at(first)}: names {at(second)} as the leader" in str(caught.value)
        assert f"{at(second)}: names {at(first)} as the leader" in str(caught.value)


async def test_hints_do_not_lengthen_the_delays(client_of: MakeClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rxpump.discovery.node_memory.ELECTION_SECONDS", 0.0)
    first_names: list[Any] = []
    second_names: list[Any] = []
    async with ScriptedServer(naming(first_names)) as first, ScriptedServer(naming(second_names)) as second:
        first_names.append(second.address)
        second_names.append(first.address)
        client = client_of(first, reconnect=Backoff(attempts=0))
        await client.open()
        with pytest.raises(OperationTimedOut):
            await client.with_timeout(0.2).ping()
        assert first.accepted > 3
        assert {status.delay for status in client.statuses if isinstance(status, Reconnecting)} == {0.0}


async def test_a_node_that_names_itself_as_leader_is_kept(client_of: MakeClient) -> None:
    itself: list[TcpAddress] = []
    async with ScriptedServer(naming(itself)) as node:
        itself.append(node.address)
        client = client_of(node)
        await client.open()
        with pytest.raises(OperationTimedOut, match=f"{at(node)}: names {at(node)} as the leader"):
            await client.with_timeout(0.1).ping()
        assert node.accepted == 1


async def test_a_named_leader_that_is_down_is_tried_once(client_of: MakeClient) -> None:
    """Followers answer in this way for a moment after the leader was killed (recorded in cluster-master-killed)."""
    leaders = [await free_address()]
    dead = leaders[0]
    async with ScriptedServer(good) as elected, ScriptedServer(naming(leaders)) as follower:
        client = client_of(follower)
        await client.open()
        with pytest.raises(OperationTimedOut) as caught:
            await client.with_timeout(0.2).ping()
        dials = [status.address for status in client.statuses if isinstance(status, Connecting)]
        assert dials == [str(follower.address), str(dead), str(follower.address)]
        for part in (f"{dead.host}:{dead.port}: ", f"{at(follower)}: names {dead.host}:{dead.port} as the leader"):
            assert part in str(caught.value)
        leaders[0] = elected.address
        await client.ping()
        assert elected.accepted == 1


async def test_a_frozen_leader_costs_one_connection_attempt(client_of: MakeClient) -> None:
    """A frozen node accepts connections and is silent. Followers name it until the election."""
    leaders: list[TcpAddress] = []

    async def hang(peer: Peer) -> None:
        await peer.until_gone_silently()

    async with (
        ScriptedServer(hang) as frozen,
        ScriptedServer(good) as elected,
        ScriptedServer(naming(leaders)) as follower,
    ):
        leaders.append(frozen.address)
        client = client_of(follower, node_timeout=0.05)
        await client.open()
        with pytest.raises(OperationTimedOut, match=f"{at(frozen)}: no reply while identifying") as caught:
            await client.with_timeout(0.3).ping()
        assert caught.value.timeout == 0.3
        assert frozen.accepted == 1
        leaders[0] = elected.address
        await client.ping()


@pytest.mark.parametrize("is_ready", [False, True], ids=["not ready", "cannot commit"])
async def test_the_client_leaves_a_leader_that_serves_no_request(
    client_of: MakeClient, monkeypatch: pytest.MonkeyPatch, is_ready: bool
) -> None:
    """The leader is cut off from the others, or cannot commit. The follower then names the new leader."""
    monkeypatch.setattr("rxpump.discovery.node_memory.ELECTION_SECONDS", 0.05)
    monkeypatch.setattr("rxpump.network.node_resolver.ELECTION_SECONDS", 0.05)
    leaders: list[TcpAddress] = []
    written = schema.WriteEventsCompleted(result=OperationResult.SUCCESS, first_event_number=0, last_event_number=0)
    not_committed = schema.WriteEventsCompleted(result=OperationResult.COMMIT_TIMEOUT)

    async def serve_nothing(peer: Peer) -> None:
        await peer.handshake()
        leaders[0] = elected.address
        while True:
            request = await peer.request()
            if is_ready:
                peer.reply(request, Command.WRITE_EVENTS_COMPLETED, not_committed)
            else:
                peer.refuse(request, NotHandledReason.NOT_READY)

    async def lead(peer: Peer) -> None:
        await peer.handshake()
        peer.reply(await peer.request(), Command.WRITE_EVENTS_COMPLETED, written)
        await peer.until_gone()

    async with (
        ScriptedServer(serve_nothing) as cut_off,
        ScriptedServer(lead) as elected,
        ScriptedServer(naming(leaders)) as follower,
    ):
        leaders.append(cut_off.address)
        client = client_of(follower)
        await client.open()
        await client.append("s", [NewEvent("T")], -2)
        assert (cut_off.accepted, follower.accepted, elected.accepted) == (1, 2, 1)
        reasons = [str(status.reason) for status in client.statuses if isinstance(status, Reconnecting)]
        assert any("it could not serve requests for" in reason for reason in reasons)


async def test_a_node_without_an_alternative_is_kept(client_of: MakeClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rxpump.network.node_resolver.ELECTION_SECONDS", 0.0)

    async def refuse_often(peer: Peer) -> None:
        await peer.handshake()
        for _ in range(20):
            peer.refuse(await peer.request(), NotHandledReason.NOT_READY)
        await peer.until_gone()

    async with ScriptedServer(refuse_often) as server:
        client = client_of(server)
        await client.open()
        await client.ping()
        assert server.accepted == 1


async def test_a_request_without_a_deadline_waits_for_a_leader(client_of: MakeClient) -> None:
    """While nodes are not ready, a request without a deadline waits as it does without a connection."""
    leaders: list[TcpAddress] = []
    async with ScriptedServer(good) as elected, ScriptedServer(naming(leaders)) as follower:
        leaders.append(follower.address)
        client = client_of(follower, timeout=0.05)
        await client.open()
        pinging = asyncio.create_task(client.ping())
        with pytest.raises(OperationTimedOut):
            await client.with_timeout(0.2).ping()
        assert not pinging.done()
        leaders[0] = elected.address
        await pinging


async def test_the_reconnect_policy_ends_a_publisher_too(client_of: MakeClient) -> None:
    leaders: list[TcpAddress] = []
    async with ScriptedServer(naming(leaders)) as follower:
        leaders.append(follower.address)
        client = client_of(follower, reconnect=TWICE_MORE)
        await client.open()
        with pytest.raises(NoNodeReady, match="after 3 attempt"):
            await client.ping()


async def test_the_error_after_the_last_attempt_names_every_node(client_of: MakeClient) -> None:
    dead = await free_address()

    async def name_leader_and_close(peer: Peer) -> None:
        await peer.handshake()
        peer.refuse(await peer.request(), NotHandledReason.NOT_LEADER, dead)
        await peer.until_gone()

    async with ScriptedServer(name_leader_and_close, close_at_once) as follower:
        client = client_of(follower, reconnect=TWICE_MORE)
        await client.open()
        with pytest.raises(ReconnectFailed) as caught:
            await client.ping()
        assert f"{dead.host}:{dead.port}: " in caught.value.reason
        assert f"{at(follower)}: " in caught.value.reason


async def test_a_hint_is_used_for_one_attempt(client_of: MakeClient) -> None:
    """A hint is used only for the next attempt. After a failure, the address of the resolver is used again."""
    dead = await free_address()
    begin = FixedAddress(dead)

    async def name_leader_once(peer: Peer) -> None:
        await peer.handshake()
        peer.refuse(await peer.request(), NotHandledReason.NOT_LEADER, dead)
        await peer.until_gone()

    async with ScriptedServer(name_leader_once) as follower:
        begin.address = follower.address
        client = client_of(begin, reconnect=Backoff(min_delay=0.001, attempts=3))
        await client.open()
        begin.address = nobody = await free_address()
        with pytest.raises(ConnectionFailed):
            await client.ping()
        dials = [status.address for status in client.statuses if isinstance(status, Connecting)]
        assert dials == [str(follower.address), str(dead), str(nobody), str(nobody), str(nobody)]


async def test_without_retries_the_refusal_is_raised(client_of: MakeClient) -> None:
    async with ScriptedServer(good) as leader, ScriptedServer(naming([leader.address])) as follower:
        client = client_of(follower, retry=Backoff(attempts=0))
        await client.open()
        with pytest.raises(NotLeader):
            await client.with_timeout(5).ping()
        await client.ping()  # The client is now connected to the leader that the follower named.
        assert leader.accepted == 1


async def test_a_client_with_tls_goes_to_the_secure_endpoint(client_of: MakeClient) -> None:
    """The follower also names the endpoint without TLS, which the client must not use."""
    plain: list[int] = []

    async def spy(peer: Peer) -> None:
        plain.append(1)

    async def follow(peer: Peer) -> None:
        await peer.handshake()
        info = schema.LeaderInfo(
            external_tcp_address=unsafe.address.host,
            external_tcp_port=unsafe.address.port,
            external_secure_tcp_address="localhost",
            external_secure_tcp_port=leader.address.port,
        )
        refusal = schema.NotHandled(reason=NotHandledReason.NOT_LEADER, additional_info=info.SerializeToString())
        peer.reply(await peer.request(), Command.NOT_HANDLED, refusal)
        await peer.until_gone()

    with authority_file() as ca:
        async with (
            ScriptedServer(spy) as unsafe,
            ScriptedServer(good, tls=certified("localhost")) as leader,
            ScriptedServer(follow, tls=certified("127.0.0.1")) as follower,
        ):
            client = client_of(follower, tls=True, tls_ca=ca)
            await client.open()
            await client.ping()
            assert (follower.accepted, leader.accepted, plain) == (1, 1, [])
            await client.close()
