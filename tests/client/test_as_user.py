"""Clients for other users over one connection to the embedded server."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from reactivex import operators as rx

import rxpump
from rxpump import operators as ops
from rxpump.backoff import Backoff
from rxpump.errors import AccessDenied, InvalidArgument, NotAuthenticated, NotOwner
from rxpump.server import EmbeddedServer
from rxpump.testing.proxy import Proxy


async def to_result(values: rxpump.Observable[Any]) -> Any:
    return await values


async def test_requests_have_the_credentials_of_the_user(memory_server: EmbeddedServer) -> None:
    async with rxpump.connect(memory_server.uri) as client:
        admin, stranger = client.as_user("admin", "changeit"), client.as_user("admin", "guess")
        await client.publish_event("ponies", "Counted")
        with pytest.raises(AccessDenied):
            await client.get_all()
        assert len(await admin.get_all()) == 1
        assert await admin.iter_all().pipe(rx.count()) == 1
        with pytest.raises(NotAuthenticated, match="user 'admin' was refused"):
            await stranger.ping()
        with pytest.raises(NotAuthenticated):
            await stranger.stream("ponies").pipe(rx.first())
        with pytest.raises(AccessDenied):
            await admin.as_user("ops", "changeit").get_all()


async def test_a_client_of_another_user_shares_status_and_drain(memory_server: EmbeddedServer) -> None:
    async with rxpump.connect(memory_server.uri) as client:
        admin = client.as_user("admin", "changeit")
        assert admin.is_connected
        assert await admin.status.pipe(rx.first()) == await client.status.pipe(rx.first())
        completed = admin.stream("ponies").pipe(rx.to_list())
        async with asyncio.TaskGroup() as group:
            following = group.create_task(to_result(completed))
            await client.ping()
            assert await admin.drain()
        assert following.result() == []
        assert repr(admin).startswith("<UserClient rxpump as admin: Connected(")


async def test_only_the_owner_connects_and_closes(memory_server: EmbeddedServer) -> None:
    async with rxpump.connect(memory_server.uri, name="billing") as client:
        admin = client.as_user("admin", "changeit")
        for call in (admin.close, admin.connect, admin.__aenter__, admin.as_user("ops", "changeit").close):
            with pytest.raises(NotOwner, match=r"the connection of client 'billing'; call (close|connect)"):
                await call()
        assert await client.ping() < 5, "nothing was closed"


async def test_an_operator_writes_as_the_user_of_its_client(memory_server: EmbeddedServer) -> None:
    async with rxpump.connect(memory_server.uri) as client:
        await client.publish("ponies", [rxpump.NewEvent("Counted", {"n": n}) for n in range(10)])
        copies = client.iter("ponies").pipe(ops.json(), ops.to_event("Copied"))
        with pytest.raises(AccessDenied):
            await copies.pipe(ops.publish_to(client, "$secret"))
        admin = client.as_user("admin", "changeit")
        assert (await copies.pipe(ops.publish_to(admin, "$secret"))).last_event_number == 9
        assert len(await admin.get("$secret")) == 10


async def test_a_subscription_resumes_as_the_same_user(memory_server: EmbeddedServer) -> None:
    reconnect = rxpump.Settings(reconnect=Backoff(min_delay=0.001), retry=Backoff(min_delay=0.001))
    async with (
        Proxy(memory_server.port) as proxy,
        rxpump.connect(host="127.0.0.1", port=proxy.port, settings=reconnect) as client,
    ):
        admin = client.as_user("admin", "changeit")
        seen: list[Any] = []
        news = asyncio.Event()

        def note(item: Any) -> None:
            seen.append(item)
            news.set()

        async def until(count: int) -> None:
            while sum(isinstance(item, rxpump.Event) for item in seen) < count:
                news.clear()
                await news.wait()

        subscription = admin.stream_all().pipe(ops.with_signals()).subscribe(note, seen.append)
        await client.publish_event("ponies", "Counted")
        await until(1)
        proxy.cut()
        await client.publish_event("ponies", "Counted")
        await until(2)
        subscription.dispose()
        assert [item.number for item in seen if isinstance(item, rxpump.Event)] == [0, 1]


async def test_a_consumer_group_is_used_as_the_user(memory_server: EmbeddedServer) -> None:
    async with rxpump.connect(memory_server.uri) as client:
        admin = client.as_user("admin", "changeit")
        await admin.publish_event("$secret", "Counted")
        with pytest.raises(AccessDenied):
            await client.create_subscription("group", "$secret", start_from=0)
        await admin.create_subscription("group", "$secret", start_from=0)
        with pytest.raises(AccessDenied):
            await client.connect_subscription("group", "$secret").pipe(rx.first())
        delivered = admin.connect_subscription("group", "$secret").pipe(ops.ack_each(), rx.first())
        assert (await delivered).stream == "$secret"


async def test_a_token_excludes_a_login() -> None:
    refused: list[dict[str, Any]] = [{"username": "admin"}, {"password": "x"}]
    for given in refused:
        with pytest.raises(InvalidArgument, match="without a username and a password"):
            rxpump.connect(token="abc", **given)
    with pytest.raises(InvalidArgument, match="token"):
        rxpump.connect("memory://", token="abc")
    client = rxpump.connect("tcp://localhost", token="abc")
    assert "abc" not in repr(client._transport)


async def test_connecting_with_a_token_is_refused(memory_server: EmbeddedServer) -> None:
    client = rxpump.connect(memory_server.uri, token="header.claims.signature")
    with pytest.raises(NotAuthenticated, match=r"user '\(token\)' was refused: Invalid TCP frame received"):
        await client.connect()
    await client.close()


async def test_a_refused_token_leaves_the_client_connected(memory_server: EmbeddedServer) -> None:
    """The embedded server, like version 4, treats a token as a malformed frame and closes the connection."""
    reconnect = rxpump.Settings(reconnect=Backoff(min_delay=0.001, max_delay=0.002))
    async with rxpump.connect(memory_server.uri, settings=reconnect) as client:
        with pytest.raises(NotAuthenticated, match="servers before version 20 do not accept tokens"):
            await client.as_user(rxpump.Token("header.claims.signature")).ping()
        assert await client.ping() < 5


async def test_too_long_credentials_are_refused_at_the_call(memory_server: EmbeddedServer) -> None:
    """The limit is that of the protocol, not of Credentials."""
    long, login = rxpump.Credentials("a" * 128, "x"), "username is 'aaaa"
    async with rxpump.connect(memory_server.uri) as client:
        with pytest.raises(InvalidArgument, match=login):
            client.as_user(long)
        with pytest.raises(InvalidArgument, match="token is"):
            client.as_user(rxpump.Token("a" * 40_000))
    with pytest.raises(InvalidArgument, match=login):
        rxpump.connect("tcp://localhost", username="a" * 128, password="x")
    with pytest.raises(InvalidArgument, match=login):
        rxpump.connect(f"tcp://{'a' * 128}:x@localhost")
