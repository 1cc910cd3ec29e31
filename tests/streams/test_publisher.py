"""The publisher keeps the order and the expected versions of writes, also after refusals, and pauses its source."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from reactivex.subject import Subject

from rxpump.backpressure.background_tasks import BackgroundTasks
from rxpump.errors import ClientClosed, InvalidArgument, NotConnected, WrongExpectedVersion
from rxpump.model.new_events import NewEvent
from rxpump.model.positions import ExpectedVersion, Position
from rxpump.model.results import WriteResult
from rxpump.streams.publisher import Publisher
from rxpump.streams.write_buffer import Batching
from rxpump.testing import MockTransport
from rxpump.transport import Appender
from tests.fakes import Pages


class Server(Appender):
    """A server with one stream. It refuses the next `refuse_next` writes as if the previous write had not arrived."""

    def __init__(self) -> None:
        self.events: list[NewEvent] = []
        self.expectations: list[int] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.under_way = 0
        self.most_under_way = 0
        self.delays: dict[int, asyncio.Event] = {}
        self.failures: dict[int, Exception] = {}

    async def append(self, events: Sequence[NewEvent], expected_version: int) -> WriteResult:
        expected = expected_version
        turn = len(self.expectations)
        self.expectations.append(expected)
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            await self.gate.wait()
            if turn in self.delays:
                await self.delays[turn].wait()
            if turn in self.failures:
                raise self.failures[turn]
            current = len(self.events) - 1
            if expected not in (ExpectedVersion.ANY, current):
                raise WrongExpectedVersion("out", expected, current)
            self.events += events
            return WriteResult("out", current + 1, len(self.events) - 1, Position(1, 1))
        finally:
            self.under_way -= 1

    def close(self) -> None: ...


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def runtime() -> BackgroundTasks:
    return BackgroundTasks("test")


def publisher(
    runtime: BackgroundTasks, server: Server, version: int = ExpectedVersion.ANY, **batching: Any
) -> Publisher:
    settings = Batching(**{"max_batch": 10, **batching})
    return Publisher(
        runtime,
        "out",
        lambda: server,
        expected_version=version,
        batching=settings,
        transport=MockTransport(),
    )


def new_events(count: int) -> list[NewEvent]:
    return [NewEvent("Counted", {"n": n}) for n in range(count)]


@pytest.mark.parametrize("version", [ExpectedVersion.ANY, ExpectedVersion.NO_STREAM])
async def test_a_stream_is_copied_in_order(runtime: BackgroundTasks, server: Server, version: int) -> None:
    events = new_events(995)
    sink = publisher(runtime, server, version)
    results: list[WriteResult] = []
    sink.results.subscribe(results.append)
    Pages([events[:400], events[400:]]).source(runtime).subscribe(sink)
    last = await sink.drained()
    assert server.events == events
    assert last == results[-1]
    assert "done, 995 events written" in repr(sink)


async def test_batches_are_pipelined_after_the_first_success(runtime: BackgroundTasks, server: Server) -> None:
    sink = publisher(runtime, server)
    events = new_events(61)
    server.gate.clear()
    for event in events[:20]:
        sink.on_next(event)
    while not server.under_way:
        await asyncio.sleep(0)
    for _ in range(20):
        await asyncio.sleep(0)
    assert server.under_way == 1, "it is not known yet that the server takes anything"
    server.gate.set()
    while len(server.events) < 20:
        await asyncio.sleep(0)
    server.gate.clear()
    for event in events[20:]:
        sink.on_next(event)
    sink.on_completed()
    while server.under_way < 4:
        await asyncio.sleep(0)
    server.gate.set()
    await sink.drained()
    assert server.most_under_way == 4
    assert server.events == events


class CountingRuntime(BackgroundTasks):
    """Background tasks that count how many were started."""

    started = 0

    def start(self, work: Any, name: str) -> asyncio.Task[Any]:
        self.started += 1
        return super().start(work, name)


@pytest.mark.parametrize("version", [ExpectedVersion.ANY, ExpectedVersion.NO_STREAM])
@pytest.mark.parametrize("size", [1, 3])
async def test_batches_that_are_ready_are_sent_together(server: Server, version: int, size: int) -> None:
    """All batches are sent in one iteration of the event loop, with one task for each."""
    runtime = CountingRuntime("test")
    sink = publisher(runtime, server, version, max_batch=size, max_in_flight=50)
    events = new_events(1 + 50 * size)
    sink.on_next(events[0])
    while not server.events:
        await asyncio.sleep(0)
    server.gate.clear()
    before = runtime.started
    for event in events[1:]:
        sink.on_next(event)
    turns_with_a_write = 0
    for _ in range(10):
        under_way = server.under_way
        await asyncio.sleep(0)
        turns_with_a_write += server.under_way > under_way
    assert (server.under_way, turns_with_a_write, runtime.started - before) == (50, 1, 50)
    server.gate.set()
    sink.on_completed()
    await sink.drained()
    assert server.events == events


async def test_many_buffered_events_pause_the_source(runtime: BackgroundTasks, server: Server) -> None:
    server.gate.clear()
    pages = Pages([[event] for event in new_events(1000)])
    sink = publisher(runtime, server, max_batch=1, max_in_flight=100)
    pages.source(runtime).subscribe(sink)
    for _ in range(400):
        await asyncio.sleep(0)
    assert 100 <= pages.asked <= 1 + 100 + 1
    server.gate.set()
    await sink.drained()
    assert len(server.events) == 1000


async def test_results_precede_the_error_of_a_later_write(runtime: BackgroundTasks, server: Server) -> None:
    """All three writes finish in the same iteration of the event loop."""
    sink = publisher(runtime, server, max_batch=1, max_in_flight=10)
    results: list[WriteResult] = []
    errors: list[Exception] = []
    sink.results.subscribe(results.append, errors.append)
    sink.on_next(new_events(1)[0])
    while not results:
        await asyncio.sleep(0)
    server.gate.clear()
    for event in new_events(5):
        sink.on_next(event)
    while server.under_way < 5:
        await asyncio.sleep(0)
    server.delays[4] = asyncio.Event()
    server.failures[4] = ConnectionError("cut")
    server.delays[4].set()
    server.gate.set()
    with pytest.raises(ConnectionError):
        await sink.drained()
    assert [result.last_event_number for result in results] == [0, 1, 2, 3]
    assert errors == [server.failures[4]]


async def test_a_batch_is_written_when_linger_has_passed(runtime: BackgroundTasks, server: Server) -> None:
    sink = publisher(runtime, server, linger=0.001)
    first, second = new_events(2)
    for event in (first, second):
        sink.on_next(event)
        while event not in server.events:
            await asyncio.sleep(0.001)
    sink.on_completed()
    await sink.drained()
    assert len(server.expectations) == 2


async def test_a_blocked_write_pauses_the_source(runtime: BackgroundTasks, server: Server) -> None:
    server.gate.clear()
    pages = Pages([[event] for event in new_events(1000)])
    sink = publisher(runtime, server)
    pages.source(runtime).subscribe(sink)
    for _ in range(200):
        await asyncio.sleep(0)
    assert pages.asked <= 10 + 20 + 1, "one batch under way, two waiting"
    server.gate.set()
    await sink.drained()
    assert len(server.events) == 1000


async def test_a_batch_that_overtakes_another_is_sent_again(runtime: BackgroundTasks, server: Server) -> None:
    """The second write overtakes the first, as it does if the first is retried."""
    sink = publisher(runtime, server, ExpectedVersion.NO_STREAM, max_batch=1)
    events = new_events(6)
    sink.on_next(events[0])
    while not server.events:
        await asyncio.sleep(0)
    server.delays[1] = asyncio.Event()
    for event in events[1:]:
        sink.on_next(event)
    sink.on_completed()
    while len(server.expectations) < 5:
        await asyncio.sleep(0)
    server.delays[1].set()
    await sink.drained()
    assert server.events == events
    assert len(server.expectations) > 6, "some were sent twice"


async def test_a_conflict_fails_the_publisher_and_its_source(runtime: BackgroundTasks, server: Server) -> None:
    server.events += new_events(3)
    sink = publisher(runtime, server, ExpectedVersion.NO_STREAM)
    errors: list[Exception] = []
    sink.results.subscribe(on_error=errors.append)
    upstream: Subject[Any] = Subject()
    upstream.subscribe(sink)
    upstream.on_next(NewEvent("Late"))
    with pytest.raises(WrongExpectedVersion) as raised:
        await sink.drained()
    assert (raised.value.expected, raised.value.current) == (-1, 2)
    assert errors == [raised.value]
    with pytest.raises(WrongExpectedVersion):
        sink.on_next(NewEvent("Later"))


async def test_a_failed_write_disposes_the_source(runtime: BackgroundTasks, server: Server) -> None:
    server.events += new_events(1)
    pages = Pages([NewEvent("Tick")] for _ in range(10**9))
    sink = publisher(runtime, server, ExpectedVersion.NO_STREAM)
    pages.source(runtime).subscribe(sink)
    with pytest.raises(WrongExpectedVersion):
        await sink.drained()
    while not pages.closed:
        await asyncio.sleep(0)


async def test_events_before_an_error_of_the_source_are_written(runtime: BackgroundTasks, server: Server) -> None:
    sink = publisher(runtime, server)
    Pages([new_events(3)], failure=LookupError("gone")).source(runtime).subscribe(sink)
    with pytest.raises(LookupError):
        await sink.drained()
    assert len(server.events) == 3


async def test_linger_collects_events_into_one_batch(runtime: BackgroundTasks, server: Server) -> None:
    sink = publisher(runtime, server, linger=60.0)
    sizes: list[int] = []
    sink.results.subscribe(lambda result: sizes.append(result.last_event_number - result.first_event_number + 1))
    for event in new_events(25):
        sink.on_next(event)
        await asyncio.sleep(0)
    sink.on_completed()
    await sink.drained()
    assert sizes == [10, 10, 5]


async def test_a_value_that_is_no_event_is_refused(runtime: BackgroundTasks, server: Server) -> None:
    sink = publisher(runtime, server)
    with pytest.raises(InvalidArgument):
        sink.on_next("x")
    sink.on_completed()
    assert await sink.drained() is None
    with pytest.raises(NotConnected, match="done publishing to out"):
        sink.on_next(NewEvent("Late"))


async def test_a_disposed_publisher_fails_with_client_closed(runtime: BackgroundTasks, server: Server) -> None:
    server.gate.clear()
    sink = publisher(runtime, server)
    sink.on_next(NewEvent("Stuck"))
    await asyncio.sleep(0)
    await runtime.stop()
    with pytest.raises(ClientClosed):
        await sink.drained()
    assert not runtime.tasks


@pytest.mark.parametrize("iterations", range(4))
@pytest.mark.parametrize("way", ["dispose", "stop"])
async def test_a_publisher_that_ends_before_it_has_begun_fails(
    runtime: BackgroundTasks, server: Server, way: str, iterations: int
) -> None:
    server.gate.clear()
    sink = publisher(runtime, server)
    sink.on_next(NewEvent("Early"))
    for _ in range(iterations):
        await asyncio.sleep(0)
    if way == "dispose":
        sink.dispose()
    else:
        await runtime.stop()
    with pytest.raises(ClientClosed):
        await sink.drained()
    assert "done" in repr(sink)


async def test_a_drain_writes_the_buffered_events(runtime: BackgroundTasks, server: Server) -> None:
    manual, fed = publisher(runtime, server), publisher(runtime, server)
    manual.on_next(NewEvent("One"))
    Pages([[event] for event in new_events(50)]).source(runtime).subscribe(fed)
    for _ in range(20):
        await asyncio.sleep(0)
    await runtime.drain()
    assert await manual.drained() is not None
    await fed.drained()
    assert not runtime.tasks
