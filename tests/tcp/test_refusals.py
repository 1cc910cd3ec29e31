"""Refused credentials. A refusal is final, except for a node that is starting."""

from __future__ import annotations

from typing import Any

import pytest

from rxpump.errors import (
    BadRequest,
    CertificateRefused,
    ConnectionClosed,
    ConnectionFailed,
    NotAuthenticated,
    NotReady,
    RxPumpError,
)
from rxpump.model.credentials import Credentials, Token
from rxpump.model.status import Reconnecting
from rxpump.tcp.node_resolver import FixedAddress
from rxpump.tcp.protocol.client_protocol import ProtocolState
from rxpump.tcp.refusals import STARTING_SECONDS, Refusals
from rxpump.tcp.wire.codes import NotHandledReason
from rxpump.tcp.wire.commands import Command
from rxpump.tcp.wire.package import Package
from rxpump.uri import TcpAddress
from tests.tcp.conftest import Client, MakeClient
from tests.tcp.scripted_server import Peer, ScriptedServer, close_at_once, good

ADMIN = Credentials("admin", "changeit")
NODE = TcpAddress("node", credentials=ADMIN)
WITH_TOKEN = TcpAddress("node", credentials=Token("abc"))
REFUSED = NotAuthenticated("admin", "Unauthorized")
CLOSED = ConnectionClosed("tcp://node", "the server ended the connection")


def test_a_refusal_is_final_after_the_starting_time() -> None:
    refusals = Refusals()
    assert refusals.verdict(REFUSED, NODE, 100.0) is None
    assert refusals.verdict(REFUSED, NODE, 100.0 + STARTING_SECONDS - 0.1) is None
    assert refusals.verdict(REFUSED, NODE, 100.0 + STARTING_SECONDS) is REFUSED


@pytest.mark.parametrize("sign", [ConnectionFailed("tcp://node", 1, "refused"), NotReady("authenticating"), CLOSED])
def test_a_refusal_of_a_starting_node_is_retried(sign: RxPumpError) -> None:
    refusals = Refusals()
    assert refusals.verdict(sign, NODE, 0.0) is None
    for now in (0.0, 1.0, 5.0, 9.0):
        assert refusals.verdict(REFUSED, NODE, now) is None
    assert repr(refusals) == "<Refusals, 1 nodes starting, 0 connections lost with a token>"
    assert refusals.verdict(REFUSED, TcpAddress("another"), 9.0) is REFUSED, "which is no reason to trust another"


def test_a_failed_lookup_of_the_login_is_retried() -> None:
    refusals = Refusals()
    for now in (0.0, 1.0, 5.0):
        assert refusals.verdict(NotAuthenticated("admin", "Internal Server Error"), NODE, now) is None


def test_a_permanent_error_is_final_at_once() -> None:
    for problem in (BadRequest("authenticating", "What?"), CertificateRefused("tcp://node", 1, "expired")):
        assert Refusals().verdict(problem, NODE, 0.0) is problem


def test_a_token_refused_as_a_bad_request_has_the_server_message() -> None:
    error = Refusals().verdict(BadRequest("authenticating", "What?"), WITH_TOKEN, 0.0)
    assert isinstance(error, NotAuthenticated)
    assert (error.login, error.reason) == ("(token)", "What?")


def test_a_token_that_closes_three_connections_is_refused() -> None:
    refusals = Refusals()
    for now in (0.0, 0.5):
        assert refusals.verdict(CLOSED, WITH_TOKEN, now, ProtocolState.AUTHENTICATING) is None
    error = refusals.verdict(CLOSED, WITH_TOKEN, 1.0, ProtocolState.AUTHENTICATING)
    assert isinstance(error, NotAuthenticated)
    assert (
        error.reason
        == f"3 connections were lost as it was sent ({CLOSED}); servers before version 20 do not accept tokens"
    )


@pytest.mark.parametrize("lost_while", [None, ProtocolState.CLOSED, ProtocolState.IDENTIFYING])
def test_losses_after_authentication_do_not_refuse_a_token(lost_while: ProtocolState | None) -> None:
    refusals = Refusals()
    for now in (0.0, 0.5, 1.0, 5.0):
        assert refusals.verdict(CLOSED, WITH_TOKEN, now, lost_while) is None


# By the client ------------------------------------------------------------------------------------------


async def refuse(peer: Peer) -> None:
    peer.reply(await peer.request(Command.AUTHENTICATE), Command.NOT_AUTHENTICATED, b"Unauthorized")
    await peer.until_gone()


async def not_ready(peer: Peer) -> None:
    peer.refuse(await peer.request(Command.AUTHENTICATE), NotHandledReason.NOT_READY)
    await peer.until_gone()


async def test_a_login_is_tried_again_until_it_is_accepted(client_of: MakeClient) -> None:
    async with ScriptedServer(refuse, refuse, good) as server:
        client = client_of(server, ADMIN)
        await client.open()
        await client.ping()


@pytest.mark.parametrize("sign", [close_at_once, not_ready])
async def test_refusals_are_retried_while_a_node_starts(client_of: MakeClient, at_once: None, sign: Any) -> None:
    async with ScriptedServer(sign, refuse, refuse, refuse, good) as server:
        client = client_of(server, ADMIN)
        await client.open()
        await client.ping()


async def test_repeated_refusals_of_a_starting_node_are_an_error(client_of: MakeClient, at_once: None) -> None:
    async with ScriptedServer(close_at_once, refuse) as server:
        with pytest.raises(NotAuthenticated, match="user 'admin' was refused: Unauthorized"):
            await client_of(server, ADMIN, connect_within=0.05).open()


async def with_request_id(peer: Peer) -> None:
    """Refuse a token as version 23.10 does."""
    peer.reply(await peer.request(), Command.BAD_REQUEST, b"Error while processing package.")


async def with_no_id(peer: Peer) -> None:
    """Refuse a token as version 4 does if its reply arrives before the connection is closed."""
    await peer.reader.read(1)
    peer.send(Package(Command.BAD_REQUEST, bytes(16), b"Invalid TCP frame received.").encode())
    while await peer.reader.read(1 << 16):
        pass


async def without_a_reply(peer: Peer) -> None:
    """Refuse a token as version 4 does in most cases: close the connection."""
    await peer.reader.read(1)


def with_token(client_of: MakeClient, server: ScriptedServer) -> Client:
    address = server.address
    return client_of(FixedAddress(TcpAddress(address.host, address.port, Token("abc"))))


@pytest.mark.parametrize(
    ("script", "words", "connections"),
    [
        (with_no_id, "Invalid TCP frame received.", 1),
        (without_a_reply, "servers before version 20 do not accept tokens", 3),
    ],
)
async def test_each_refusal_of_a_token_is_not_authenticated(
    client_of: MakeClient, at_once: None, script: Any, words: str, connections: int
) -> None:
    async with ScriptedServer(script) as server:
        with pytest.raises(NotAuthenticated, match=words) as caught:
            await with_token(client_of, server).open()
        assert caught.value.login == "(token)"
        assert server.accepted == connections


async def test_the_error_of_a_bad_request_has_the_server_message(client_of: MakeClient) -> None:
    async with ScriptedServer(with_request_id) as server:
        client = client_of(server, ADMIN)
        with pytest.raises(BadRequest, match="Error while processing package"):
            await client.open()
        assert not [status for status in client.statuses if isinstance(status, Reconnecting)]
        assert server.accepted == 1
