"""Reads with a filter, during which the server can send nothing for longer than a request may take."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

import pytest

from rxpump.errors import OperationTimedOut
from rxpump.grpc.caller import Caller
from rxpump.grpc.http2 import Http2Connection, Http2Limits, Role
from rxpump.grpc.reads.pages import find_last_matching, read_all_page
from rxpump.grpc.reads.reading import AllReading
from rxpump.grpc.silence import SilenceLimit
from rxpump.model.filters import EventFilter
from rxpump.model.positions import START, StreamDirection
from rxpump.settings import Settings
from tests.grpc.clients import QUICK, calling, handlers
from tests.grpc.harness import ServerCall, ServerEndpoint, serving
from tests.grpc.reads.read_server import event

WHERE = EventFilter(type_prefix="T")
FORWARD = StreamDirection.FORWARD


# The limit, with the time passed in ---------------------------------------------------------------


def test_a_silent_server_gets_one_ping_before_the_limit() -> None:
    limit = SilenceLimit(10.0, 100.0)
    assert (limit.next_tick, limit.deadline) == (105.0, 110.0)
    assert not limit.tick(104.9)
    assert limit.tick(105.0)
    assert not limit.tick(106.0)
    assert (limit.next_tick, limit.deadline, limit.is_over) == (110.0, 110.0, False)
    assert not limit.tick(110.0)
    assert limit.is_over


def test_a_late_ping_extends_the_deadline() -> None:
    limit = SilenceLimit(10.0, 100.0)
    assert limit.tick(119.0)
    assert (limit.next_tick, limit.is_over) == (124.0, False)
    limit.note_received(119.5)
    assert limit.deadline == 129.5


def test_received_bytes_restart_the_limit() -> None:
    limit = SilenceLimit(10.0, 100.0)
    assert limit.tick(105.0)
    limit.note_received(105.1)
    assert (limit.next_tick, limit.deadline) == (110.1, 115.1)
    limit.note_received(103.0)
    assert limit.deadline == 115.1, "an earlier sign changes nothing"
    assert limit.tick(111.0), "the server is asked again"


def test_a_server_that_answers_pings_is_never_over_the_limit() -> None:
    limit, now, asked = SilenceLimit(10.0, 0.0), 0.0, 0
    for _ in range(1000):
        now = limit.next_tick
        assert now < limit.deadline
        if limit.tick(now):
            asked += 1
            limit.note_received(now + 0.1)
    assert asked == 1000
    assert now > 4000


def test_no_ping_is_sent_while_the_server_sends_frames() -> None:
    limit = SilenceLimit(10.0, 0.0)
    for now in range(1, 100):
        limit.note_received(float(now))
        assert not limit.tick(now + 0.9)


def test_one_ping_is_in_flight_at_a_time() -> None:
    client = Http2Connection(Role.CLIENT, Http2Limits(), 0.0)
    client.bytes_to_send()
    client.ping()
    client.ping()
    assert len(client.bytes_to_send()) == 17
    client.receive(bytes.fromhex("000000040000000000000008060100000000") + bytes(8), 1.0)
    client.bytes_to_send()
    client.ping()
    assert len(client.bytes_to_send()) == 17


# Reads --------------------------------------------------------------------------------------------

SETTINGS = Settings(timeout=0.2, reconnect=QUICK, retry=QUICK)
PING = bytes.fromhex("000008060000000000")
"""Header of a PING frame."""


class Pings:
    """Counts the PING frames that servers receive, and can make them ignore what they receive.

    Attributes:
        count: Number of frames.
        ignores_bytes: Whether the servers ignore the bytes that arrive.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        self.ignores_bytes = False
        self._changed = asyncio.Event()
        receive = ServerEndpoint.data_received

        def data_received(endpoint: ServerEndpoint, data: bytes) -> None:
            self.count += data.count(PING)
            self._changed.set()
            if not self.ignores_bytes:
                receive(endpoint, data)

        monkeypatch.setattr(ServerEndpoint, "data_received", data_received)

    async def until(self, count: int) -> None:
        while self.count < count:
            self._changed.clear()
            await self._changed.wait()


@pytest.fixture
def pings(monkeypatch: pytest.MonkeyPatch) -> Pings:
    return Pings(monkeypatch)


class Search:
    """A server that finds events after it has received some PING frames."""

    def __init__(self, pings: Pings, count: int) -> None:
        self._pings = pings
        self._count = count

    async def read(self, call: ServerCall) -> None:
        await anext(call)
        for number in (1, 2):
            await self._pings.until(self._count * number)
            if number == 1:
                call.start()
            await call.send(event(number).SerializeToString())
        call.finish()


@asynccontextmanager
async def searching(search: Search, settings: Settings = SETTINGS) -> AsyncIterator[Caller]:
    async with serving(handlers(Read=search.read)) as server, calling(server.port, settings) as caller:
        yield caller


async def numbers(caller: Caller, where: EventFilter | None) -> list[int]:
    reading = AllReading(caller, START, FORWARD, batch_size=5, resolve_links=False, where=where)
    async with aclosing(reading.batches()) as batches:
        return [each.number async for batch in batches for each in batch]


@pytest.mark.parametrize("has_deadline", [False, True])
async def test_a_search_goes_on_while_the_server_answers_pings(pings: Pings, has_deadline: bool) -> None:
    async with searching(Search(pings, 2)) as caller:
        caller = caller.with_timeout(0.2) if has_deadline else caller
        assert await numbers(caller, WHERE) == [1, 2]
    assert pings.count >= 4


async def test_a_search_ends_if_the_server_does_not_answer(pings: Pings) -> None:
    async with searching(Search(pings, 10)) as caller:
        reading = asyncio.ensure_future(numbers(caller, WHERE))
        await pings.until(2)
        pings.ignores_bytes = True
        with pytest.raises(OperationTimedOut) as raised:
            await reading
        assert raised.value.timeout == 0.2


async def test_a_read_without_a_filter_is_not_a_search(pings: Pings) -> None:
    async with searching(Search(pings, 1)) as caller:
        with pytest.raises(OperationTimedOut):
            await numbers(caller, None)
    assert pings.count == 0


async def test_the_deadline_of_a_page_is_not_moved(pings: Pings) -> None:
    async with searching(Search(pings, 2)) as caller:
        with pytest.raises(OperationTimedOut):
            await read_all_page(caller.with_timeout(0.2), START, 5, FORWARD, resolve_links=False, where=WHERE)


async def test_a_search_for_the_last_event_goes_on(pings: Pings) -> None:
    """It finds the end for a subscription, which has no deadline."""
    async with searching(Search(pings, 2)) as caller:
        assert await find_last_matching(caller, WHERE, resolve_links=False) is not None
