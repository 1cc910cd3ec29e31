"""The event store with a client that each test of the suite receives, and helpers for results of transports."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import aclosing
from typing import Any, ClassVar

from rxpump.backoff import Backoff
from rxpump.client import Client
from rxpump.model.events import Event
from rxpump.model.new_events import NewEvent
from rxpump.model.positions import START, Edge, Position, StreamDirection
from rxpump.model.signals import CaughtUp, Examined, FellBehind
from rxpump.settings import Settings
from rxpump.transport import Confirmed, GroupSession, Subscription, Transport

QUICK = Backoff(min_delay=0.001, max_delay=0.004)
SETTINGS = Settings(reconnect=QUICK, retry=QUICK, ack_interval=0.001, live_buffer_events=20, live_buffer_bytes=40_000)

USERS = {"admin": "changeit", "ops": "changeit"}
"""Password of each user of a store. The connection of the client is that of "admin"."""

ANY = -2
NO_STREAM = -1
STREAM_EXISTS = -4

FORWARD = StreamDirection.FORWARD
BACKWARD = StreamDirection.BACKWARD

News = Sequence[Event] | Confirmed | CaughtUp | FellBehind | Examined


class Store(ABC):
    """An event store with a client whose connection a test can break.

    Attributes:
        client: The client.
        transport: Its transport.
        holds_back: Whether the server waits for a slow consumer instead of dropping its subscription.
        hides_ends: Whether the last number of a soft-deleted stream is not known.
    """

    client: Client
    transport: Transport
    holds_back: ClassVar[bool] = False
    hides_ends: ClassVar[bool] = False

    @abstractmethod
    def lose_connection(self) -> None:
        """Lose the connection of the client, which makes a new one."""

    @abstractmethod
    def lose_reply(self) -> None:
        """Lose the connection after the next request is executed and before its reply arrives."""

    async def write(self, stream: str, *data: object, expected_version: int = ANY) -> None:
        """Append one event for each value, with the value as JSON."""
        await self.transport.append(stream, [NewEvent("Counted", each) for each in data], expected_version)

    async def set_metadata(self, stream: str, **metadata: object) -> None:
        """Append metadata, whose keys begin with "$"."""
        values = {f"${key}": value for key, value in metadata.items()}
        await self.transport.append(f"$${stream}", [NewEvent("$metadata", values)], ANY)

    async def read(
        self,
        stream: str,
        start: int | Edge = START,
        direction: StreamDirection = FORWARD,
        *,
        batch_size: int = 3,
        resolve_links: bool = False,
    ) -> list[Event]:
        """Read a stream to its end."""
        reading = self.transport.read_stream(
            stream, start, direction, batch_size=batch_size, resolve_links=resolve_links
        )
        async with aclosing(reading):
            batches = [list(batch) async for batch in reading]
        assert all(len(batch) <= batch_size for batch in batches)
        return [event for batch in batches for event in batch]

    async def read_all(
        self, start: Position | Edge = START, direction: StreamDirection = FORWARD, **options: Any
    ) -> list[Event]:
        """Read `$all` to its end, without the events that servers write themselves."""
        reading = self.transport.read_all(start, direction, **{"batch_size": 3, "resolve_links": False, **options})
        async with aclosing(reading):
            events = [event async for batch in reading for event in batch]
        return [event for event in events if not event.stream.startswith("$")]


def values(events: Sequence[Event]) -> list[Any]:
    """Return the data of events."""
    return [event.json() for event in events]


async def receive(subscription: Subscription, count: int) -> list[Event]:
    """Wait for `count` events of a subscription, and drop its signals."""
    events: list[Event] = []
    while len(events) < count:
        news = await subscription.next()
        if isinstance(news, Sequence):
            events += news
    return events


async def until_caught_up(subscription: Subscription) -> list[News]:
    """Return everything up to CaughtUp, without empty batches."""
    received: list[News] = []
    while not received or not isinstance(received[-1], CaughtUp):
        news = await subscription.next()
        if news != [] and not (isinstance(news, Sequence) and not len(news)):
            received.append(news)
    return received


async def deliveries(session: GroupSession, count: int) -> list[tuple[Event, int]]:
    """Wait for `count` deliveries of a group."""
    received: list[tuple[Event, int]] = []
    while len(received) < count:
        received += await session.next()
    return received
