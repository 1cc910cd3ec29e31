"""After any sequence of actions, each request is either pending or has been settled exactly once."""

from __future__ import annotations

from math import inf
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from rxpump.errors import ConnectionClosed, ConnectionLostRepeatedly
from rxpump.tcp.protocol.request import Request
from rxpump.tcp.wire.codes import NotHandledReason
from rxpump.tcp.wire.package import Package
from rxpump.transport.deadline import Deadline
from tests.tcp.protocol.driving import SETTINGS, Ask, AskOnce, Wire

LOST = ConnectionClosed("tcp://node", "the connection was lost")
LEADER = {"external_tcp_address": "10.0.0.2", "external_tcp_port": 1113}


class PendingRequestsModel(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.wire = Wire(is_connected=False)
        self.is_connected = False
        self.open: dict[int, Request] = {}  # requests by number, in the order of the calls
        self.on_the_wire: dict[Package, int] = {}
        self.stale: list[Package] = []
        self.asked = 0

    @rule(
        kind=st.sampled_from([Ask, AskOnce]),
        ordering_key=st.sampled_from([None, "ponies", "horses"]),
        timeout=st.sampled_from([None, 0.1, 2.0, 20.0, inf]),
    )
    def ask(self, kind: type[Ask], ordering_key: str | None, timeout: float | None) -> None:
        deadline = None if timeout is None else Deadline(timeout, self.wire.now)
        operation = kind(str(self.asked), ordering_key)
        self.open[self.asked] = self.wire.pending.submit(operation, owner=self.asked, deadline=deadline)
        self.asked += 1

    @precondition(lambda self: not self.is_connected)
    @rule()
    def connect(self) -> None:
        self.wire.pending.connected()
        self.is_connected = True

    @precondition(lambda self: self.is_connected)
    @rule()
    def lose_the_connection(self) -> None:
        lost = self.wire.pending.disconnected(LOST)
        given_up = [request for request in lost if isinstance(request.error, ConnectionLostRepeatedly)]
        assert all(request.losses > 4 for request in given_up)
        self.settled(given_up)
        self.settled([request for request in lost if request not in given_up], among=AskOnce)
        self.is_connected = False
        self.nothing_in_flight()

    @rule()
    def send(self) -> None:
        sent = self.wire.sent()
        numbers = [int(package.payload) for package in sent]
        for ordering_key in (None, "ponies", "horses"):
            in_lane = [number for number in numbers if self.open[number].operation.ordering_key == ordering_key]
            if ordering_key is None:
                in_lane = [number for number in in_lane if self.open[number].losses < 2]
            assert in_lane == sorted(in_lane), "the order of asking"
        assert self.is_connected or not sent
        for package, number in zip(sent, numbers, strict=True):
            assert number in self.open, "a settled request is not sent"
            assert number not in self.on_the_wire.values(), "a request in flight is not sent again"
            self.on_the_wire[package] = number

    @precondition(lambda self: self.on_the_wire)
    @rule(data=st.data())
    def answer(self, data: Any) -> None:
        package = self.take(data)
        request = self.wire.reply(package)
        assert request is not None
        self.settled([request])
        assert request.value == b"done"

    @precondition(lambda self: self.on_the_wire)
    @rule(data=st.data(), reason=st.sampled_from(NotHandledReason))
    def refuse(self, data: Any, reason: NotHandledReason) -> None:
        assert self.wire.refuse(self.take(data), reason, **LEADER) is None, "it rests"

    @precondition(lambda self: self.stale)
    @rule(data=st.data())
    def answer_late(self, data: Any) -> None:
        assert self.wire.reply(data.draw(st.sampled_from(self.stale))) is None

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def withdraw(self, data: Any) -> None:
        number = data.draw(st.sampled_from(sorted(self.open)))
        self.wire.pending.withdraw(self.open.pop(number))
        self.off_the_wire(number)

    @rule(seconds=st.sampled_from([0.1, 0.9, 1.0, 3.5, 7.0]))
    def pass_time(self, seconds: float) -> None:
        expired = self.wire.pass_time(seconds)
        self.settled(expired)
        for request in expired:
            self.off_the_wire(request.owner)
        assert self.wire.pending.deadline > self.wire.now
        assert not any(
            request.deadline is not None and request.deadline.time <= self.wire.now for request in self.open.values()
        ), "a call is settled at its deadline"

    @rule()
    def close(self) -> None:
        ended = self.wire.pending.close(LOST)
        assert sorted(request.owner for request in ended) == sorted(self.open)
        self.settled(ended)
        self.is_connected = False
        self.nothing_in_flight()

    @invariant()
    def open_means_open(self) -> None:
        assert len(self.wire.pending) == len(self.open)
        assert not any(request.is_settled for request in self.open.values())
        assert len(self.on_the_wire) <= SETTINGS.max_in_flight

    def teardown(self) -> None:
        """Check that all requests complete on a connection on which every request is answered."""
        if not self.is_connected:
            self.connect()
        for _ in range(len(self.open) + 10):
            self.send()
            for package in list(self.on_the_wire):
                del self.on_the_wire[package]
                self.settled([request for request in [self.wire.reply(package)] if request])
            self.settled(self.wire.pass_time(4.0))
        assert self.open == {}

    def settled(self, requests: list[Request], among: type[Ask] = Ask) -> None:
        for request in requests:
            assert self.open.pop(request.owner) is request, "settled once"
            assert request.is_settled
            assert isinstance(request.operation, among)
            assert (request.value is None) != (request.error is None)

    def take(self, data: Any) -> Package:
        package: Package = data.draw(st.sampled_from(list(self.on_the_wire)))
        del self.on_the_wire[package]
        self.stale.append(package)
        return package

    def off_the_wire(self, number: int) -> None:
        for package in [each for each, which in self.on_the_wire.items() if which == number]:
            del self.on_the_wire[package]
            self.stale.append(package)

    def nothing_in_flight(self) -> None:
        self.stale += self.on_the_wire
        self.on_the_wire.clear()


TestPendingRequests = PendingRequestsModel.TestCase
TestPendingRequests.settings = settings(max_examples=60, stateful_step_count=40)
