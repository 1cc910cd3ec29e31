from __future__ import annotations

import asyncio

import pytest

from rxpump.errors import AccessDenied, ConnectionClosed, MalformedReply, SubscriptionDropped
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.codes import SubscriptionDropReason
from rxpump.tcp.wire.commands import Command
from rxpump.tcp.wire.package import Package
from tests.tcp.conftest import Client, MakeClient
from tests.tcp.scripted_server import Peer, ScriptedServer, good


def confirm(peer: Peer, request: Package) -> None:
    confirmation = schema.SubscriptionConfirmation(last_commit_position=50, last_event_number=4)
    peer.reply(request, Command.SUBSCRIPTION_CONFIRMATION, confirmation)


def appear(peer: Peer, request: Package, *numbers: int) -> None:
    for number in numbers:
        record = schema.EventRecord(event_stream_id="ponies", event_number=number, event_type="T")
        event = schema.ResolvedEvent(event=record, commit_position=100 * number, prepare_position=100 * number)
        peer.reply(request, Command.STREAM_EVENT_APPEARED, schema.StreamEventAppeared(event=event))


async def numbers(subscription: object, count: int) -> list[int]:
    """Pull events until `count` have arrived; return their numbers."""
    taken: list[int] = []
    while len(taken) < count:
        taken += [event.number for event in await subscription.next()]  # type: ignore[attr-defined]
    return taken


async def test_events_with_the_confirmation_arrive_in_order(client_of: MakeClient) -> None:
    async def publish(peer: Peer) -> None:
        await peer.handshake()
        request = await peer.request(Command.SUBSCRIBE_TO_STREAM)
        confirm(peer, request)
        appear(peer, request, 5, 6, 7)
        peer.pong(await peer.request())
        appear(peer, request, 8, 9)
        await peer.until_gone_silently()

    async with ScriptedServer(publish) as server:
        client = client_of(server)
        await client.open()
        subscription = await client.subscribe("ponies", resolve_links=False)
        assert (subscription.last_event_number, subscription.last_commit_position) == (4, 50)
        assert await numbers(subscription, 3) == [5, 6, 7]
        await client.ping()
        assert await numbers(subscription, 2) == [8, 9]
        assert repr(subscription) == "<LiveSubscription <LiveBuffer of ponies, 0 events buffered, open>>"


async def test_closing_unsubscribes_under_the_same_id(client_of: MakeClient) -> None:
    left = asyncio.Event()

    async def wait_for_unsubscribe(peer: Peer) -> None:
        await peer.handshake()
        request = await peer.request(Command.SUBSCRIBE_TO_STREAM)
        confirm(peer, request)
        unsubscribe_command = await peer.request(Command.UNSUBSCRIBE_FROM_STREAM)
        assert unsubscribe_command.correlation_id == request.correlation_id
        peer.reply(unsubscribe_command, Command.SUBSCRIPTION_DROPPED)
        left.set()
        await peer.until_gone()

    async with ScriptedServer(wait_for_unsubscribe) as server:
        client = client_of(server)
        await client.open()
        subscription = await client.subscribe("ponies", resolve_links=False)
        subscription.close()
        await left.wait()
        await client.ping()


async def subscribed(client: Client) -> object:
    await client.open()
    return await client.subscribe(None, resolve_links=False)


async def test_a_drop_is_raised_after_the_events_before_it(client_of: MakeClient) -> None:
    async def drop(peer: Peer) -> None:
        await peer.handshake()
        request = await peer.request(Command.SUBSCRIBE_TO_STREAM)
        confirm(peer, request)
        appear(peer, request, 5, 6)
        peer.reply(request, Command.SUBSCRIPTION_DROPPED)
        await peer.until_gone()

    async with ScriptedServer(drop) as server:
        subscription = await subscribed(client_of(server))
        assert await numbers(subscription, 2) == [5, 6]
        with pytest.raises(SubscriptionDropped, match=r"'\$all' was dropped: unsubscribed by the server"):
            await numbers(subscription, 1)
        with pytest.raises(SubscriptionDropped):
            await numbers(subscription, 1)


async def test_a_lost_connection_ends_the_subscription(client_of: MakeClient) -> None:
    async def cut(peer: Peer) -> None:
        await peer.handshake()
        request = await peer.request(Command.SUBSCRIBE_TO_STREAM)
        confirm(peer, request)
        appear(peer, request, 5)

    async with ScriptedServer(cut, good) as server:
        client = client_of(server)
        subscription = await subscribed(client)
        assert await numbers(subscription, 1) == [5]
        with pytest.raises(ConnectionClosed):
            await numbers(subscription, 1)
        subscription.close()  # type: ignore[attr-defined]
        await client.ping()


async def test_a_refused_subscription_raises_access_denied(client_of: MakeClient) -> None:
    async def deny(peer: Peer) -> None:
        await peer.handshake()
        denied = schema.SubscriptionDropped(reason=SubscriptionDropReason.ACCESS_DENIED)
        peer.reply(await peer.request(), Command.SUBSCRIPTION_DROPPED, denied)
        await peer.until_gone()

    async with ScriptedServer(deny) as server:
        with pytest.raises(AccessDenied, match=r"^an anonymous user .* may not subscribe to '\$all'"):
            await subscribed(client_of(server))


async def test_an_invalid_event_ends_the_subscription_only(client_of: MakeClient) -> None:
    async def send_invalid_event(peer: Peer) -> None:
        await peer.handshake()
        request = await peer.request(Command.SUBSCRIBE_TO_STREAM)
        confirm(peer, request)
        peer.reply(request, Command.STREAM_EVENT_APPEARED, b"\x0a\xff")
        await peer.until_gone()

    async with ScriptedServer(send_invalid_event) as server:
        client = client_of(server)
        subscription = await subscribed(client)
        with pytest.raises(MalformedReply):
            await numbers(subscription, 1)
        await client.ping()
        assert server.accepted == 1
