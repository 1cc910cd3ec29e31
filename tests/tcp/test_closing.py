"""Closing a connection: acknowledgements arrive, subscriptions end, and the socket is not reset."""

from __future__ import annotations

import asyncio

import pytest

from rxpump.errors import ClientClosed
from rxpump.model.events import Event
from rxpump.tcp.operations.connect_persistent import ConnectPersistent
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.commands import Command
from rxpump.tcp.wire.package import Package
from tests.tcp.conftest import MakeClient
from tests.tcp.scripted_server import Gone, Peer, ScriptedServer

ACK = Command.PERSISTENT_SUBSCRIPTION_ACK_EVENTS
APPEARED = Command.PERSISTENT_SUBSCRIPTION_STREAM_EVENT_APPEARED


class Group:
    """A server of one consumer group that still sends events while the consumer leaves.

    `ends` is the last result of reading: b"" if the client closed its side in order, else the error of a reset.
    """

    def __init__(self, *, confirms: bool = True) -> None:
        self.acked: list[bytes] = []
        self.ends: list[object] = []
        self.is_left = asyncio.Event()
        self._confirms = confirms

    async def serve(self, peer: Peer) -> None:
        await peer.handshake()
        connect = await peer.request(ConnectPersistent.command)
        confirmation = schema.PersistentSubscriptionConfirmation(last_commit_position=0, subscription_id="s::g")
        peer.reply(connect, Command.PERSISTENT_SUBSCRIPTION_CONFIRMATION, confirmation)
        for number in range(5):
            self.deliver(peer, connect, number)
        while (package := await peer.request()).command == ACK:
            self.acked += schema.PersistentSubscriptionAckEvents.FromString(package.payload).processed_event_ids
        assert package.command == Command.UNSUBSCRIBE_FROM_STREAM
        for number in range(5, 105):
            self.deliver(peer, connect, number, bytes(1000))
        if self._confirms:
            peer.reply(package, Command.SUBSCRIPTION_DROPPED)
        for number in range(105, 205):
            self.deliver(peer, connect, number, bytes(40_000))
        try:
            while rest := await peer.reader.read(1 << 16):
                pass
            self.ends.append(rest)
        except ConnectionError as error:
            self.ends.append(error)
        self.is_left.set()

    def deliver(self, peer: Peer, connect: Package, number: int, data: bytes = b"") -> None:
        record = schema.EventRecord(
            event_stream_id="s", event_number=number, event_type="T", event_id=id_of(number), data=data
        )
        event = schema.ResolvedIndexedEvent(event=record)
        peer.reply(connect, APPEARED, schema.PersistentSubscriptionStreamEventAppeared(event=event))


def id_of(number: int) -> bytes:
    return number.to_bytes(16, "little")


@pytest.mark.parametrize("confirms", [True, False])
async def test_acknowledgements_before_close_arrive(
    client_of: MakeClient, monkeypatch: pytest.MonkeyPatch, confirms: bool
) -> None:
    if not confirms:
        monkeypatch.setattr("rxpump.tcp.shared_connection.CLOSING_SECONDS", 0.01)
    group = Group(confirms=confirms)
    async with ScriptedServer(group.serve) as server:
        client = client_of(server)
        await client.open()
        subscription = await client.connect_group("s", "g", 10)
        events: list[Event] = []
        while len(events) < 5:
            events += [event for event, _ in await subscription.next()]
        subscription.ack(events)
        await client.close()
        await group.is_left.wait()
        with pytest.raises(ClientClosed):
            await subscription.next()
    assert group.acked == [id_of(number) for number in range(5)]
    assert group.ends == [b""]


async def test_close_sends_waiting_acknowledgements_first(client_of: MakeClient) -> None:
    group = Group()
    async with ScriptedServer(group.serve) as server:
        client = client_of(server)
        await client.open()
        subscription = await client.connect_group("s", "g", 10)
        events: list[Event] = []
        while len(events) < 5:
            events += [event for event, _ in await subscription.next()]
        subscription.before_end(lambda: subscription.ack(events))
        await client.close()
        await group.is_left.wait()
    assert len(group.acked) == 5


async def test_settled_waits_for_the_confirmed_unsubscribe(client_of: MakeClient) -> None:
    may_confirm = asyncio.Event()

    async def confirm_late(peer: Peer) -> None:
        await peer.handshake()
        request = await peer.request(Command.SUBSCRIBE_TO_STREAM)
        confirmation = schema.SubscriptionConfirmation(last_commit_position=0, last_event_number=0)
        peer.reply(request, Command.SUBSCRIPTION_CONFIRMATION, confirmation)
        package = await peer.request(Command.UNSUBSCRIBE_FROM_STREAM)
        await may_confirm.wait()
        peer.reply(package, Command.SUBSCRIPTION_DROPPED)
        await peer.until_left()

    async with ScriptedServer(confirm_late) as server:
        client = client_of(server)
        await client.open()
        (await client.subscribe("s", resolve_links=False)).close()
        settling = asyncio.create_task(client.settled())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not settling.done()
        may_confirm.set()
        await settling


async def test_a_missing_confirmation_delays_close_briefly(
    client_of: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rxpump.tcp.shared_connection.CLOSING_SECONDS", 0.01)

    async def keep_silent(peer: Peer) -> None:
        await peer.handshake()
        request = await peer.request(Command.SUBSCRIBE_TO_STREAM)
        confirmation = schema.SubscriptionConfirmation(last_commit_position=0, last_event_number=0)
        peer.reply(request, Command.SUBSCRIPTION_CONFIRMATION, confirmation)
        await peer.until_gone_silently()

    async with ScriptedServer(keep_silent) as server:
        client = client_of(server)
        await client.open()
        (await client.subscribe("s", resolve_links=False)).close()
        with pytest.raises(TimeoutError):
            await client.settled()
        await client.close()


async def test_a_server_that_keeps_its_side_open_is_reset(
    client_of: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rxpump.tcp.connection.CLOSING_SECONDS", 0.01)
    is_over = asyncio.Event()

    async def stay(peer: Peer) -> None:
        await peer.handshake()
        try:
            while True:
                await peer.receive()
        except Gone:
            await is_over.wait()

    async with ScriptedServer(stay) as server:
        client = client_of(server)
        await client.open()
        await client.close()
        is_over.set()
