"""Work through a server that resets streams at random, as a proxy can. Each event is written and delivered once."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import reactivex as rx

import rxpump
from rxpump.backoff import Backoff
from rxpump.grpc.http2 import ErrorCode
from rxpump.model.new_events import NewEvent
from rxpump.model.positions import ExpectedVersion
from rxpump.server import EmbeddedServer, SqliteStore
from rxpump.server.grpc.grpc_connection import GrpcConnection

COUNT = 200
"""Number of events."""
SEEDS = pytest.mark.parametrize("seed", range(3))
CODES = [code for code in ErrorCode if code is not ErrorCode.REFUSED_STREAM]


class Resetter:
    """Resets streams of a server when it receives bytes on their connection.

    Attributes:
        count: Number of streams that were reset.
    """

    def __init__(self, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        self._chance = random.Random(seed)
        receive = GrpcConnection.data_received

        def data_received(connection: GrpcConnection, data: bytes) -> None:
            receive(connection, data)
            if self._chance.random() < 0.5:
                self._reset(connection)

        monkeypatch.setattr(GrpcConnection, "data_received", data_received)

    def _reset(self, connection: GrpcConnection) -> None:
        for stream in list(connection._calls):
            if self._chance.random() < 0.5 and connection._machine.is_open(stream):
                connection._machine.reset(stream, self._chance.choice(CODES))
                connection._cancel(stream)
                self.count += 1
        connection.flush()


@asynccontextmanager
async def resetting(seed: int, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Resetter, Any]]:
    resetter = Resetter(seed, monkeypatch)
    quick = Backoff(min_delay=0.001, max_delay=0.004)
    async with EmbeddedServer(SqliteStore.in_memory(), grpc_port=0, insecure=True) as server:
        uri = f"kurrentdb://127.0.0.1:{server.grpc_port}?tls=false"
        async with rxpump.connect(uri, reconnect=quick, retry=quick, timeout=20) as client:
            yield resetter, client


@SEEDS
async def test_each_event_is_written_once(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    async with resetting(seed, monkeypatch) as (resetter, client):
        publisher = client.publisher("s", expected_version=ExpectedVersion.NO_STREAM, max_batch=3, max_in_flight=2)
        rx.of(*(NewEvent("Counted", n) for n in range(COUNT))).subscribe(publisher)
        await publisher.drained()
        assert [event.json() async for event in client.iter("s")] == list(range(COUNT))
        assert resetter.count


@SEEDS
@pytest.mark.parametrize("of", ["stream", "all"])
async def test_each_event_is_delivered_once(seed: int, of: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with resetting(seed, monkeypatch) as (resetter, client):
        received: list[int] = []
        ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def note(event: Any) -> None:
            if event.stream == "s":
                received.append(event.json())
                if len(received) == COUNT:
                    ended.set_result(None)

        source = client.stream("s") if of == "stream" else client.stream_all()
        with source.subscribe(note, ended.set_exception):
            for n in range(0, COUNT, 4):
                await client.publish("s", [NewEvent("Counted", n + k) for k in range(4)], expected_version=n - 1)
            await ended
        assert received == list(range(COUNT))
        assert resetter.count


@SEEDS
@pytest.mark.parametrize("of", ["stream", "all"])
async def test_a_read_returns_each_event_once(seed: int, of: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with resetting(seed, monkeypatch) as (resetter, client):
        await client.publish("s", [NewEvent("Counted", n, metadata=b" " * 10_000) for n in range(COUNT)])
        for direction in rxpump.StreamDirection:
            options: dict[str, Any] = {"direction": direction, "batch_size": 3}
            reading = client.iter("s", **options) if of == "stream" else client.iter_all(**options)
            found = [event.json() async for event in reading if event.stream == "s"]
            assert found == sorted(range(COUNT), reverse=direction is rxpump.StreamDirection.BACKWARD)
        assert resetter.count
