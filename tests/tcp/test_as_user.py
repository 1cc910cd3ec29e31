"""Requests for another user carry the credentials of that user, also when they are repeated, on one connection."""

from __future__ import annotations

import asyncio

import pytest

from rxpump.errors import AccessDenied, NotAuthenticated
from rxpump.model.credentials import Credentials, Token
from rxpump.settings import Settings
from rxpump.tcp.operations.ping import Ping
from rxpump.tcp.protocol.pending_requests import PendingRequests
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.codes import ReadEventResult, SubscriptionDropReason
from rxpump.tcp.wire.commands import Command
from rxpump.tcp.wire.package import Package
from tests.tcp.conftest import MakeClient
from tests.tcp.scripted_server import Peer, ScriptedServer

OPS = Credentials("ops", "changeit")


def whose(package: object) -> str | None:
    credentials = package.credentials  # type: ignore[attr-defined]
    return None if credentials is None else credentials.login


async def test_a_repeated_request_has_the_credentials(client_of: MakeClient) -> None:
    asked: list[str | None] = []
    reported = asyncio.Event()

    async def cut_off(peer: Peer) -> None:
        await peer.handshake()
        asked.append(whose(await peer.request(Command.READ_EVENT)))
        peer.cut()

    async def answer(peer: Peer) -> None:
        await peer.handshake()
        request = await peer.request(Command.READ_EVENT)
        asked.append(whose(request))
        event = schema.ResolvedIndexedEvent(event=schema.EventRecord(event_number=7))
        peer.reply(request, Command.READ_EVENT_COMPLETED, schema.ReadEventCompleted(event=event))
        ping = await peer.request()
        asked.append(whose(ping))
        peer.pong(ping)
        reported.set()
        await peer.until_gone()

    async with ScriptedServer(cut_off, answer) as server:
        client = client_of(server)
        await client.open()
        event = await client.as_user(OPS).read_event("ponies", 7, resolve_links=False)
        assert event.number == 7
        await client.ping()
        await reported.wait()
        assert asked == ["ops", "ops", None]


async def test_a_subscription_has_the_credentials(client_of: MakeClient) -> None:
    async def script(peer: Peer) -> None:
        await peer.handshake()
        request = await peer.request(Command.SUBSCRIBE_TO_STREAM)
        assert whose(request) == "ops"
        confirmation = schema.SubscriptionConfirmation(last_commit_position=50, last_event_number=4)
        peer.reply(request, Command.SUBSCRIPTION_CONFIRMATION, confirmation)
        dropped = schema.SubscriptionDropped(reason=SubscriptionDropReason.UNSUBSCRIBED)
        peer.reply(request, Command.SUBSCRIPTION_DROPPED, dropped)
        await peer.until_gone()

    async with ScriptedServer(script) as server:
        client = client_of(server)
        await client.open()
        subscription = await client.as_user(OPS).subscribe("ponies", resolve_links=False)
        assert subscription.last_event_number == 4


async def test_a_refusal_names_the_refused_user(client_of: MakeClient) -> None:
    async def script(peer: Peer) -> None:
        await peer.handshake()
        for _ in range(2):
            peer.reply(await peer.request(), Command.NOT_AUTHENTICATED, b"Not Authenticated")
        await peer.until_gone()

    async with ScriptedServer(script) as server:
        client = client_of(server)
        await client.open()
        with pytest.raises(NotAuthenticated, match=r"^user 'ops' was refused: Not Authenticated$"):
            await client.as_user(OPS).ping()
        with pytest.raises(NotAuthenticated, match=r"^an anonymous user \(nobody is logged in\) was refused"):
            await client.ping()


def deny(peer: Peer, request: Package) -> None:
    dropped = schema.SubscriptionDropped(reason=SubscriptionDropReason.ACCESS_DENIED)
    peer.reply(request, Command.SUBSCRIPTION_DROPPED, dropped)


@pytest.mark.parametrize(
    ("connection", "view", "login", "who"),
    [
        (None, None, None, "an anonymous user (nobody is logged in)"),
        (Credentials("admin", "changeit"), None, "admin", "user 'admin'"),
        (Credentials("admin", "changeit"), OPS, "ops", "user 'ops'"),
        (None, OPS, "ops", "user 'ops'"),
    ],
)
async def test_a_denied_permission_names_the_user(
    connection: Credentials | None, view: Credentials | None, login: str | None, who: str, client_of: MakeClient
) -> None:
    """Access is denied to a request, to a subscription, and to a subscription that is running."""

    async def script(peer: Peer) -> None:
        if connection is not None:
            peer.reply(await peer.request(Command.AUTHENTICATE), Command.AUTHENTICATED, b"")
        await peer.handshake()
        unreadable = schema.ReadEventCompleted(
            result=ReadEventResult.ACCESS_DENIED, event=schema.ResolvedIndexedEvent()
        )
        peer.reply(await peer.request(Command.READ_EVENT), Command.READ_EVENT_COMPLETED, unreadable)
        deny(peer, await peer.request(Command.SUBSCRIBE_TO_STREAM))
        running = await peer.request(Command.SUBSCRIBE_TO_STREAM)
        confirmation = schema.SubscriptionConfirmation(last_commit_position=50, last_event_number=4)
        peer.reply(running, Command.SUBSCRIPTION_CONFIRMATION, confirmation)
        await peer.request(Command.PING)  # The client has received the confirmation.
        deny(peer, running)
        await peer.until_gone()

    async with ScriptedServer(script) as server:
        client = client_of(server, connection)
        await client.open()
        transport = client if view is None else client.as_user(view)
        with pytest.raises(AccessDenied) as read:
            await transport.read_event("s", 0, resolve_links=False)
        with pytest.raises(AccessDenied) as refused:
            await transport.subscribe("s", resolve_links=False)
        running = await transport.subscribe("s", resolve_links=False)
        ping = asyncio.create_task(client.ping())
        with pytest.raises(AccessDenied) as dropped:
            await running.next()
        ping.cancel()
        assert [caught.value.login for caught in (read, refused, dropped)] == [login] * 3
        assert str(read.value) == f"{who} may not read 's'"
        assert str(refused.value) == str(dropped.value) == f"{who} may not subscribe to 's'"


async def test_as_user_shares_the_connection_and_hides_the_password(client_of: MakeClient) -> None:
    async def script(peer: Peer) -> None:
        await peer.handshake()
        await peer.until_gone()

    async with ScriptedServer(script) as server:
        client = client_of(server)
        view = client.as_user(OPS).as_user(Credentials("admin", "changeit"))
        await client.open()
        await view.ping()
        assert server.accepted == 1
        assert repr(view).endswith(" as admin>")
        assert "changeit" not in repr(view)


def test_a_token_goes_out_with_each_request() -> None:
    pending = PendingRequests(Settings())
    pending.connected()
    ping = Ping()
    ping.credentials = Token("abc.def")
    pending.submit(ping)
    (frame,) = pending.send(0.0)
    assert frame[4:6] == bytes((Command.PING, 1))
    assert frame[22:] == b"\xf9\xff" + b"abc.def", "minus seven, little-endian, then the token"
