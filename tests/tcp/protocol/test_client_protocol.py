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


def said(link: ClientProtocol) -> list[Package]:
    """Return the packages that the protocol sends now."""
    return Framer().feed(b"".join(link.bytes_to_send()))


def hear(link: ClientProtocol, command: int, payload: bytes = b"", id: bytes = ID) -> list[Package]:
    return link.receive(Package(command, id, payload).encode())


def new_link(credentials: Credentials | None = None, settings: Settings = SETTINGS) -> ClientProtocol:
    return ClientProtocol("tcp://node", settings, credentials, now=0.0)


@pytest.fixture
def link() -> ClientProtocol:
    """A protocol that is ready and has sent all its bytes. It has received nothing since the time 2.0."""
    link = new_link()
    hear(link, Command.CLIENT_IDENTIFIED)
    said(link)
    link.tick(2.0)
    assert link.state is ProtocolState.READY
    return link


# The introduction ---------------------------------------------------------------------------------------


def test_with_credentials_it_authenticates_then_identifies() -> None:
    link = new_link(ADMIN)
    (authenticate,) = said(link)
    assert (authenticate.command, authenticate.payload) == (Command.AUTHENTICATE, b"")
    assert isinstance(authenticate.credentials, Credentials)
    assert (authenticate.credentials.login, authenticate.credentials.password) == ("admin", "changeit")
    assert hear(link, Command.AUTHENTICATED) == []
    (identify,) = said(link)
    assert identify.command == Command.IDENTIFY_CLIENT
    assert identify.credentials is None, "the connection has them now"
    assert schema.IdentifyClient.FromString(identify.payload) == schema.IdentifyClient(
        version=1, connection_name="ponies"
    )
    states = [link.state]
    assert hear(link, Command.CLIENT_IDENTIFIED) == []
    assert [*states, link.state] == [ProtocolState.IDENTIFYING, ProtocolState.READY]
    assert said(link) == []


def test_without_credentials_it_only_identifies() -> None:
    (identify,) = said(new_link())
    assert identify.command == Command.IDENTIFY_CLIENT


def test_it_says_each_thing_once_under_an_id_of_its_own() -> None:
    link = new_link(ADMIN)
    (authenticate,) = said(link)
    assert said(link) == []
    hear(link, Command.AUTHENTICATED)
    (identify,) = said(link)
    assert authenticate.correlation_id != identify.correlation_id


def test_packages_received_with_the_introduction_are_returned() -> None:
    link = new_link()
    pong = Package(Command.PONG, ID, b"hi")
    assert link.receive(Package(Command.CLIENT_IDENTIFIED, ID).encode() + pong.encode()) == [pong]


def test_refused_credentials_end_it_with_their_login() -> None:
    link = new_link(ADMIN)
    hear(link, Command.NOT_AUTHENTICATED, b"Unauthorized")
    assert link.state is ProtocolState.CLOSED
    assert isinstance(link.failure, NotAuthenticated)
    assert (link.failure.login, link.failure.reason) == ("admin", "Unauthorized")


def test_a_server_that_wants_credentials_of_one_who_has_none() -> None:
    link = new_link()
    hear(link, Command.NOT_AUTHENTICATED, b"Not Authenticated")
    assert isinstance(link.failure, NotAuthenticated)
    assert link.failure.login is None


@pytest.mark.parametrize(
    ("credentials", "reason"), [(ADMIN, "Pong while authenticating"), (None, "Pong while identifying")]
)
def test_any_other_reply_ends_it(credentials: Credentials | None, reason: str) -> None:
    link = new_link(credentials)
    assert hear(link, Command.PONG) == []
    assert isinstance(link.failure, ConnectionClosed)
    assert (link.failure.address, link.failure.reason) == ("tcp://node", reason)


def test_a_server_that_does_not_answer_the_introduction_in_time() -> None:
    link = new_link()
    for now in (2.0, 2.5):  # The server answers heartbeats, but not the request.
        link.tick(now)
        hear(link, Command.HEARTBEAT_RESPONSE)
    link.tick(4.9)
    assert link.failure is None
    link.tick(5.0)
    assert isinstance(link.failure, ConnectionClosed)
    assert link.failure.reason == "no reply while identifying"


def test_once_ready_the_introduction_has_no_deadline(link: ClientProtocol) -> None:
    for now in range(2, 20, 2):
        hear(link, Command.PONG)
        link.tick(float(now))
    assert link.failure is None


# Heartbeats ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("credentials", [None, ADMIN])
def test_a_heartbeat_is_answered_at_once_in_any_state(credentials: Credentials | None) -> None:
    link = new_link(credentials)
    said(link)
    assert hear(link, Command.HEARTBEAT_REQUEST) == []
    assert said(link) == [Package(Command.HEARTBEAT_RESPONSE, ID)]
    assert link.failure is None


def test_silence_is_asked_then_the_connection_is_dead(link: ClientProtocol) -> None:
    assert link.deadline == 4.0
    link.tick(4.0)
    (asked,) = said(link)
    assert asked.command == Command.HEARTBEAT_REQUEST
    assert link.deadline == 5.0
    link.tick(5.0)
    assert isinstance(link.failure, ConnectionClosed)
    assert link.failure.reason == "no sign of life for 3 s"
    assert link.deadline == math.inf


def test_an_answer_to_a_heartbeat_is_nobodys_else(link: ClientProtocol) -> None:
    link.tick(4.0)
    assert hear(link, Command.HEARTBEAT_RESPONSE) == []
    link.tick(5.0)
    assert link.failure is None
    assert link.deadline == 7.0


def test_half_a_frame_is_a_sign_of_life(link: ClientProtocol) -> None:
    link.tick(4.0)
    link.receive(Package(Command.PONG, ID, bytes(100)).encode()[:50])
    link.tick(5.0)
    assert link.failure is None


# Ends ---------------------------------------------------------------------------------------------------


def test_garbage_ends_it_with_the_reason_after_what_came_before(link: ClientProtocol) -> None:
    pong = Package(Command.PONG, ID)
    assert link.receive(pong.encode() + b"HTTP/1.1 400 Bad Request\r\n") == [pong]
    assert isinstance(link.failure, FrameTooLarge)  # The bytes "HTTP" are read as a length.
    assert link.state is ProtocolState.CLOSED


def test_a_frame_that_is_no_package(link: ClientProtocol) -> None:
    link.receive(b"\x01\x00\x00\x00\x03")
    assert isinstance(link.failure, MalformedFrame)


def test_the_largest_frame_is_a_setting() -> None:
    link = new_link(settings=Settings(max_frame_bytes=1024))
    hear(link, Command.CLIENT_IDENTIFIED)
    assert len(hear(link, Command.PONG, bytes(1024 - 18))) == 1
    hear(link, Command.PONG, bytes(1024 - 17))
    assert isinstance(link.failure, FrameTooLarge)
    assert (link.failure.size, link.failure.limit, link.failure.correlation_id) == (1025, 1024, ID)


def test_a_refusal_of_nobodys_request_is_about_the_connection(link: ClientProtocol) -> None:
    assert hear(link, Command.BAD_REQUEST, b"Invalid TCP frame received.", id=bytes(16)) == []
    assert isinstance(link.failure, BadRequest)
    assert link.failure.reason == "Invalid TCP frame received."


def test_a_refusal_of_somebodys_request_is_passed_on(link: ClientProtocol) -> None:
    assert len(hear(link, Command.BAD_REQUEST, b"No.")) == 1
    assert link.failure is None


def test_the_first_reason_is_the_reason(link: ClientProtocol) -> None:
    link.lost("the first")
    link.lost("the second")
    link.receive(b"\x00\x00\x00\x00")
    assert isinstance(link.failure, ConnectionClosed)
    assert link.failure.reason == "the first"


def test_when_it_is_over_it_takes_and_says_nothing_more(link: ClientProtocol) -> None:
    link.lost("over")
    assert hear(link, Command.PONG) == []
    link.tick(1000.0)
    assert said(link) == []


def test_it_shows_its_state(link: ClientProtocol) -> None:
    assert repr(link) == "<ClientProtocol to tcp://node, ready>"
    link.lost("the socket is gone")
    assert repr(link) == (
        "<ClientProtocol to tcp://node, closed: the connection to tcp://node is closed: the socket is gone>"
    )


def test_a_token_authenticates_in_the_place_of_a_login() -> None:
    link = ClientProtocol("tcp://node", Settings(), Token("abc"), 0.0)
    (frame,) = link.bytes_to_send()
    assert (frame[4], frame[22:]) == (Command.AUTHENTICATE, b"\xfd\xffabc")
    link.receive(Package(Command.NOT_AUTHENTICATED, frame[6:22], b"Expired.").encode())
    assert str(link.failure) == "user '(token)' was refused: Expired."
