"""Connections: TLS, refusals, keepalive, reconnecting, and nodes that shut down or are not the leader."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

import rxpump
from rxpump.errors import (
    CertificateRefused,
    ConnectionClosed,
    ConnectionFailed,
    InvalidArgument,
    NotAuthenticated,
    OperationTimedOut,
    ReconnectFailed,
)
from rxpump.grpc.caller import Caller
from rxpump.grpc.calls.delete import delete as deletion_of
from rxpump.grpc.dialer import Dialer
from rxpump.grpc.http2 import Http2Limits
from rxpump.grpc.protocol.call_status import CallStatus, StatusCode
from rxpump.model.credentials import Credentials
from rxpump.model.positions import Position
from rxpump.model.status import Closed, Connected, Connecting, Reconnecting, Status
from rxpump.server import EmbeddedServer, SqliteStore
from rxpump.settings import Settings
from rxpump.testing.proxy import Proxy
from rxpump.uri import GrpcAddress
from tests.certificates import authority, authority_file, certificate_files, certified
from tests.grpc.clients import FOLLOW, QUICK, SETTINGS, calling, channel_to, handlers
from tests.grpc.harness import ServerCall, serving
from tests.grpc.test_calls import DELETION, delete, never
from tests.listening import Serve, listening

GIVE_UP = rxpump.Backoff(min_delay=0.001, attempts=0)


# TLS and credentials ---------------------------------------------------------------------------------------------


@pytest.fixture
def ca() -> Iterator[str]:
    with authority_file() as path:
        yield path


@pytest.fixture
async def secure() -> AsyncIterator[EmbeddedServer]:
    tls = certified("127.0.0.1", "localhost")
    async with EmbeddedServer(SqliteStore.in_memory(), tls=tls, grpc_port=0) as server:
        yield server


def uri(server: EmbeddedServer, options: str = "", login: str = "admin:changeit@", host: str = "127.0.0.1") -> str:
    return f"kurrentdb://{login}{host}:{server.grpc_port}?{options}"


async def refusal(uri: str, error: type[ConnectionFailed] = ConnectionFailed) -> str:
    with pytest.raises(error) as refused:
        await rxpump.connect(uri, reconnect=GIVE_UP).connect()
    return refused.value.reason


async def test_a_client_that_trusts_the_authority_connects(secure: EmbeddedServer, ca: str) -> None:
    async with rxpump.connect(uri(secure, f"tlsCaFile={ca}")) as client:
        await client.publish_event("s", "A", {"n": 1})
        assert [event.json() async for event in client.iter("s")] == [{"n": 1}]
        assert [event.json() async for event in client.as_user("ops", "changeit").iter("s")] == [{"n": 1}]


async def test_a_certificate_that_is_not_trusted_is_refused(secure: EmbeddedServer) -> None:
    assert "no trusted authority has issued it" in await refusal(uri(secure), CertificateRefused)
    async with rxpump.connect(uri(secure, "tlsVerifyCert=false")) as client:
        assert client.is_connected


async def test_a_certificate_for_another_host_is_refused(ca: str) -> None:
    async with EmbeddedServer(SqliteStore.in_memory(), tls=certified("else.example"), grpc_port=0) as server:
        assert "it is not for '127.0.0.1'" in await refusal(uri(server, f"tlsCaFile={ca}"), CertificateRefused)
        async with rxpump.connect(uri(server, f"tlsCaFile={ca}&tls_server_name=else.example")) as client:
            assert client.is_connected


async def test_a_server_with_tls_refuses_a_client_without(secure: EmbeddedServer) -> None:
    await refusal(uri(secure, "tls=false&connect_timeout=0.3"))


async def test_a_server_without_tls_refuses_a_client_with_tls(memory_grpc: EmbeddedServer) -> None:
    assert "does not seem to use TLS" in await refusal(uri(memory_grpc, "connect_timeout=0.3"))


async def test_wrong_credentials_are_refused_at_the_connection(secure: EmbeddedServer, ca: str) -> None:
    with pytest.raises(NotAuthenticated) as refused:
        await rxpump.connect(uri(secure, f"tlsCaFile={ca}", "admin:wrong@"), reconnect=GIVE_UP).connect()
    assert refused.value.login == "admin"


@pytest.fixture
async def memory_grpc() -> AsyncIterator[EmbeddedServer]:
    async with EmbeddedServer(SqliteStore.in_memory(), grpc_port=0, insecure=True) as server:
        yield server


async def test_credentials_that_are_not_sent_are_logged(
    memory_grpc: EmbeddedServer, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "rxpump.grpc"):
        async with rxpump.connect(uri(memory_grpc, "tls=false")) as client:
            await client.publish_event("s", "A")
    assert [record.getMessage() for record in caplog.records] == [
        "the credentials of 'admin' are not sent, because the connection is not encrypted; "
        "the option credentialsInClear=true sends them"
    ]


async def test_a_user_certificate_is_presented(ca: str, tmp_path: Path) -> None:
    context = certified("127.0.0.1")
    context.set_alpn_protocols(["h2"])
    context.verify_mode = ssl.CERT_REQUIRED
    authority().configure_trust(context)
    certificate, key = certificate_files(tmp_path, "ouro.example")
    seen: list[Any] = []

    async def see_certificate(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(writer.get_extra_info("ssl_object").getpeercert())

    async with listening(see_certificate, context) as server:
        options = f"tlsCaFile={ca}&userCertFile={certificate}&userKeyFile={key}"
        await refusal(f"kurrentdb://127.0.0.1:{server.port}?{options}")
    assert ("DNS", "ouro.example") in seen[0]["subjectAltName"]


async def test_a_server_with_tls_must_use_http2(ca: str) -> None:
    async with listening(replying(b""), certified("127.0.0.1")) as server:
        reason = await refusal(f"kurrentdb://127.0.0.1:{server.port}?tlsCaFile={ca}")
    assert "does not use HTTP/2 with TLS" in reason


@pytest.mark.parametrize("options", ["userCertFile=missing&userKeyFile=missing", "tlsCaFile=missing"])
def test_a_file_that_cannot_be_read_is_refused(options: str) -> None:
    with pytest.raises(InvalidArgument):
        rxpump.connect(f"kurrentdb://localhost?{options}")


def test_a_user_certificate_needs_tls() -> None:
    with pytest.raises(InvalidArgument, match="userCertFile"):
        Dialer.to(GrpcAddress((("h", 1),), certificate_file="c", key_file="k"), Settings())


# Servers that cannot be connected to -----------------------------------------------------------------------------


def replying(reply: bytes | None) -> Serve:
    """Return a function that sends `reply`, or that sends nothing until the client leaves if it is None."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if reply is None:
            await reader.read()
        else:
            writer.write(reply)

    return serve


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "not"),
        (b"", "the connection was lost"),
        (None, "no answer in time; this port may require TLS"),
    ],
)
async def test_a_port_without_http2_cannot_be_connected_to(reply: bytes | None, reason: str) -> None:
    async with listening(replying(reply)) as server:
        assert reason in await refusal(f"kurrentdb://127.0.0.1:{server.port}?tls=false&connect_timeout=0.2")


async def test_a_malformed_list_of_methods_is_requested_again() -> None:
    answers = iter([b"\x0a\x05", b"\xff"])
    listing = handlers()
    path, good = next(iter(listing.items()))

    async def answer(call: ServerCall) -> None:
        malformed = next(answers, None)
        if malformed is None:
            return await good(call)
        await anext(call)
        call.start()
        await call.send(malformed)
        call.finish()
        return None

    statuses: list[Status] = []
    async with serving({path: answer}) as server, calling(server.port, statuses=statuses):
        problems = [str(status.reason) for status in statuses if isinstance(status, Reconnecting)]
    assert len(problems) == 2
    assert all("cannot be parsed" in problem for problem in problems)


async def test_a_port_where_no_server_listens_is_named() -> None:
    async with listening(replying(None)) as server:
        pass
    client = rxpump.connect(f"kurrentdb://127.0.0.1:{server.port}?tls=false&connect_within=0.2")
    with pytest.raises(ConnectionFailed) as failed:
        await client.connect()
    assert failed.value.address == f"kurrentdb://127.0.0.1:{server.port}"


# Keepalive -------------------------------------------------------------------------------------------------------


async def test_a_silent_server_is_reconnected() -> None:
    limits = Http2Limits(keepalive_interval=0.05, keepalive_timeout=0.05)
    statuses: list[Status] = []
    async with serving(handlers(Read=never)) as server:
        channel = channel_to(server.port, SETTINGS, limits=limits, statuses=statuses)
        await channel.open()
        (await channel.connection()).machine.bytes_to_send = bytes  # type: ignore[method-assign]  # sends nothing
        while len(server.endpoints) < 2:
            await asyncio.sleep(0.01)
        await channel.close()
    lost = next(each for each in statuses if isinstance(each, Reconnecting))
    assert "no bytes were received for 0.1 s" in str(lost.reason)


async def test_an_idle_connection_with_keepalive_stays() -> None:
    limits = Http2Limits(keepalive_interval=0.02, keepalive_timeout=1)
    async with serving(handlers(Delete=delete)) as server, calling(server.port, limits=limits) as caller:
        await asyncio.sleep(0.2)
        await caller.request(DELETION)
        assert len(server.endpoints) == 1


async def test_a_slow_upload_keeps_its_connection(memory_grpc: EmbeddedServer) -> None:
    async with Proxy(memory_grpc.grpc_port or 0, bytes_per_second=4_000_000) as proxy:
        options = "tls=false&keepAliveInterval=100&keepAliveTimeout=500"
        async with rxpump.connect(f"kurrentdb://127.0.0.1:{proxy.port}?{options}") as client:
            await client.publish_event("s", "Large", bytes(4_000_000))
        assert proxy.accepted == 1


# Reconnecting ----------------------------------------------------------------------------------------------------


async def test_statuses_show_the_reconnect() -> None:
    statuses: list[Status] = []
    async with serving(handlers(Delete=delete)) as server:
        address = f"kurrentdb://127.0.0.1:{server.port}"
        channel = channel_to(server.port, statuses=statuses)
        await channel.open()
        server.endpoints[0].transport.abort()
        while len(server.endpoints) < 2 or not channel.is_connected:
            await asyncio.sleep(0)
        await channel.close()
    lost = next(each for each in statuses if isinstance(each, Reconnecting))
    assert statuses == [
        Connecting(address),
        Connected(address),
        lost,
        Connecting(address),
        Connected(address),
        Closed(None),
    ]
    assert isinstance(lost.reason, ConnectionClosed)


async def test_the_reconnect_policy_limits_the_attempts() -> None:
    settings = Settings(reconnect=rxpump.Backoff(min_delay=0.001, attempts=2), retry=QUICK)
    statuses: list[Status] = []
    async with serving(handlers(Read=never)) as server:
        channel = channel_to(server.port, settings, statuses=statuses)
        await channel.open()
    while not isinstance(statuses[-1], Closed):
        await asyncio.sleep(0.001)
    with pytest.raises(ReconnectFailed):
        await channel.connection()
    await channel.close()


async def test_delays_grow_while_a_node_serves_no_call() -> None:
    """Only a connection that lasted some time, or that answered a second call, resets the delays."""
    statuses: list[Status] = []
    settings = Settings(reconnect=rxpump.Backoff(min_delay=0.001, max_delay=0.5, jitter=0))
    async with serving(handlers(Delete=delete)) as server:
        channel = channel_to(server.port, settings, statuses=statuses)
        await channel.open()
        for number in range(4):
            if number == 3:
                await Caller(channel, settings, None).request(DELETION)
            server.endpoints[number].transport.abort()
            while len(server.endpoints) < number + 2 or not channel.is_connected:
                await asyncio.sleep(0)
        await channel.close()
    delays = [each.delay for each in statuses if isinstance(each, Reconnecting)]
    assert delays == [0.001, 0.002, 0.004, 0.001]


async def test_a_call_waits_for_a_connection_until_its_deadline() -> None:
    async with (
        serving(handlers(Delete=delete)) as server,
        Proxy(server.port) as proxy,
        calling(proxy.port) as caller,
    ):
        proxy.refuses = True
        proxy.cut()
        while caller.channel.is_connected:
            await asyncio.sleep(0)
        with pytest.raises(OperationTimedOut) as late:
            await caller.with_timeout(0.1).request(DELETION)
        assert (late.value.attempts, late.value.is_connected) == (0, False)
        waiting = asyncio.ensure_future(caller.with_timeout(5).request(DELETION))
        await asyncio.sleep(0)
        proxy.refuses = False
        assert (await waiting).position == Position(7, 7)


async def test_reprs_show_the_state() -> None:
    async with serving(handlers(Read=never)) as server, calling(server.port) as caller:
        call = await caller.open(FOLLOW)
        shown = repr(caller)
        address = f"kurrentdb://127.0.0.1:{server.port}"
        assert f"<GrpcReconnector to {address}, connected>" in shown
        assert "1 connections, 0 leaving, 1 calls" in shown
        assert repr(call) == "<Call Streams.Read 's' running, 0 messages buffered>"
        assert repr(await caller.channel.connection()) == f"<GrpcConnection to {address} open, 1 calls>"
        call.cancel()
        assert "CANCELLED" in repr(call)
    assert "not connected" in repr(caller)


# The leader ------------------------------------------------------------------------------------------------------


def names(port: int) -> Any:
    """Return a handler that refuses a call, and names the node on `port` as the leader."""

    async def refuse(call: ServerCall) -> None:
        metadata = (
            ("exception", "not-leader"),
            ("leader-endpoint-host", "127.0.0.1"),
            ("leader-endpoint-port", str(port)),
        )
        call.refuse(CallStatus(StatusCode.NOT_FOUND, "Leader info available", metadata))

    return refuse


async def test_a_named_leader_is_connected_to_at_once() -> None:
    statuses: list[Status] = []
    async with (
        serving(handlers(Delete=delete)) as leader,
        serving(handlers(Read=never, Delete=names(leader.port))) as follower,
        calling(follower.port, statuses=statuses) as caller,
    ):
        subscription = await caller.open(FOLLOW)
        assert (await caller.with_timeout(5).request(DELETION)).position == Position(7, 7)
        with pytest.raises(ConnectionClosed, match="another node leads"):
            await subscription.next()
        assert caller.channel.address == f"kurrentdb://127.0.0.1:{leader.port}"
        moved = next(each for each in statuses if isinstance(each, Reconnecting))
        assert moved.delay == 0


async def test_a_node_that_names_itself_as_leader_is_retried() -> None:
    async with serving(handlers(Delete=delete)) as server:
        handler = names(server.port)
        refusals = iter([handler, handler])

        async def later(call: ServerCall) -> None:
            await next(refusals, delete)(call)

        server.handlers.update(handlers(Delete=later))
        async with calling(server.port) as caller:
            assert (await caller.with_timeout(5).request(DELETION)).position == Position(7, 7)
            assert len(server.endpoints) == 1


async def test_credentials_are_checked_by_the_first_call() -> None:
    async def refuse(call: ServerCall) -> None:
        call.refuse(CallStatus(StatusCode.UNAUTHENTICATED, "Unauthenticated"))

    ada = Credentials("ada", "secret")
    async with (
        serving(handlers(Tombstone=refuse)) as server,
        calling(server.port, credentials=ada, sends_in_clear=True) as caller,
    ):
        with pytest.raises(NotAuthenticated) as refused:
            await caller.request(deletion_of("s", -2, hard=True))
        assert refused.value.login == "ada"
