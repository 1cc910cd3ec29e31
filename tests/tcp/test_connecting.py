"""Attempts to connect that are accepted, refused, not answered, or answered by garbage, and their cleanup."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from rxpump.backoff import Backoff
from rxpump.errors import ClientClosed, ConnectionFailed, NotAuthenticated, NotConnected
from rxpump.model.credentials import Credentials
from rxpump.model.status import Closed, Connected, Connecting, Reconnecting
from rxpump.tcp.node_resolver import FixedAddress, TcpNodeResolver
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.commands import Command
from rxpump.uri import TcpAddress
from tests.tcp.conftest import MakeClient
from tests.tcp.scripted_server import Peer, ScriptedServer, close_at_once, good

ADMIN = Credentials("admin", "changeit")
TWICE_MORE = Backoff(min_delay=0.001, attempts=2)


async def test_a_client_identifies_itself_and_reports_its_status(client_of: MakeClient) -> None:
    met: list[schema.IdentifyClient] = []

    async def identify(peer: Peer) -> None:
        met.append(schema.IdentifyClient.FromString((await peer.handshake()).payload))
        await peer.until_gone()

    async with ScriptedServer(identify) as server:
        client = client_of(server, name="ponies")
        await client.open()
        await client.ping()
        address = str(server.address)
        assert client.statuses == [Connecting(address), Connected(address)]
        await client.close()
        assert client.statuses[-1] == Closed()
    assert met == [schema.IdentifyClient(version=1, connection_name="ponies")]


async def test_opening_an_open_client_has_no_effect(client_of: MakeClient) -> None:
    async with ScriptedServer(good) as server:
        client = client_of(server)
        await asyncio.gather(client.open(), client.open())
        await client.open()
        assert server.accepted == 1


async def test_a_closed_client_can_be_opened_again(client_of: MakeClient) -> None:
    async with ScriptedServer(good) as server:
        client = client_of(server)
        for _ in range(2):
            await client.open()
            await client.ping()
            await client.close()
        assert server.accepted == 2


async def test_wrong_credentials_are_an_error(client_of: MakeClient, at_once: None) -> None:
    async def refuse(peer: Peer) -> None:
        peer.reply(await peer.request(Command.AUTHENTICATE), Command.NOT_AUTHENTICATED, b"Unauthorized")
        await peer.until_gone()

    async with ScriptedServer(refuse) as server:
        client = client_of(server, ADMIN)
        with pytest.raises(NotAuthenticated) as caught:
            await client.open()
        assert (caught.value.login, caught.value.reason) == ("admin", "Unauthorized")
        assert client.statuses[-1] == Closed(caught.value)
        assert server.accepted == 1


async def test_a_port_without_a_server_is_an_error(client_of: MakeClient) -> None:
    async with ScriptedServer(good) as server:
        nobody = FixedAddress(server.address)
    client = client_of(nobody, reconnect=TWICE_MORE)
    with pytest.raises(ConnectionFailed) as caught:
        await client.open()
    assert (caught.value.address, caught.value.attempts) == (str(nobody.address), 3)
    assert "Connect call failed" in caught.value.reason or "refused" in caught.value.reason
    assert str(caught.value).count("no connection to") == 1, "not a sentence within a sentence"
    assert client.statuses[-1] == Closed(caught.value)


async def test_connect_within_limits_the_attempts(client_of: MakeClient) -> None:
    async with ScriptedServer(good) as server:
        nobody = FixedAddress(server.address)
    client = client_of(nobody, connect_within=0.05)
    with pytest.raises(ConnectionFailed, match=f"no connection to {nobody.address} after "):
        await client.open()
    assert client.statuses[-1] == Closed()


@pytest.mark.parametrize("host", ["a..b", "a" * 64, "no-such-host.invalid", "a\0b"])
async def test_an_invalid_host_is_an_error(client_of: MakeClient, host: str) -> None:
    client = client_of(FixedAddress(TcpAddress(host)), reconnect=TWICE_MORE)
    with pytest.raises(ConnectionFailed, match=r"no connection to tcp://.* after 3 attempt"):
        await client.open()


async def silent(peer: Peer) -> None:
    await peer.receive()
    await peer.until_gone()


async def send_http(peer: Peer) -> None:
    peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    await peer.until_gone_silently()


async def reply_pong(peer: Peer) -> None:
    peer.reply(await peer.request(), Command.PONG)
    await peer.until_gone_silently()


async def close_while_identifying(peer: Peer) -> None:
    peer.reply(await peer.request(Command.AUTHENTICATE), Command.AUTHENTICATED)
    await peer.request(Command.IDENTIFY_CLIENT)


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (close_at_once, "ended|lost"),
        (close_while_identifying, "ended|lost"),
        (reply_pong, "Pong while authenticating"),
        (send_http, "a frame of 1347703880 bytes is over the limit"),
    ],
)
async def test_a_failed_attempt_is_retried_and_its_reason_reported(
    client_of: MakeClient, script: Any, reason: str
) -> None:
    async with ScriptedServer(script, script, good) as server:
        client = client_of(server, ADMIN)
        await client.open()
        await client.ping()
        reasons = [status.reason for status in client.statuses if isinstance(status, Reconnecting)]
        assert len(reasons) == 2
        for each in reasons:
            assert any(part in str(each) for part in reason.split("|"))

    async with ScriptedServer(script) as server:
        client = client_of(server, ADMIN, reconnect=TWICE_MORE)
        with pytest.raises(ConnectionFailed) as caught:
            await client.open()
        assert any(part in caught.value.reason for part in reason.split("|"))


async def test_a_server_without_a_reply_is_tried_again(client_of: MakeClient) -> None:
    async with ScriptedServer(silent, good) as server:
        client = client_of(server, connect_timeout=0.03)
        await client.open()
        (again,) = [status for status in client.statuses if isinstance(status, Reconnecting)]
        assert "no reply while identifying" in str(again.reason)


async def test_the_reconnect_policy_limits_the_first_attempts(client_of: MakeClient) -> None:
    async with ScriptedServer(close_at_once) as server:
        client = client_of(server, reconnect=TWICE_MORE)
        with pytest.raises(ConnectionFailed) as caught:
            await client.open()
        assert server.accepted == 3
        assert caught.value.attempts == 3
        assert client.statuses[-1] == Closed(caught.value)


async def test_a_cancelled_open_leaves_no_task(client_of: MakeClient) -> None:
    async with ScriptedServer(silent) as server:
        client = client_of(server)
        opening = asyncio.create_task(client.open())
        await client.until(Connecting)
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening
        assert client.statuses[-1] == Closed()
        assert "keep the connection" not in str(asyncio.all_tasks())


async def test_closing_while_opening_ends_the_opening(client_of: MakeClient) -> None:
    async with ScriptedServer(silent) as server:
        client = client_of(server)
        opening = asyncio.create_task(client.open())
        await client.until(Connecting)
        await client.close()
        with pytest.raises(ClientClosed):
            await opening


async def test_requests_before_open_and_after_close_are_refused(client_of: MakeClient) -> None:
    async with ScriptedServer(good) as server:
        client = client_of(server)
        with pytest.raises(NotConnected, match="the client is not connected"):
            await client.ping()
        await client.open()
        await client.close()
        await client.close()
        with pytest.raises(NotConnected, match="the client is closed"):
            await client.ping()


async def test_requests_while_connecting_wait_for_the_connection(client_of: MakeClient) -> None:
    async with ScriptedServer(close_at_once, good) as server:
        client = client_of(server)
        opening = asyncio.create_task(client.open())
        await client.until(Connecting)
        await client.ping()
        await opening


class Trouble(TcpNodeResolver):
    """A node resolver that raises an unexpected error, and records that it was closed."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error
        self.closed = 0

    async def locate(self) -> TcpAddress:
        raise self.error

    async def locate_http(self, node: TcpAddress, port: int) -> tuple[str, int]:
        raise self.error

    async def close(self) -> None:
        self.closed += 1


async def test_an_error_of_the_resolver_is_raised(client_of: MakeClient) -> None:
    trouble = Trouble(ConnectionFailed("the cluster", 10, "no node answered"))
    with pytest.raises(ConnectionFailed, match="no connection to the cluster"):
        await client_of(trouble).open()
    assert trouble.closed == 1


async def test_an_unexpected_error_of_the_resolver_is_the_cause(client_of: MakeClient) -> None:
    trouble = Trouble(ZeroDivisionError("oops"))
    client = client_of(trouble)
    with pytest.raises(ConnectionFailed, match="ZeroDivisionError: oops") as caught:
        await client.open()
    assert caught.value.__cause__ is trouble.error
    assert client.statuses[-1] == Closed(caught.value)
    assert trouble.closed == 1
