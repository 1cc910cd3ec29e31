"""Closing a client ends each of its pipelines with ClientClosed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from reactivex import operators as rx

import rxpump
from rxpump import operators as ops
from rxpump.checkpoints import Checkpoint
from rxpump.errors import ClientClosed, NotConnected
from rxpump.model.status import Closed
from rxpump.server import EmbeddedServer
from rxpump.server.store.sqlite_store import SqliteStore
from rxpump.testing import EmbeddedCluster

SOURCES: dict[str, Callable[[rxpump.Client], Any]] = {
    "stream": lambda client: client.stream("s"),
    "iter": lambda client: client.iter("s", batch_size=20),
    "deliveries": lambda client: client.connect_subscription("g", "s"),
}

PIPES: dict[str, Callable[[Any], list[Any]]] = {
    "one by one": lambda work: [ops.map_async(work)],
    "side by side": lambda work: [ops.map_async(work, max_concurrent=3)],
    "two stages": lambda work: [ops.map_async(work, max_concurrent=2), ops.map_async(work)],
    "a batch": lambda work: [ops.map_async(work), ops.batch(3)],
    "a checkpoint": lambda work: [ops.map_async(work), ops.commit_checkpoint(Nowhere(), every=1)],
    "flat": lambda work: [ops.flat_map_async(work, max_concurrent=2)],
}

ITERATIONS = [0, 1, 3, 10, 40]
"""Iterations of the event loop between the first result and the close. They vary the state of the pipeline."""


class Nowhere:
    async def load(self) -> Checkpoint | None:
        return None

    async def save(self, checkpoint: Checkpoint) -> None:
        await asyncio.sleep(0)


@pytest.mark.parametrize("iterations", ITERATIONS)
@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("pipe", PIPES)
async def test_a_pipeline_fails_with_client_closed(
    memory_server: EmbeddedServer, pipe: str, source: str, iterations: int
) -> None:
    client = await rxpump.connect(memory_server.uri, username="admin", password="changeit").connect()
    await client.publish("s", [rxpump.NewEvent("T") for _ in range(200)])
    await client.create_subscription("g", "s", start_from=0)
    ends: dict[str, list[Any]] = {"sleeping": [], "calling": []}
    reached = asyncio.Event()

    async def sleep(event: Any) -> Any:
        await asyncio.sleep(0.0001)
        return event

    async def call(event: Any) -> Any:
        await client.publish_event("out", "T")
        return event

    for name, work in (("sleeping", sleep), ("calling", call)):
        SOURCES[source](client).pipe(*PIPES[pipe](work)).subscribe(
            lambda _: reached.set(), ends[name].append, lambda name=name: ends[name].append("completed")
        )
    await reached.wait()
    for _ in range(iterations):
        await asyncio.sleep(0)
    await client.close()
    assert {name: [type(end) for end in each] for name, each in ends.items()} == {
        "sleeping": [ClientClosed],
        "calling": [ClientClosed],
    }


async def test_closing_reports_no_unhandled_error(memory_server: EmbeddedServer) -> None:
    reported: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: reported.append(context))
    client = await rxpump.connect(memory_server.uri).connect()
    await client.publish_event("s", "T")
    reached = asyncio.Event()
    client.stream("s").pipe(ops.map_async(_stay(reached))).subscribe()
    await reached.wait()
    await client.close()
    assert reported == []


def _stay(reached: asyncio.Event) -> Callable[[Any], Any]:
    async def stay(event: Any) -> None:
        reached.set()
        await asyncio.Event().wait()

    return stay


@pytest.mark.parametrize("preference", ["leader", "follower"])
@pytest.mark.parametrize("is_cut", [False, True], ids=["connected", "while it connects again"])
async def test_close_is_quiet_and_names_the_node(
    preference: str, is_cut: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """Pipelines of every kind end with ClientClosed, and with nothing else."""
    endings: list[Exception] = []
    signals: list[object] = []
    statuses: list[rxpump.Status] = []
    async with EmbeddedCluster() as cluster:
        client = rxpump.connect(cluster.uri, node_preference=preference)
        client.status.subscribe(statuses.append)
        await client.connect()
        await client.publish_event("s", "A")
        await client.create_subscription("g", "s", start_from=0)
        delivered = asyncio.Event()
        live = asyncio.Event()
        client.stream("s").pipe(ops.with_signals()).subscribe(
            lambda item: live.set() if isinstance(item, rxpump.CaughtUp) else signals.append(item), endings.append
        )
        client.stream_all().pipe(ops.map_async(lambda event: asyncio.sleep(0))).subscribe(on_error=endings.append)
        client.connect_subscription("g", "s").subscribe(lambda delivery: delivered.set(), endings.append)
        client.publisher("t").results.subscribe(on_error=endings.append)
        await delivered.wait()
        await live.wait()
        signals.clear()
        if is_cut:
            for node in cluster.nodes:
                await cluster.kill(node)
            while not isinstance(statuses[-1], rxpump.Reconnecting):
                await asyncio.sleep(0)
            signals.clear()
        before = len(statuses)
        caplog.clear()
        caplog.set_level("INFO", "rxpump")
        await client.close()
    address = next(status.address for status in statuses if isinstance(status, rxpump.Connected))
    assert statuses[before:] == [rxpump.Closed()]
    assert signals == []
    assert [record.message for record in caplog.records] == []
    assert [type(error) for error in endings] == [ClientClosed] * 4
    assert {error.address for error in endings if isinstance(error, ClientClosed)} == {address}


@pytest.mark.parametrize("protocol", ["uri", "grpc_uri"])
@pytest.mark.parametrize("iterations", range(5))
async def test_a_client_that_closes_while_it_connects_ends_both(protocol: str, iterations: int) -> None:
    async with EmbeddedServer(SqliteStore.in_memory(), grpc_port=0) as server:
        grpc_uri = f"kurrentdb://127.0.0.1:{server.grpc_port}?tls=false"
        client = rxpump.connect(server.uri if protocol == "uri" else grpc_uri)
        statuses: list[Any] = []
        client.status.subscribe(statuses.append)
        connecting = asyncio.ensure_future(client.connect())
        for _ in range(iterations):
            await asyncio.sleep(0)
        await client.close()
        [outcome] = await asyncio.gather(connecting, return_exceptions=True)
        if outcome is not client:  # The client began to connect before it was closed.
            assert isinstance(outcome, ClientClosed)
            assert isinstance(statuses[-1], Closed)
        await client.close()


@pytest.mark.parametrize("protocol", ["uri", "grpc_uri"])
@pytest.mark.parametrize("iterations", range(3))
async def test_calls_during_the_close_open_no_connection(protocol: str, iterations: int) -> None:
    async with EmbeddedCluster() as cluster:
        client = await rxpump.connect(getattr(cluster, protocol), node_preference="follower").connect()

        async def write() -> None:
            while True:
                try:
                    await client.publish_event("s", "T")
                except (ClientClosed, NotConnected):
                    await asyncio.sleep(0)

        writing = asyncio.ensure_future(write())
        await client.publish_event("s", "T")
        for _ in range(iterations):
            await asyncio.sleep(0)
        await client.close()
        writing.cancel()
        await asyncio.wait([writing])
        assert not [task for task in asyncio.all_tasks() if "keep the connection" in task.get_name()]


@pytest.mark.parametrize("protocol", ["uri", "grpc_uri"])
async def test_a_pipeline_that_subscribes_again_does_not_delay_a_close(protocol: str) -> None:
    async with EmbeddedServer(SqliteStore.in_memory(), grpc_port=0) as server:
        grpc_uri = f"kurrentdb://127.0.0.1:{server.grpc_port}?tls=false"
        client = await rxpump.connect(server.uri if protocol == "uri" else grpc_uri).connect()
        await client.publish_event("s", "T")
        received = asyncio.Event()
        with client.stream("s").pipe(rx.retry()).subscribe(lambda _: received.set()):
            await received.wait()
            await client.close()
