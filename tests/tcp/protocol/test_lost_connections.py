"""Repeatedly lost connections: the order of requests, and the failure of the request that causes the losses."""

from __future__ import annotations

import math

import pytest

from rxpump.errors import ConnectionClosed, ConnectionLostRepeatedly, NotAuthenticated
from rxpump.model.credentials import Token
from rxpump.tcp.protocol.request import Request
from rxpump.tcp.wire.package import Package
from tests.tcp.protocol.driving import SETTINGS, Ask, Wire

LOST = ConnectionClosed("tcp://node", "the connection was lost")
TRIAL = SETTINGS.heartbeat_interval


class AskForPage(Ask):
    """A request with a large reply."""

    reply_is_large = True


@pytest.fixture
def wire() -> Wire:
    return Wire()


def reconnect(wire: Wire, *interrupted: Package) -> list[Request]:
    ended = wire.pending.disconnected(LOST, [package.correlation_id for package in interrupted])
    wire.pending.connected()
    return ended


def names(packages: list[Package]) -> list[str]:
    return [package.payload.decode() for package in packages]


# Order of requests --------------------------------------------------------------------------------------


def test_after_a_loss_large_requests_wait_for_replies_to_small_ones(wire: Wire) -> None:
    wire.pending.submit(AskForPage("page"))
    wire.ask("a", "b")
    assert names(wire.sent()) == ["a", "b", "page"]
    reconnect(wire)
    sent = wire.sent()
    assert names(sent) == ["a", "b"]
    wire.reply(sent[0])
    wire.ask("new")
    assert wire.names() == ["new"], "a request that was never lost is sent at once"
    wire.reply(sent[1])
    assert wire.names() == ["page"]


def test_after_a_loss_large_requests_go_one_at_a_time(wire: Wire) -> None:
    for name in ("page 1", "page 2"):
        wire.pending.submit(AskForPage(name))
    wire.sent()
    reconnect(wire)
    assert wire.names() == ["page 1"]
    reconnect(wire)
    assert wire.names() == ["page 1"]


def test_each_reply_to_a_large_request_allows_one_more(wire: Wire) -> None:
    for name in ("page 1", "page 2", "page 3", "page 4"):
        wire.pending.submit(AskForPage(name))
    wire.sent()
    reconnect(wire)
    (first,) = wire.sent()
    wire.reply(first)
    second, third = wire.sent()
    wire.reply(second)
    wire.reply(third)
    assert wire.names() == ["page 4"]


def test_large_requests_are_sent_after_the_trial_period(wire: Wire) -> None:
    """A missing reply delays other requests for at most one heartbeat interval."""
    wire.pending.submit(AskForPage("page"))
    wire.ask("never answered")
    wire.sent()
    reconnect(wire)
    assert wire.names() == ["never answered"]
    assert wire.pending.deadline == TRIAL
    assert wire.pass_time(TRIAL) == []
    assert wire.names() == ["page"]
    assert wire.pending.deadline == SETTINGS.timeout


# The request that causes the losses ---------------------------------------------------------------------


def lose(wire: Wire, times: int) -> list[Request]:
    """Lose connections. On each, all requests are sent and none is answered before the loss."""
    ended: list[Request] = []
    for _ in range(times):
        wire.sent()
        ended += reconnect(wire)
    return ended


def interrupt(wire: Wire, name: str, times: int) -> list[Request]:
    """Lose connections, each in the middle of one request, after all requests before it were answered."""
    ended: list[Request] = []
    for _ in range(times):
        sent = wire.sent()
        while name not in names(sent):
            for package in sent:
                wire.reply(package)
            sent = wire.sent()
        ended += reconnect(wire, *(package for package in sent if names([package]) == [name]))
    return ended


def test_a_request_fails_after_four_connections_lost_in_its_frame(wire: Wire) -> None:
    large, beside = wire.pending.submit(AskForPage("large")), wire.ask("beside")[0]
    assert interrupt(wire, "large", 3) == []
    assert beside.value == b"done", "small ones are answered before"
    assert interrupt(wire, "large", 1) == [large]
    assert isinstance(large.error, ConnectionLostRepeatedly)
    assert (large.error.operation, large.error.connections, large.error.reason) == ("large", 4, str(LOST))


def test_a_request_that_ends_each_connection_is_found(wire: Wire) -> None:
    """If a request makes the server terminate, all other requests in flight are lost with it."""
    asked = wire.ask("a", "b", "poison", "c")
    ended: list[Request] = []
    connections = 0
    while not ended:
        connections += 1
        while sent := wire.sent():
            if b"poison" in [package.payload for package in sent]:
                break
            for package in sent:
                wire.reply(package)
        ended = reconnect(wire)
    assert ended == [asked[2]]
    assert isinstance(ended[0].error, ConnectionLostRepeatedly)
    assert connections == 8, "two with all others, two with one other, four alone"
    for package in wire.sent():
        wire.reply(package)
    assert [request.error for request in asked if request is not asked[2]] == [None, None, None]


def test_an_interrupted_event_of_a_subscription_blames_no_request(wire: Wire) -> None:
    (asked,) = wire.ask("a")
    for _ in range(20):
        wire.sent()
        assert wire.pending.disconnected(LOST, [bytes(16)]) == []
        wire.pending.connected()
    assert not asked.is_settled


def test_a_reply_resets_the_count_of_lost_connections(wire: Wire) -> None:
    (asked,) = wire.ask("a")
    for _ in range(5):
        assert interrupt(wire, "a", 3) == []
        wire.refuse(wire.sent()[0])
        wire.pass_time(4.0)
    assert not asked.is_settled


def test_a_token_that_ends_each_connection_is_refused(wire: Wire) -> None:
    """A server that does not support tokens closes the connection, which affects all users of it."""
    operation = Ask("token")
    operation.credentials = Token("abc")
    asked = wire.pending.submit(operation)
    (beside,) = wire.ask("beside")
    assert lose(wire, 3) == []
    assert lose(wire, 1) == [asked]
    assert isinstance(asked.error, NotAuthenticated)
    assert asked.error.login == "(token)"
    assert asked.error.reason == (
        "4 connections were lost as it was sent (the connection to tcp://node is closed: the connection was lost); "
        "servers before version 20 do not accept tokens"
    )
    assert not beside.is_settled


def test_expired_requests_leave_no_deadline_of_a_trial(wire: Wire) -> None:
    wire.ask("a", "b", "c")
    wire.sent()
    reconnect(wire)
    wire.sent()
    assert SETTINGS.timeout is not None
    wire.pass_time(SETTINGS.timeout)
    assert wire.pending.deadline == math.inf
