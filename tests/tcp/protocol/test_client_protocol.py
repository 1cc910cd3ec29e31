"""The authentication, identification, heartbeats and end of one connection, without a socket."""

from __future__ import annotations

import math

import pytest

from rxpump.errors import (
    BadRequest,
    ConnectionClosed,
    FrameTooLarge,
    MalformedFrame,
    NotAuthenticated,
)
from rxpump.model.credentials import Credentials, Token
from rxpump.settings import Settings
from rxpump.tcp.protocol.client_protocol import ClientProtocol, ProtocolState
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.commands import Command
from rxpump.tcp.wire.framing import Framer
from rxpump.tcp.wire.package import Package

SETTINGS = Settings(name="ponies", connect_timeout=5.0, heartbeat_interval=2.0, heartbeat_timeout=1.0)
ADMIN = Credentials("admin", "changeit")
ID = bytes(range(16))


def sent(protocol: ClientProtocol) -> list[Package]:
    """Return the packages that the protocol sends now."""
    return Framer().feed(b"".join(protocol.bytes_to_send()))


def receive(protocol: ClientProtocol, command: int, payload: bytes = b"", id: bytes = ID) -> list[Package]:
    return protocol.receive(Package(command, id, payload).encode())


def new_protocol(credentials: Credentials | None = None, settings: Settings = SETTINGS) -> ClientProtocol:
    return ClientProtocol("tcp://node", settings, credentials, now=0.0)


@pytest.fixture
def protocol() -> ClientProtocol:
    """A protocol that is ready and has sent all its bytes. It has received nothing since the time 2.0."""
    protocol = new_protocol()
    receive(protocol, Command.CLIENT_IDENTIFIED)
    sent(protocol)
    protocol.tick(2.0)
    assert protocol.state is ProtocolState.READY
    return protocol


# The introduction ---------------------------------------------------------------------------------------


def test_with_credentials_it_authenticates_then_identifies() -> None:
    protocol = new_protocol(ADMIN)
    (authenticate,) = sent(protocol)
    assert (authenticate.command, authenticate.payload) == (Command.AUTHENTICATE, b"")
    assert isinstance(authenticate.credentials, Credentials)
    assert (authenticate.credentials.login, authenticate.credentials.password) == ("admin", "changeit")
    assert receive(protocol, Command.AUTHENTICATED) == []
    (identify,) = sent(protocol)
    assert identify.command == Command.IDENTIFY_CLIENT
    assert identify.credentials is None, "the connection has them now"
    assert schema.IdentifyClient.FromString(identify.payload) == schema.IdentifyClient(
        version=1, connection_name="ponies"
    )
    states = [protocol.state]
    assert receive(protocol, Command.CLIENT_IDENTIFIED) == []
    assert [*states, protocol.state] == [ProtocolState.IDENTIFYING, ProtocolState.READY]
    assert sent(protocol) == []


def test_without_credentials_it_only_identifies() -> None:
    (identify,) = sent(new_protocol())
    assert identify.command == Command.IDENTIFY_CLIENT


def test_each_request_is_sent_once_with_its_own_id() -> None:
    protocol = new_protocol(ADMIN)
    (authenticate,) = sent(protocol)
    assert sent(protocol) == []
    receive(protocol, Command.AUTHENTICATED)
    (identify,) = sent(protocol)
    assert authenticate.correlation_id != identify.correlation_id


def test_packages_received_with_the_introduction_are_returned() -> None:
    protocol = new_protocol()
    pong = Package(Command.PONG, ID, b"hi")
    assert protocol.receive(Package(Command.CLIENT_IDENTIFIED, ID).encode() + pong.encode()) == [pong]


def test_refused_credentials_end_it_with_their_login() -> None:
    protocol = new_protocol(ADMIN)
    receive(protocol, Command.NOT_AUTHENTICATED, b"Unauthorized")
    assert protocol.state is ProtocolState.CLOSED
    assert isinstance(protocol.failure, NotAuthenticated)
    assert (protocol.failure.login, protocol.failure.reason) == ("admin", "Unauthorized")


def test_missing_credentials_are_an_error_without_a_login() -> None:
    protocol = new_protocol()
    receive(protocol, Command.NOT_AUTHENTICATED, b"Not Authenticated")
    assert isinstance(protocol.failure, NotAuthenticated)
    assert protocol.failure.login is None


@pytest.mark.parametrize(
    ("credentials", "reason"), [(ADMIN, "Pong while authenticating"), (None, "Pong while identifying")]
)
def test_an_unexpected_reply_closes_the_connection(credentials: Credentials | None, reason: str) -> None:
    protocol = new_protocol(credentials)
    assert receive(protocol, Command.PONG) == []
    assert isinstance(protocol.failure, ConnectionClosed)
    assert (protocol.failure.address, protocol.failure.reason) == ("tcp://node", reason)


def test_a_missing_reply_while_identifying_closes_the_connection() -> None:
    protocol = new_protocol()
    for now in (2.0, 2.5):  # The server answers heartbeats, but not the request.
        protocol.tick(now)
        receive(protocol, Command.HEARTBEAT_RESPONSE)
    protocol.tick(4.9)
    assert protocol.failure is None
    protocol.tick(5.0)
    assert isinstance(protocol.failure, ConnectionClosed)
    assert protocol.failure.reason == "no reply while identifying"


def test_once_ready_the_introduction_has_no_deadline(protocol: ClientProtocol) -> None:
    for now in range(2, 20, 2):
        receive(protocol, Command.PONG)
        protocol.tick(float(now))
    assert protocol.failure is None


# Heartbeats ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("credentials", [None, ADMIN])
def test_a_heartbeat_request_is_answered_in_any_state(credentials: Credentials | None) -> None:
    protocol = new_protocol(credentials)
    sent(protocol)
    assert receive(protocol, Command.HEARTBEAT_REQUEST) == []
    assert sent(protocol) == [Package(Command.HEARTBEAT_RESPONSE, ID)]
    assert protocol.failure is None


def test_silence_causes_a_heartbeat_and_then_closes_the_connection(protocol: ClientProtocol) -> None:
    assert protocol.deadline == 4.0
    protocol.tick(4.0)
    (asked,) = sent(protocol)
    assert asked.command == Command.HEARTBEAT_REQUEST
    assert protocol.deadline == 5.0
    protocol.tick(5.0)
    assert isinstance(protocol.failure, ConnectionClosed)
    assert protocol.failure.reason == "no bytes were received for 3 s"
    assert protocol.deadline == math.inf


def test_a_heartbeat_response_is_not_passed_on(protocol: ClientProtocol) -> None:
    protocol.tick(4.0)
    assert receive(protocol, Command.HEARTBEAT_RESPONSE) == []
    protocol.tick(5.0)
    assert protocol.failure is None
    assert protocol.deadline == 7.0


def test_a_partial_frame_counts_as_received_bytes(protocol: ClientProtocol) -> None:
    protocol.tick(4.0)
    protocol.receive(Package(Command.PONG, ID, bytes(100)).encode()[:50])
    protocol.tick(5.0)
    assert protocol.failure is None


# Ends ---------------------------------------------------------------------------------------------------


def test_packages_before_malformed_bytes_are_returned(protocol: ClientProtocol) -> None:
    pong = Package(Command.PONG, ID)
    assert protocol.receive(pong.encode() + b"HTTP/1.1 400 Bad Request\r\n") == [pong]
    assert isinstance(protocol.failure, FrameTooLarge)  # The bytes "HTTP" are read as a length.
    assert protocol.state is ProtocolState.CLOSED


def test_a_frame_that_is_too_short_closes_the_connection(protocol: ClientProtocol) -> None:
    protocol.receive(b"\x01\x00\x00\x00\x03")
    assert isinstance(protocol.failure, MalformedFrame)


def test_max_frame_bytes_limits_frames() -> None:
    protocol = new_protocol(settings=Settings(max_frame_bytes=1024))
    receive(protocol, Command.CLIENT_IDENTIFIED)
    assert len(receive(protocol, Command.PONG, bytes(1024 - 18))) == 1
    receive(protocol, Command.PONG, bytes(1024 - 17))
    assert isinstance(protocol.failure, FrameTooLarge)
    assert (protocol.failure.size, protocol.failure.limit, protocol.failure.correlation_id) == (1025, 1024, ID)


def test_a_bad_request_without_an_id_closes_the_connection(protocol: ClientProtocol) -> None:
    assert receive(protocol, Command.BAD_REQUEST, b"Invalid TCP frame received.", id=bytes(16)) == []
    assert isinstance(protocol.failure, BadRequest)
    assert protocol.failure.reason == "Invalid TCP frame received."


def test_a_bad_request_with_an_id_is_passed_on(protocol: ClientProtocol) -> None:
    assert len(receive(protocol, Command.BAD_REQUEST, b"No.")) == 1
    assert protocol.failure is None


def test_the_first_failure_is_reported(protocol: ClientProtocol) -> None:
    protocol.lost("the first")
    protocol.lost("the second")
    protocol.receive(b"\x00\x00\x00\x00")
    assert isinstance(protocol.failure, ConnectionClosed)
    assert protocol.failure.reason == "the first"


def test_a_closed_protocol_neither_receives_nor_sends(protocol: ClientProtocol) -> None:
    protocol.lost("over")
    assert receive(protocol, Command.PONG) == []
    protocol.tick(1000.0)
    assert sent(protocol) == []


def test_the_repr_shows_the_state(protocol: ClientProtocol) -> None:
    assert repr(protocol) == "<ClientProtocol to tcp://node, ready>"
    protocol.lost("the socket is gone")
    assert repr(protocol) == (
        "<ClientProtocol to tcp://node, closed: the connection to tcp://node is closed: the socket is gone>"
    )


def test_a_token_authenticates_in_the_place_of_a_login() -> None:
    protocol = ClientProtocol("tcp://node", Settings(), Token("abc"), 0.0)
    (frame,) = protocol.bytes_to_send()
    assert (frame[4], frame[22:]) == (Command.AUTHENTICATE, b"\xfd\xffabc")
    protocol.receive(Package(Command.NOT_AUTHENTICATED, frame[6:22], b"Expired.").encode())
    assert str(protocol.failure) == "user '(token)' was refused: Expired."
