"""Lost connections, and their effect on pending requests."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from rxpump import failure_log
from rxpump.backoff import Backoff
from rxpump.errors import (
    BadRequest,
    ConnectionClosed,
    ConnectionFailed,
    FrameTooLarge,
    NotAuthenticated,
    NotConnected,
    ReconnectFailed,
    StreamNotFound,
)
from rxpump.model.credentials import Credentials
from rxpump.model.new_events import NewEvent
from rxpump.model.positions import StreamDirection
from rxpump.model.status import Closed, Connected, Connecting, Reconnecting
from rxpump.tcp.paging import stream_pages
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.codes import ReadStreamResult
from rxpump.tcp.wire.commands import Command
from rxpump.tcp.wire.package import Package
from tests.tcp.conftest import Client, MakeClient
from tests.tcp.scripted_server import Peer, ScriptedServer, close_at_once, good


def reasons(client: Client) -> list[str]:
    return [str(status.reason) for status in client.statuses if isinstance(status, Reconnecting)]


async def close_at_first_request(peer: Peer) -> None:
    """Accept the client, and close the connection when its first request arrives."""
    await peer.handshake()
    await peer.request()


async def test_requests_in_flight_are_repeated_in_order_after_a_cut(client_of: MakeClient) -> None:
    seen: list[list[bytes]] = []

    async def take_three(peer: Peer) -> None:
        await peer.handshake()
        requests = [await peer.request(Command.WRITE_EVENTS) for _ in range(3)]
        seen.append([request.payload for request in requests])
        if len(seen) == 3:
            for number, request in enumerate(requests):
                written = schema.WriteEventsCompleted(result=0, first_event_number=number, last_event_number=number)
                peer.reply(request, Command.WRITE_EVENTS_COMPLETED, written)
            await peer.until_gone()

    async with ScriptedServer(take_three) as server:
        client = client_of(server)
        await client.open()
        writes = [client.append("ponies", [NewEvent(name)], -2) for name in ("a", "b", "c")]
        results = await asyncio.gather(*writes)
    assert [result.first_event_number for result in results] == [0, 1, 2]
    assert seen[0] == seen[1] == seen[2]


async def test_statuses_show_each_attempt_and_its_reason(client_of: MakeClient) -> None:
    async with ScriptedServer(close_at_first_request, close_at_once, close_at_once, good) as server:
        client = client_of(server)
        await client.open()
        await client.ping()
        address = str(server.address)
        attempts = [status.attempt for status in client.statuses if isinstance(status, Reconnecting)]
        assert attempts == [1, 2, 3]
        delays = [status.delay for status in client.statuses if isinstance(status, Reconnecting)]
        assert all(0 < delay <= 0.004 for delay in delays)
        assert client.statuses[-2:] == [Connecting(address), Connected(address)]
        assert client.statuses.count(Connected(address)) == 2
        assert all(address in reason for reason in reasons(client))


async def test_failed_attempts_and_their_end_are_logged(
    client_of: MakeClient, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(failure_log, "QUIET_SECONDS", 1e-9)  # The second failure in a row is a warning.
    caplog.set_level(logging.INFO, "rxpump.connection")
    async with ScriptedServer(close_at_first_request, close_at_once, good) as server:
        client = client_of(server)
        await client.open()
        await client.ping()
    lines = [f"{record.levelname} {record.getMessage()}" for record in caplog.records]
    assert len(lines) == 3
    assert lines[0].startswith(f"INFO the connection of rxpump: {reasons(client)[0]}; next attempt in 0.00")
    assert lines[1].startswith("WARNING the connection of rxpump has failed for 0 s: ")
    assert lines[2] == "WARNING the connection of rxpump works again after 0 s"


async def test_a_connection_that_answered_is_no_failed_attempt(client_of: MakeClient) -> None:
    async def answer_once(peer: Peer) -> None:
        await peer.handshake()
        peer.pong(await peer.request())
        await peer.request()

    async with ScriptedServer(answer_once) as server:
        client = client_of(server, reconnect=Backoff(min_delay=0.001, attempts=1))
        await client.open()
        for _ in range(5):
            await client.ping()
        assert {status.attempt for status in client.statuses if isinstance(status, Reconnecting)} == {1}


async def test_a_failed_reconnect_fails_all_requests(client_of: MakeClient) -> None:
    async with ScriptedServer(close_at_first_request, close_at_once) as server:
        client = client_of(server, reconnect=Backoff(min_delay=0.001, attempts=2))
        await client.open()
        outcomes = await asyncio.gather(*(client.ping() for _ in range(5)), return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {ReconnectFailed}
        assert server.accepted == 3
        closed = await client.until(Closed)
        assert isinstance(closed.reason, ReconnectFailed)
        assert closed.reason.attempts == 3
        for _ in range(2):
            with pytest.raises(ConnectionFailed, match=r"after 3 attempt\(s\)") as caught:
                await client.ping()
            assert (caught.value, caught.value.retryable) == (closed.reason, False)


async def test_after_a_policy_gave_up_a_client_can_be_opened_again(client_of: MakeClient) -> None:
    async with ScriptedServer(close_at_first_request, close_at_once, close_at_once, good) as server:
        client = client_of(server, reconnect=Backoff(min_delay=0.001, attempts=1))
        await client.open()
        with pytest.raises(ReconnectFailed):
            await client.ping()
        await client.open()
        await client.ping()


async def test_later_calls_raise_the_failure_to_connect(client_of: MakeClient) -> None:
    async with ScriptedServer(close_at_once) as server:
        client = client_of(server, connect_within=0.01)
        for attempt in (client.open, client.ping):
            with pytest.raises(ConnectionFailed, match="no connection to"):
                await attempt()
        await client.close()
        with pytest.raises(NotConnected, match="the client is closed"):
            await client.ping()


async def test_close_fails_requests_and_closes_the_socket(client_of: MakeClient) -> None:
    gone = asyncio.Event()

    async def note_the_end(peer: Peer) -> None:
        await close_at_first_request(peer)
        await peer.until_gone_silently()
        gone.set()

    async with ScriptedServer(note_the_end) as server:
        client = client_of(server)
        await client.open()
        pings = asyncio.gather(*(client.ping() for _ in range(3)), return_exceptions=True)
        await asyncio.sleep(0)
        await client.close()
        for outcome in await pings:
            assert isinstance(outcome, ConnectionClosed)
            assert "the client was closed" in str(outcome)
        await gone.wait()


async def test_refused_credentials_that_worked_before_are_retried(client_of: MakeClient) -> None:
    """A node that is starting refuses all logins (docs/protocol/tcp.md, section 4.12)."""

    async def refuse(peer: Peer) -> None:
        peer.reply(await peer.request(Command.AUTHENTICATE), Command.NOT_AUTHENTICATED, b"Unauthorized")
        await peer.until_gone()

    async with ScriptedServer(close_at_first_request, refuse, refuse, good) as server:
        client = client_of(server, Credentials("admin", "changeit"))
        await client.open()
        await client.ping()
        refusals = [
            status.reason
            for status in client.statuses
            if isinstance(status, Reconnecting) and isinstance(status.reason, NotAuthenticated)
        ]
        assert len(refusals) == 2


async def test_a_single_refused_request_is_its_own_error(client_of: MakeClient) -> None:
    async def refuse_one(peer: Peer) -> None:
        await peer.handshake()
        peer.reply(await peer.request(), Command.NOT_AUTHENTICATED, b"Not Authenticated")
        await peer.until_gone()

    async with ScriptedServer(refuse_one) as server:
        client = client_of(server)
        await client.open()
        with pytest.raises(NotAuthenticated, match=r"^an anonymous user .* was refused: Not Authenticated"):
            await client.ping()
        await client.ping()
        assert server.accepted == 1


# Ends of connections ------------------------------------------------------------------------------------


async def garbage(peer: Peer) -> None:
    peer.send(b"\x05\x00\x00\x00 not a package")


async def bad_request_and_close(peer: Peer) -> None:
    peer.send(Package(Command.BAD_REQUEST, bytes(16), b"Invalid TCP frame").encode())


async def end(peer: Peer) -> None:
    peer.writer.close()


@pytest.mark.parametrize(
    ("deed", "reason"),
    [
        (garbage, "malformed frame: its length is 5"),
        (bad_request_and_close, "the server refused the connection as a bad request: Invalid TCP frame"),
        (end, "the server ended the connection"),
    ],
)
async def test_the_reason_of_a_loss_is_reported_and_requests_go_on(
    client_of: MakeClient, deed: Any, reason: str
) -> None:
    async def close_after_deed(peer: Peer) -> None:
        await close_at_first_request(peer)
        await deed(peer)
        await peer.until_gone_silently()

    async with ScriptedServer(close_after_deed, good) as server:
        client = client_of(server)
        await client.open()
        await client.ping()
        (why,) = reasons(client)
        assert reason in why


async def test_a_bad_request_fails_only_its_request(client_of: MakeClient) -> None:
    async def refuse_ping(peer: Peer) -> None:
        await peer.handshake()
        peer.reply(await peer.request(), Command.BAD_REQUEST, b"What?")
        await peer.until_gone()

    async with ScriptedServer(refuse_ping) as server:
        client = client_of(server)
        await client.open()
        with pytest.raises(BadRequest, match="the server refused Ping as a bad request: What"):
            await client.ping()
        await client.ping()
        assert server.accepted == 1


async def test_unrequested_packages_are_ignored(client_of: MakeClient) -> None:
    async def send_unrequested(peer: Peer) -> None:
        await peer.handshake()
        request = await peer.request()
        stray = request._replace(correlation_id=bytes(range(16)))
        peer.pong(stray)
        peer.reply(stray, 0x77, b"?")
        peer.pong(request)
        peer.pong(request)
        await peer.until_gone()

    async with ScriptedServer(send_unrequested) as server:
        client = client_of(server)
        await client.open()
        await client.ping()
        await client.ping()
        assert server.accepted == 1


# Heartbeats ---------------------------------------------------------------------------------------------


async def test_the_servers_heartbeats_are_answered(client_of: MakeClient) -> None:
    answered: list[bool] = []

    async def ask(peer: Peer) -> None:
        identify = await peer.handshake()
        peer.reply(identify, Command.HEARTBEAT_REQUEST)
        answer = await peer.receive()
        answered.append(answer.command == Command.HEARTBEAT_RESPONSE)
        assert answer.correlation_id == identify.correlation_id
        await peer.until_gone()

    async with ScriptedServer(ask) as server:
        client = client_of(server)
        await client.open()
        await client.ping()
    assert answered == [True]


async def test_a_silent_server_is_reconnected(client_of: MakeClient) -> None:
    async def stop_replying(peer: Peer) -> None:
        await peer.handshake()
        await peer.until_gone_silently()

    async with ScriptedServer(stop_replying, good) as server:
        client = client_of(server, heartbeat_interval=0.02, heartbeat_timeout=0.02)
        await client.open()
        await client.ping()
        assert reasons(client)[0].endswith("no bytes were received for 0.04 s")


async def test_a_server_that_answers_heartbeats_is_kept(client_of: MakeClient) -> None:
    asked_again = asyncio.Event()

    async def answer(peer: Peer) -> None:
        await peer.handshake()
        for _ in range(2):
            package = await peer.receive()
            assert package.command == Command.HEARTBEAT_REQUEST
            peer.reply(package, Command.HEARTBEAT_RESPONSE)
        asked_again.set()
        await peer.until_gone()

    async with ScriptedServer(answer) as server:
        client = client_of(server, heartbeat_interval=0.01, heartbeat_timeout=0.3)
        await client.open()
        await asked_again.wait()
        await client.ping()
        assert server.accepted == 1


# Too large ----------------------------------------------------------------------------------------------


async def test_a_reply_over_the_limit_fails_its_request_and_no_other(client_of: MakeClient) -> None:
    async def send_too_much(peer: Peer) -> None:
        await peer.handshake()
        requests = [await peer.request() for _ in range(2)]
        (read,) = (each for each in requests if each.command == Command.READ_STREAM_EVENTS_FORWARD)
        peer.reply(read, Command.READ_STREAM_EVENTS_FORWARD_COMPLETED, bytes(5000))
        await peer.until_gone_silently()

    async with ScriptedServer(send_too_much, good) as server:
        client = client_of(server, max_frame_bytes=4096)
        await client.open()
        read = client.read_stream_page("ponies", 0, 10, StreamDirection.FORWARD, resolve_links=False)
        outcome, _ = await asyncio.gather(read, client.ping(), return_exceptions=True)
        assert isinstance(outcome, FrameTooLarge)
        assert (outcome.size, outcome.limit) == (5018, 4096)
        assert reasons(client) == ["a frame of 5018 bytes is over the limit of 4096"]


async def test_pages_over_the_frame_limit_are_halved(client_of: MakeClient) -> None:
    counts: list[int] = []

    async def serve(peer: Peer) -> None:
        await peer.handshake()
        while True:
            request = await peer.request(Command.READ_STREAM_EVENTS_FORWARD)
            read = schema.ReadStreamEvents.FromString(request.payload)
            counts.append(read.max_count)
            numbers = range(read.from_event_number, min(read.from_event_number + read.max_count, 16))
            records = [schema.EventRecord(event_number=number, data=bytes(1000)) for number in numbers]
            page = schema.ReadStreamEventsCompleted(
                events=[schema.ResolvedIndexedEvent(event=record) for record in records],
                next_event_number=numbers.stop,
                is_end_of_stream=numbers.stop == 16,
            )
            peer.reply(request, Command.READ_STREAM_EVENTS_FORWARD_COMPLETED, page)

    async with ScriptedServer(serve) as server:
        client = client_of(server, max_frame_bytes=5000)
        await client.open()
        pages = stream_pages(client, "ponies", 0, 16, StreamDirection.FORWARD, resolve_links=False)
        assert [event.number async for page in pages for event in page] == list(range(16))
        assert counts == [16, 8, 4, 4, 4, 4]
        assert server.accepted == 3, "a frame that cannot be received costs its connection"


async def test_a_result_code_raises_its_error(client_of: MakeClient) -> None:
    async def deny(peer: Peer) -> None:
        await peer.handshake()
        none = schema.ReadStreamEventsCompleted(result=ReadStreamResult.NO_STREAM)
        peer.reply(await peer.request(), Command.READ_STREAM_EVENTS_FORWARD_COMPLETED, none)
        await peer.until_gone()

    async with ScriptedServer(deny) as server:
        client = client_of(server)
        await client.open()
        with pytest.raises(StreamNotFound, match="'ponies'"):
            await client.read_stream_page("ponies", 0, 10, StreamDirection.FORWARD, resolve_links=False)
