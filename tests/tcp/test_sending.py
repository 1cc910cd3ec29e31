"""Sending: bursts, a server that does not read, and callers that cancel."""

from __future__ import annotations

import asyncio
import re

import pytest

from rxpump.errors import OperationTimedOut
from rxpump.model.credentials import Credentials
from rxpump.model.new_events import NewEvent
from rxpump.settings import Settings
from rxpump.tcp.node_resolver import FixedAddress
from rxpump.tcp.protocol.pending_requests import PendingRequests
from rxpump.tcp.reconnector import TcpReconnector
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.commands import Command
from rxpump.telemetry import Telemetry
from tests.tcp.conftest import Client, MakeClient
from tests.tcp.protocol.driving import Ask
from tests.tcp.scripted_server import Gone, Peer, ScriptedServer, good


def waiting(client: Client) -> int:
    """Return the number of requests that were not sent."""
    found = re.search(r"(\d+) waiting", repr(client))
    assert found is not None
    return int(found[1])


async def test_hundreds_of_replies_in_any_order_reach_their_requests(client_of: MakeClient) -> None:
    async def answer_backwards(peer: Peer) -> None:
        await peer.handshake()
        requests = [await peer.request(Command.READ_EVENT) for _ in range(500)]
        for request in reversed(requests):
            number = schema.ReadEvent.FromString(request.payload).event_number
            record = schema.EventRecord(event_stream_id="ponies", event_number=number, event_type="T")
            found = schema.ReadEventCompleted(result=0, event=schema.ResolvedIndexedEvent(event=record))
            peer.reply(request, Command.READ_EVENT_COMPLETED, found)
        await peer.until_gone()

    async with ScriptedServer(answer_backwards) as server:
        client = client_of(server)
        await client.open()
        events = await asyncio.gather(*(client.read_event("ponies", n, resolve_links=False) for n in range(500)))
    assert [event.number for event in events] == list(range(500))


async def test_max_in_flight_limits_unanswered_requests(client_of: MakeClient) -> None:
    most = 0

    async def count(peer: Peer) -> None:
        nonlocal most
        await peer.handshake()
        unanswered = []
        for _ in range(20):
            unanswered.append(await peer.request(Command.PING))
            most = max(most, len(unanswered))
            if len(unanswered) == 3:
                for request in unanswered:
                    peer.pong(request)
                unanswered.clear()
        for request in unanswered:
            peer.pong(request)
        await peer.until_gone()

    async with ScriptedServer(count) as server:
        client = client_of(server, max_in_flight=3)
        await client.open()
        await asyncio.gather(*(client.ping() for _ in range(20)))
    assert most == 3


async def test_requests_wait_while_the_server_does_not_read(client_of: MakeClient) -> None:
    may_read = asyncio.Event()

    async def read_late(peer: Peer) -> None:
        await peer.handshake()
        peer.writer.transport.pause_reading()  # type: ignore[attr-defined]
        is_paused.set()
        await may_read.wait()
        peer.writer.transport.resume_reading()  # type: ignore[attr-defined]
        while True:
            written = schema.WriteEventsCompleted(result=0, first_event_number=0, last_event_number=0)
            peer.reply(await peer.request(Command.WRITE_EVENTS), Command.WRITE_EVENTS_COMPLETED, written)

    is_paused = asyncio.Event()
    async with ScriptedServer(read_late) as server:
        client = client_of(server)
        await client.open()
        await is_paused.wait()
        event = NewEvent("T", bytes(1_000_000))
        writes = [asyncio.create_task(client.append("ponies", [event], -2)) for _ in range(40)]
        while waiting(client) == 0:
            await asyncio.sleep(0)
        # The socket accepts at most the buffer of the system and one burst.
        assert waiting(client) > 20
        writes[-1].cancel()
        may_read.set()
        await asyncio.gather(*writes[:-1])
        assert server.accepted == 1


async def test_a_cancelled_call_withdraws_its_request(client_of: MakeClient) -> None:
    seen: list[bytes] = []
    has_seen_one = asyncio.Event()

    async def note(peer: Peer) -> None:
        await peer.handshake()
        first = await peer.request(Command.READ_EVENT)
        seen.append(first.payload)
        has_seen_one.set()
        await peer.until_gone_silently()

    async def answer(peer: Peer) -> None:
        await peer.handshake()
        try:
            while True:
                package = await peer.request()
                seen.append(package.payload)
                peer.pong(package)
        except Gone:
            pass

    async with ScriptedServer(note, answer) as server:
        client = client_of(server, heartbeat_interval=0.02, heartbeat_timeout=0.02)
        await client.open()
        read = asyncio.create_task(client.read_event("ponies", 0, resolve_links=False))
        await has_seen_one.wait()
        read.cancel()
        with pytest.raises(asyncio.CancelledError):
            await read
        await client.ping()  # On the next connection, the read is not requested again.
    assert len(seen) == 2
    assert seen[1] == b""


async def test_a_missing_reply_is_a_timeout_and_keeps_the_connection(client_of: MakeClient) -> None:
    async def drop_one(peer: Peer) -> None:
        await peer.handshake()
        await peer.request(Command.PING)
        await peer.until_gone()

    async with ScriptedServer(drop_one) as server:
        client = client_of(server, timeout=0.03)
        await client.open()
        with pytest.raises(OperationTimedOut, match=r"Ping was not done within 0.03 s: sent 1 time\(s\), there"):
            await client.ping()
        await client.ping()
        assert server.accepted == 1


class LateAsker(PendingRequests):
    """Pending requests that get another request when a connection is ready, before the reconnector notices."""

    def connected(self) -> None:
        super().connected()
        loop = asyncio.get_running_loop()
        self.answer: asyncio.Future[bytes] = loop.create_future()
        loop.call_soon(self.submit, Ask("late"), self.answer)


async def test_a_request_made_as_a_connection_becomes_ready_is_sent() -> None:
    """The request is not delayed until the next heartbeat, which is an hour later."""
    settings = Settings(heartbeat_interval=3600.0)
    pending = LateAsker(settings)
    async with ScriptedServer(good) as server:
        reconnector = TcpReconnector(
            FixedAddress(server.address), settings, pending, lambda status: None, Telemetry()
        )
        running = asyncio.create_task(reconnector.run())
        await reconnector.first
        await pending.answer
        running.cancel()
        await asyncio.wait([running])


async def test_reprs_show_the_state_and_no_password(client_of: MakeClient) -> None:
    async with ScriptedServer(good) as server:
        client = client_of(server, Credentials("admin", "changeit"))
        assert repr(client) == (
            f"<TcpTransport <NodeConnections <SharedConnection <FixedAddress {server.address}> None "
            "<PendingRequests 0 in flight, 0 waiting, 0 retrying>>>>"
        )
        await client.open()
        assert f"<TcpReconnector of <Connection <ClientProtocol to {server.address}, ready>" in repr(client)
        await client.close()
        assert "<TcpReconnector, no connection" in repr(client)
        assert "changeit" not in repr(client)
