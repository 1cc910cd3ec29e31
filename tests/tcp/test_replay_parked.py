"""Replays of parked events, and the responses of the HTTP interface to them."""

from __future__ import annotations

import asyncio

import pytest

from rxpump.errors import (
    AccessDenied,
    ConnectionFailed,
    MalformedReply,
    NotAuthenticated,
    NotConnected,
    OperationTimedOut,
    PersistentSubscriptionFailed,
    PersistentSubscriptionNotFound,
    RxPumpError,
    TooBusy,
)
from rxpump.model.credentials import AnyCredentials, Credentials, Token
from rxpump.tcp.http_post import post
from rxpump.tcp.wire.commands import Command
from tests.listening import Serve, listening
from tests.tcp.conftest import MakeClient
from tests.tcp.scripted_server import Peer, ScriptedServer

OPS = Credentials("öps", "a:b")


async def introduce(peer: Peer) -> None:
    await peer.handshake()
    peer.pong(await peer.request(Command.PING))
    await peer.until_gone()


def answering(answer: bytes, requests: list[bytes]) -> Serve:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(answer)

    return serve


async def replay(
    client_of: MakeClient, answer: bytes, who: AnyCredentials | None = OPS, stream: str = "s", group: str = "g"
) -> tuple[bytes, RxPumpError | None]:
    """Replay parked events. Return the request that the server received, and the error or None."""
    failure: RxPumpError | None = None
    requests: list[bytes] = []
    async with ScriptedServer(introduce) as server, listening(answering(answer, requests)) as http:
        client = client_of(server, http_port=http.port)
        await client.open()
        transport = client if who is None else client.as_user(who)
        try:
            await transport.replay_parked(stream, group)
        except RxPumpError as error:
            failure = error
    return requests[0].replace(str(http.port).encode(), b"PORT"), failure


@pytest.mark.parametrize(
    ("who", "authorization"),
    [
        (None, b""),
        (OPS, b"Authorization: Basic w7ZwczphOmI=\r\n"),
    ],
)
async def test_the_request_has_escaped_names_and_credentials(
    who: AnyCredentials | None, authorization: bytes, client_of: MakeClient
) -> None:
    request, failure = await replay(client_of, b"HTTP/1.1 200 OK\r\n\r\n", who, "a/b?", "c d\u00e9")
    assert failure is None
    assert request == (
        b"POST /subscriptions/a%2Fb%3F/c%20d%C3%A9/replayParked HTTP/1.1\r\n"
        b"Host: 127.0.0.1:PORT\r\nAccept: application/json\r\nContent-Type: application/json\r\n"
        b"Content-Length: 0\r\nConnection: close\r\n" + authorization + b"\r\n"
    )


async def test_a_token_is_a_bearer_token() -> None:
    requests: list[bytes] = []
    async with listening(answering(b"HTTP/1.1 200 OK\r\n\r\n", requests)) as http:
        assert await post("127.0.0.1", http.port, "/x", credentials=Token("e.y.J")) == (200, "OK")
    assert b"\r\nAuthorization: Bearer e.y.J\r\n" in requests[0]


@pytest.mark.parametrize(
    ("answer", "error", "text"),
    [
        (b"HTTP/1.1 401 Unauthorized\r\n\r\n", AccessDenied, "user 'öps' may not replay the parked events of 's'"),
        (b"HTTP/1.1 403 Forbidden\r\n\r\n", AccessDenied, "user 'öps' may not replay the parked events of 's'"),
        (b"HTTP/1.1 404 Not Found\r\n\r\n", PersistentSubscriptionNotFound, "'g' of 's' does not exist"),
        (b"HTTP/1.1 429 Slow\r\n\r\n", TooBusy, "did not handle ReplayParked: TooBusy"),
        (b"HTTP/1.0 503 \r\n\r\n", TooBusy, "did not handle ReplayParked: TooBusy"),
        (b"HTTP/1.1 500 Oh no\r\n\r\n", PersistentSubscriptionFailed, "was refused: HTTP status 500 Oh no"),
        (b"HTTP/1.1 302\r\nLocation: /\r\n\r\n", PersistentSubscriptionFailed, "was refused: HTTP status 302"),
        (b"SSH-2.0-x\r\n\r\n", MalformedReply, "the response is not HTTP"),
        (b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 9000 + b"\r\n", MalformedReply, "more than 32768 bytes"),
        (b"HTTP/1.1 200", ConnectionFailed, "the server closed the connection without a response"),
        (b"", ConnectionFailed, "the server closed the connection without a response"),
    ],
)
async def test_each_http_status_has_its_error(
    answer: bytes, error: type[RxPumpError], text: str, client_of: MakeClient
) -> None:
    _, failure = await replay(client_of, answer)
    assert type(failure) is error
    assert text in str(failure)


async def test_no_server_on_the_http_port_names_the_port(client_of: MakeClient) -> None:
    async with ScriptedServer(introduce) as server:
        async with listening(answering(b"", [])) as http:
            client = client_of(server, http_port=http.port)
            await client.open()
        with pytest.raises(ConnectionFailed, match=f"no connection to the HTTP port {http.port} of 127.0.0.1"):
            await client.replay_parked("s", "g")


async def test_a_missing_response_times_out(client_of: MakeClient) -> None:
    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with ScriptedServer(introduce) as server, listening(hang) as http:
        client = client_of(server, http_port=http.port)
        await client.open()
        with pytest.raises(OperationTimedOut, match="ReplayParked"):
            await client.with_timeout(0.05).replay_parked("s", "g")


async def test_wrong_credentials_raise_not_authenticated(client_of: MakeClient) -> None:
    async def refuse(peer: Peer) -> None:
        await peer.handshake()
        peer.reply(await peer.request(Command.PING), Command.NOT_AUTHENTICATED, b"Not Authenticated")
        await peer.until_gone()

    requests: list[bytes] = []
    async with ScriptedServer(refuse) as server, listening(answering(b"", requests)) as http:
        client = client_of(server, http_port=http.port)
        await client.open()
        with pytest.raises(NotAuthenticated, match="user 'öps' was refused"):
            await client.as_user(OPS).replay_parked("s", "g")
    assert requests == []


async def test_without_a_connection_a_replay_is_refused(client_of: MakeClient) -> None:
    async with ScriptedServer(introduce) as server:
        with pytest.raises(NotConnected):
            await client_of(server).replay_parked("s", "g")
