"""Reads with a filter, during which the server can send nothing for longer than a request may take."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

import pytest

from rxpump.errors import OperationTimedOut
from rxpump.grpc.caller import Caller
from rxpump.grpc.consumer_session import connect_group
from rxpump.grpc.http2 import ErrorCode, Http2Connection, Http2Limits, Role
from rxpump.grpc.messages import persistent_subscriptions, server_features, streams
from rxpump.grpc.protocol.message_reader import frame_message
from rxpump.grpc.reads.follow import StreamFollowing
from rxpump.grpc.reads.pages import find_last_matching, find_last_number, read_all_page
from rxpump.grpc.reads.reading import AllReading
from rxpump.grpc.silence import SilenceLimit, SilenceWatch
from rxpump.model.filters import EventFilter
from rxpump.model.positions import START, StreamDirection
from rxpump.settings import Settings
from rxpump.transport import Confirmed
from tests.grpc.clients import QUICK, calling, features, handlers
from tests.grpc.harness import ServerCall, ServerEndpoint, serving
from tests.grpc.interruptions import resets_with
from tests.grpc.reads.read_server import event, last
from tests.grpc.test_consumer_session import CONFIRMED

WHERE = EventFilter(type_prefix="T")
FORWARD = StreamDirection.FORWARD


# The limit, with the time passed in ---------------------------------------------------------------


def test_a_silent_server_gets_one_ping_before_the_limit() -> None:
    limit = SilenceLimit(10.0, 100.0, 110.0)
    assert (limit.next_tick, limit.deadline) == (105.0, 110.0)
    assert not limit.tick(104.9)
    assert limit.tick(105.0)
    assert not limit.tick(106.0)
    assert (limit.next_tick, limit.deadline, limit.is_over) == (110.0, 110.0, False)
    assert not limit.tick(110.0)
    assert limit.is_over


def test_a_late_ping_extends_the_deadline() -> None:
    limit = SilenceLimit(10.0, 100.0, 110.0)
    assert limit.tick(119.0)
    assert (limit.next_tick, limit.is_over) == (124.0, False)
    limit.note_received(119.5)
    assert limit.deadline == 129.5


def test_received_bytes_restart_the_limit() -> None:
    limit = SilenceLimit(10.0, 100.0, 110.0)
    assert limit.tick(105.0)
    limit.note_received(105.1)
    assert (limit.next_tick, limit.deadline) == (110.1, 115.1)
    limit.note_received(103.0)
    assert limit.deadline == 115.1, "an earlier sign changes nothing"
    assert limit.tick(111.0), "the server is asked again"


def test_a_limit_that_began_earlier_is_not_extended_by_a_ping() -> None:
    limit = SilenceLimit(10.0, 100.0, 102.0)
    assert limit.next_tick == 101.0
    assert limit.tick(101.0)
    assert limit.deadline == 102.0
    limit.note_received(101.5)
    assert (limit.next_tick, limit.deadline) == (106.5, 111.5)


def test_a_server_that_answers_pings_is_never_over_the_limit() -> None:
    limit, now, asked = SilenceLimit(10.0, 0.0, 10.0), 0.0, 0
    for _ in range(1000):
        now = limit.next_tick
        assert now < limit.deadline
        if limit.tick(now):
            asked += 1
            limit.note_received(now + 0.1)
    assert asked == 1000
    assert now > 4000


def test_no_ping_is_sent_while_the_server_sends_frames() -> None:
    limit = SilenceLimit(10.0, 0.0, 10.0)
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
    """Counts the PING frames that servers receive, and can make them ignore received bytes.

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
    """A subscription, which has no deadline, searches for the last event before it starts."""
    async with searching(Search(pings, 2)) as caller:
        assert await find_last_matching(caller, WHERE, resolve_links=False) is not None


@pytest.mark.parametrize("has_deadline", [False, True])
async def test_searches_that_end_without_a_status_have_one_limit(has_deadline: bool) -> None:
    async def reset(call: ServerCall) -> None:
        await anext(call)
        resets_with(ErrorCode.CANCEL)(call)

    async with serving(handlers(Read=reset)) as server, calling(server.port, SETTINGS) as caller:
        with pytest.raises(OperationTimedOut):
            await numbers(caller.with_timeout(0.2) if has_deadline else caller, WHERE)


# Slow connections ----------------------------------------------------------------------------------


class SlowLink:
    """A server whose messages arrive in parts, each of which takes half of the time limit.

    Attributes:
        parts: Number of parts of a message that arrive; the rest does not.
    """

    def __init__(self, *messages: bytes, parts: int = 6) -> None:
        self.parts = parts
        self._messages = messages

    async def answer(self, call: ServerCall) -> None:
        await anext(call)
        call.start()
        for message in self._messages:
            await self._send(call, frame_message(message))
        call.finish()

    async def _send(self, call: ServerCall, data: bytes) -> None:
        size = -(-len(data) // 6)
        for number, start in enumerate(range(0, len(data), size)):
            if number == self.parts:
                await asyncio.Event().wait()
            await asyncio.sleep(0.1)
            call.endpoint.connection.send_data(call.stream_id, data[start : start + size])
            call.endpoint.flush()


@asynccontextmanager
async def linked(link: SlowLink) -> AsyncIterator[Caller]:
    answers = {
        server_features.GET_SUPPORTED_METHODS.path: features(),
        streams.READ.path: link.answer,
        persistent_subscriptions.READ.path: link.answer,
    }
    async with serving(answers) as server, calling(server.port, SETTINGS) as caller:
        yield caller


async def test_a_subscription_waits_for_a_message_that_arrives_slowly() -> None:
    async with linked(SlowLink(event(7).SerializeToString(), last(7).SerializeToString())) as caller:
        assert await find_last_number(caller, "s") == (7, 7)


async def test_a_confirmation_can_arrive_slowly() -> None:
    async with linked(
        SlowLink(streams.ReadResponse(confirmation={"subscription_id": "x"}).SerializeToString())
    ) as caller:
        subscription = StreamFollowing(caller, "s", -1, batch_size=3, resolve_links=False)
        assert isinstance(await subscription.next(), Confirmed)
        await subscription.aclose()
    async with linked(SlowLink(CONFIRMED)) as caller:
        (await connect_group(caller, "s", "g", 10)).close()


async def test_a_message_that_stops_arriving_is_not_waited_for() -> None:
    async with linked(SlowLink(event(7).SerializeToString(), parts=4)) as caller:
        with pytest.raises(OperationTimedOut):
            await find_last_number(caller, "s")


async def test_a_slow_message_does_not_move_a_deadline() -> None:
    async with linked(SlowLink(event(7).SerializeToString())) as caller:
        with pytest.raises(OperationTimedOut):
            await find_last_number(caller.with_timeout(0.2), "s")


class Upload:
    """A call whose request is sent in parts, one between two looks at the bytes that are left."""

    data_at = received_at = 0.0

    def __init__(self, parts: int) -> None:
        self.is_sent = asyncio.Event()
        self._parts = parts

    @property
    def pending_bytes(self) -> int:
        if self._parts:
            self._parts -= 1
        else:
            self.is_sent.set()
        return self._parts

    def ping(self) -> None:
        raise AssertionError("only a search sends a PING")


async def test_a_request_that_is_sent_slowly_moves_the_limit() -> None:
    upload = Upload(30)
    async with asyncio.timeout(0.02) as limit:
        ends_at = limit.when()
        assert ends_at is not None
        watch = SilenceWatch(limit, ends_at, 0.02, upload, is_search=False)
        await upload.is_sent.wait()
        watch.stop()
    assert asyncio.get_running_loop().time() > ends_at
