"""A browser that does not read pauses the subscription on the event store."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from reactivex import Subject

import rxpump
from rxpump import Event, NewEvent
from rxpump.ui.routes.live import BATCH_EVENTS, BUFFERED_EVENTS, messages
from rxpump.ui.selections import StreamSelection
from rxpump.ui.server_sent_events import ServerSentEvents
from tests.ui.harness import SECONDS, Browser

BETWEEN = BUFFERED_EVENTS + 2 * BATCH_EVENTS
"""Events that can be between the subscription and the connection: in the buffer and in two batches."""


@pytest.fixture
def delivered(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The numbers of the events that subscriptions have delivered to the page."""
    numbers: list[int] = []

    def note(_self: StreamSelection, item: object) -> bool:
        if isinstance(item, Event):
            numbers.append(item.number)
        return True

    monkeypatch.setattr(StreamSelection, "matches", note)
    return numbers


class Reader:
    """A connection that accepts a number of messages, and then no more until `resume`."""

    def __init__(self, accepted: int) -> None:
        self.bodies: list[bytes] = []
        self.is_full = asyncio.Event()
        self.is_complete = asyncio.Event()
        self._accepted = accepted
        self._go_on = asyncio.Event()

    def resume(self) -> None:
        self._go_on.set()

    async def send(self, message: Any) -> None:
        if message["type"] != "http.response.body":
            return
        self.bodies.append(message["body"])
        if b"caught_up" in message["body"]:
            self.is_complete.set()
        if len(self.bodies) == self._accepted:
            self.is_full.set()
            await self._go_on.wait()

    async def receive(self) -> Any:
        await asyncio.Event().wait()

    @property
    def numbers(self) -> list[int]:
        lines = b"".join(self.bodies).decode().splitlines()
        batches = [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: [")]
        return [event["number"] for batch in batches for event in batch]


async def until_idle(client: rxpump.Client, delivered: list[int]) -> None:
    """Wait until a subscription delivers nothing, while the event store could send everything."""
    async with asyncio.timeout(SECONDS):
        before = -1
        while before != len(delivered):
            before = len(delivered)
            for _ in range(50):
                await client.get_event("many", 0)


async def test_a_slow_connection_pauses_the_subscription(client: rxpump.Client, delivered: list[int]) -> None:
    await client.publish("many", [NewEvent("T") for _ in range(5_000)])
    reader = Reader(accepted=5)
    response = ServerSentEvents(messages(client, StreamSelection("many"), 0), Subject())
    responding = asyncio.create_task(response({}, reader.receive, reader.send))
    await reader.is_full.wait()
    await until_idle(client, delivered)
    assert len(delivered) <= len(reader.numbers) + BETWEEN
    reader.resume()
    async with asyncio.timeout(SECONDS):
        await reader.is_complete.wait()
    assert reader.numbers == list(range(5_000))
    responding.cancel()


async def test_a_browser_that_does_not_read_pauses_the_subscription(
    browser: Browser, client: rxpump.Client, delivered: list[int]
) -> None:
    size, count = 16_000, 4_000
    for _ in range(count // 500):
        await client.publish("many", [NewEvent("T", b"x" * size) for _ in range(500)])
    reader, writer = await asyncio.open_connection("127.0.0.1", browser.http.base_url.port)
    writer.write(b"GET /api/live?stream=many&from=start HTTP/1.1\r\nHost: localhost\r\n\r\n")
    await reader.readline()
    await until_idle(client, delivered)
    in_the_kernel = 10 * 1024 * 1024 // size
    assert len(delivered) <= BETWEEN + in_the_kernel < count
    arrived, end = 0, b""
    async with asyncio.timeout(SECONDS):
        while b"caught_up" not in end:
            chunk = await reader.read(1 << 20)
            arrived += (end + chunk).count(b'"type":"T"') - end.count(b'"type":"T"')
            end = chunk[-100:]
    assert arrived == count
    writer.close()
