"""First events of reads and subscriptions, as the table in the README lists them."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator
from typing import Any

import pytest
from reactivex import operators as rx

import rxpump
from rxpump import operators as ops
from rxpump.client.starting_points import position_before
from rxpump.model.new_events import NewEvent
from rxpump.model.positions import END, LAST_POSITION, Edge, Position, StreamDirection
from rxpump.server import EmbeddedServer

FORWARD, BACKWARD = StreamDirection.FORWARD, StreamDirection.BACKWARD


@pytest.fixture
async def client(memory_server: EmbeddedServer) -> AsyncIterator[rxpump.Client]:
    async with rxpump.connect(memory_server.uri.replace("//", "//admin:changeit@")) as client:
        await client.publish("s", [NewEvent("Counted") for _ in range(8)])
        yield client


async def numbers(events: Any, count: int) -> list[int]:
    """Return the numbers of the first events of stream `s`."""
    in_s: Any = ops.in_stream("s")
    of_s = events.pipe(in_s, rx.take(count), rx.to_list())
    return [event.number for event in await of_s]


async def test_an_event_number_is_included(client: rxpump.Client) -> None:
    assert [event.number for event in await client.get("s", from_event=5, max_count=2)] == [5, 6]
    backward = await client.get("s", from_event=5, max_count=2, direction=BACKWARD)
    assert [event.number for event in backward] == [5, 4]
    assert await numbers(client.iter("s", from_event=5), 2) == [5, 6]
    assert await numbers(client.iter("s", from_event=5, direction=BACKWARD), 2) == [5, 4]
    assert await numbers(client.stream("s", from_event=5), 2) == [5, 6]
    assert await numbers(client.subscribe_to("s", start_from=5), 2) == [5, 6]
    await client.create_subscription("g", "s", start_from=5)
    assert await numbers(client.connect_subscription("g", "s"), 2) == [5, 6]


async def test_a_position_is_inclusive_to_read_exclusive_to_subscribe(client: rxpump.Client) -> None:
    events = [event async for event in client.iter_all() if event.stream == "s"]
    position = events[5].position
    assert position is not None
    assert [event.number for event in await client.get_all(from_position=position, max_count=2)] == [5, 6]
    backward = await client.get_all(from_position=position, max_count=2, direction=BACKWARD)
    assert [event.number for event in backward] == [4, 3]
    assert await numbers(client.iter_all(from_position=position), 2) == [5, 6]
    assert await numbers(client.iter_all(from_position=position, direction=BACKWARD), 2) == [4, 3]
    assert await numbers(client.stream_all(position), 2) == [6, 7]


@pytest.mark.parametrize("start", [END, LAST_POSITION, Position(-1, -1)])
def test_the_last_position_is_the_end_of_a_subscription(start: Position | Edge) -> None:
    """The position before it is None, because the end moves when events are written."""
    assert position_before(start) is None


@pytest.mark.parametrize(
    ("method", "words"),
    [
        ("get", "Number of the first event that is read, in both directions"),
        ("iter", "Number of the first event that is read, in both directions"),
        ("stream", "Number of the first event that is delivered"),
        ("subscribe_to", "Number of the first event that is delivered"),
        (
            "get_all",
            "A forward page begins with the event at this position, a backward page with the event before it.",
        ),
        ("iter_all", "A forward read begins with the event at this position"),
        ("stream_all", "The event at this position is not delivered"),
    ],
)
def test_the_docstring_describes_the_start(method: str, words: str) -> None:
    assert words in " ".join(str(inspect.getdoc(getattr(rxpump.Client, method))).split())
