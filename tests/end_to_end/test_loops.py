"""A client belongs to the event loop in which it was connected, until it is closed."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any

import pytest
from reactivex.subject import Subject

import rxpump
from rxpump import operators as ops
from rxpump.errors import ClientClosed, InvalidArgument, NotConnected, WrongEventLoop
from rxpump.model.new_events import NewEvent
from rxpump.server import EmbeddedServer, SqliteStore
from tests.end_to_end.test_deadlines import CALLS


def _call(name: str, client: rxpump.Client) -> Any:
    return CALLS[name](client, {})


ELSEWHERE: dict[str, Callable[[rxpump.Client], Any]] = {
    **{name: partial(_call, name) for name in CALLS if "iter" not in name},
    "as_user": lambda client: client.as_user("admin", "changeit").ping(),
    "publish of a source": lambda client: client.publish("s", iter([NewEvent("T")])),
    "iter": lambda client: first(client.iter("s")),
    "stream": lambda client: first(client.stream("s")),
    "connect_subscription": lambda client: first(client.connect_subscription("g", "s")),
    "relay": lambda client: first(client.relay("s", lambda events: events, "out")),
    "async with a transaction": lambda client: client.transaction("s").__aenter__(),
    "connect": lambda client: client.connect(),
    "drain": lambda client: client.drain(),
    "close": lambda client: client.close(),
}


async def first(source: rxpump.Observable[Any]) -> Any:
    async for value in source:
        return value


def in_another_thread(work: Callable[[], None]) -> None:
    thread = threading.Thread(target=work, name="elsewhere")
    thread.start()
    thread.join()


def outcome_elsewhere(make: Callable[[], Any]) -> BaseException | None:
    """Return the error of an awaitable in an event loop of another thread, None if it has none."""
    outcomes: list[BaseException | None] = []

    async def use() -> None:
        try:
            await make()
        except Exception as error:
            outcomes.append(error)
        else:
            outcomes.append(None)

    in_another_thread(lambda: asyncio.run(use()))
    return outcomes[0]


@pytest.fixture
async def client(memory_server: EmbeddedServer) -> AsyncIterator[rxpump.Client]:
    async with rxpump.connect(memory_server.uri) as client:
        yield client


@pytest.mark.parametrize("method", ELSEWHERE)
async def test_a_call_from_another_loop_is_refused(client: rxpump.Client, method: str) -> None:
    error = outcome_elsewhere(lambda: ELSEWHERE[method](client))
    assert isinstance(error, WrongEventLoop)
    assert error.client == client.name
    assert error.own == f"event loop 0x{id(asyncio.get_running_loop()):x} of thread 'MainThread'"
    assert error.running.endswith("of thread 'elsewhere'")
    assert error.own != error.running
    assert await client.ping() < 5


async def test_a_subscription_from_a_thread_is_refused(client: rxpump.Client) -> None:
    errors: list[Exception] = []

    def subscribe() -> None:
        for source in (client.iter("s"), client.publish_event("s", "T"), client.stream("s")):
            try:
                source.subscribe()
            except WrongEventLoop as error:
                errors.append(error)

    in_another_thread(subscribe)
    assert [str(error).count("thread 'elsewhere', in which no event loop is running") for error in errors] == [
        1,
        1,
        1,
    ]


async def test_events_from_a_thread_are_processed(memory_server: EmbeddedServer) -> None:
    """Heartbeats are an hour apart, so that nothing else wakes the event loop."""
    async with rxpump.connect(memory_server.uri, heartbeat_interval=3600.0) as client:
        published: Subject[NewEvent] = Subject()
        mapped: Subject[int] = Subject()
        seen: list[int] = []
        over = asyncio.Event()
        publisher = client.publisher("published")
        published.subscribe(publisher)

        async def work(number: int) -> int:
            return number

        mapped.pipe(ops.on_backpressure_buffer(1000), ops.map_async(work)).subscribe(
            seen.append, on_completed=over.set
        )

        def deliver() -> None:
            for number in range(100):
                published.on_next(NewEvent("Counted", number))
                mapped.on_next(number)
            published.on_completed()
            mapped.on_completed()

        await asyncio.to_thread(deliver)
        await over.wait()
        assert seen == list(range(100))
        result = await publisher.drained()
        assert result is not None
        assert result.last_event_number == 99
        assert [event.json() async for event in client.iter("published")] == list(range(100))


async def test_a_wrong_value_from_a_thread_fails_the_source(client: rxpump.Client) -> None:
    publisher = client.publisher("out")
    await asyncio.to_thread(publisher.on_next, NewEvent("T"))
    await asyncio.to_thread(publisher.on_next, "no event")
    with pytest.raises(InvalidArgument):
        await publisher.drained()
    assert (await client.get_event("out")).number == 0


async def test_a_subscription_can_be_disposed_from_a_thread(client: rxpump.Client) -> None:
    await client.publish_event("s", "T")
    for source in (client.stream("s"), client.stream("s").pipe(ops.map_async(lambda event: asyncio.sleep(0)))):
        subscription = source.subscribe()
        await asyncio.to_thread(subscription.dispose)
    publisher = client.publisher("out")
    await asyncio.to_thread(publisher.dispose)
    with pytest.raises(ClientClosed):
        await publisher.drained()
    while client._runtime.tasks:
        await asyncio.wait(client._runtime.tasks)


@pytest.mark.parametrize("close", [True, False])
def test_a_client_can_be_connected_in_another_loop(close: bool) -> None:
    """The client, or only its event loop, was closed before."""

    async def serve() -> None:
        async with EmbeddedServer(SqliteStore.in_memory()) as server:
            address.append(server.uri)
            ready.set()
            await asyncio.get_running_loop().run_in_executor(None, done.wait)

    address: list[str] = []
    ready, done = threading.Event(), threading.Event()
    serving = threading.Thread(target=lambda: asyncio.run(serve()))
    serving.start()
    ready.wait()
    client = rxpump.connect(address[0])

    async def use(number: int) -> None:
        await client.connect()
        result = await client.publish_event("s", "T")
        assert result.last_event_number == number
        assert len([event async for event in client.iter("s")]) == number + 1
        client.stream("s").subscribe(on_error=lambda error: None)
        assert await client.drain()
        if close:
            await client.close()

    for number in range(3):
        asyncio.run(use(number))
    asyncio.run(client.close())
    done.set()
    serving.join()


def test_a_call_after_its_loop_closed_names_both_loops(memory_server_in_thread: str) -> None:
    client = rxpump.connect(memory_server_in_thread)

    async def connect() -> None:
        await client.connect()

    async def call() -> None:
        with pytest.raises(WrongEventLoop, match=r"belongs to event loop 0x.*, which is closed and was called from"):
            await client.ping()
        with pytest.raises(WrongEventLoop):
            await client.drain()
        await client.close()
        with pytest.raises(NotConnected):
            await client.ping()

    asyncio.run(connect())
    asyncio.run(call())


@pytest.fixture
def memory_server_in_thread() -> Any:
    """The address of a server that runs in another thread."""
    ready, done = threading.Event(), threading.Event()
    address: list[str] = []

    async def serve() -> None:
        async with EmbeddedServer(SqliteStore.in_memory()) as server:
            address.append(server.uri)
            ready.set()
            await asyncio.get_running_loop().run_in_executor(None, done.wait)

    serving = threading.Thread(target=lambda: asyncio.run(serve()))
    serving.start()
    ready.wait()
    yield address[0]
    done.set()
    serving.join()


def test_an_embedded_server_restarts_in_another_loop() -> None:
    client = rxpump.connect("memory://")

    async def use() -> None:
        async with client:
            assert (await client.publish_event("s", "T")).last_event_number == 0

    asyncio.run(use())
    asyncio.run(use())


async def test_a_cancelled_connect_leaves_a_concurrent_one() -> None:
    async with EmbeddedServer(SqliteStore.in_memory()) as server:
        client = rxpump.connect(server.uri)
        stays, leaves = asyncio.ensure_future(client.connect()), asyncio.ensure_future(client.connect())
        await asyncio.sleep(0)
        leaves.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaves
        assert await stays is client
        assert await client.ping() < 5
        again = asyncio.ensure_future(client.connect())
        await asyncio.sleep(0)
        again.cancel()
        await asyncio.wait([again])
        assert await client.ping() < 5, "nor one that comes later"
        await client.close()


async def test_cancelled_connects_leave_no_task() -> None:
    async with EmbeddedServer(SqliteStore.in_memory()) as server:
        client = rxpump.connect(server.uri)
        both = [asyncio.ensure_future(client.connect()) for _ in range(2)]
        await asyncio.sleep(0)
        for connecting in both:
            connecting.cancel()
        await asyncio.wait(both)
        assert "keep the connection" not in str(asyncio.all_tasks())
        async with client:
            assert await client.ping() < 5


CTRL_C = """
import asyncio, os, signal, sys
import rxpump
from rxpump import operators as ops
from reactivex import operators as rx

async def work(event):
    {work}
    return event

async def main():
    {enter}
        await client.publish("s", [rxpump.NewEvent("T") for _ in range(200)])
        reached = asyncio.Event()
        for concurrency in (1, 3):
            client.stream("s").pipe(
                ops.map_async(work, max_concurrent=concurrency), ops.batch(2), ops.commit_checkpoint(Store())
            ).subscribe(lambda _: reached.set())
        client.iter("s").pipe(ops.map_async(work)).subscribe(lambda _: None)
        client.publisher("copies")
        await reached.wait()
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.sleep(3600)

class Store:
    async def load(self): ...
    async def save(self, checkpoint): ...

client = rxpump.connect("memory://")
try:
    asyncio.run(main())
except KeyboardInterrupt:
    print("interrupted")
"""


@pytest.mark.parametrize("work", ["await asyncio.sleep(0.001)", "await client.publish_event('out', 'T')"])
@pytest.mark.parametrize("enter", ["async with client:", "await client.connect()\n    if True:"])
def test_ctrl_c_prints_no_warning(work: str, enter: str) -> None:
    command = [sys.executable, "-c", CTRL_C.format(work=work, enter=enter)]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    assert (ended.stdout, ended.stderr) == ("interrupted\n", "")
