"""A fake consumer group, which delivers the events of a test and records acknowledgements."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from rxpump.backoff import Backoff
from rxpump.backpressure.background_tasks import BackgroundTasks
from rxpump.errors import ConnectionClosed, RxPumpError
from rxpump.model.deliveries import Delivery
from rxpump.model.events import Event, single_event
from rxpump.model.group_settings import NackAction
from rxpump.settings import Settings
from rxpump.streams.persistent import Deliveries
from rxpump.tcp.wire import schema
from rxpump.transport import GroupSession
from tests.operators.sources import settle
from tests.streams.fake_store import FakeStore

LOST = ConnectionClosed("tcp://node", "the connection was lost")
QUICK = Settings(retry=Backoff(min_delay=0.001, max_delay=0.001), ack_interval=0.001)


def record(number: int, data: bytes = b"") -> Event:
    record = schema.EventRecord(
        event_stream_id="s", event_number=number, event_type="Counted", event_id=number.to_bytes(16, "little")
    )
    record.data = data or str(number).encode()
    return single_event(record)


class FakeConnection(GroupSession):
    """A connection to a FakeGroup.

    `settlements` has an item for each settled event, in order: its number if it was acknowledged, or ("parked",
    number, reason).
    """

    def __init__(self, buffer_size: int) -> None:
        self.buffer_size = buffer_size
        self.settlements: list[Any] = []
        self.packages: list[int] = []
        self.is_closed = False
        self._ending: RxPumpError | None = None
        self._waiting: list[Any] = []
        self._news = asyncio.Event()

    @property
    def ending(self) -> RxPumpError | None:
        return self._ending

    @property
    def acked(self) -> list[int]:
        return [each for each in self.settlements if isinstance(each, int)]

    def give(self, *numbers: int, retry_count: int = 0) -> None:
        self._waiting += [(record(number), retry_count) for number in numbers]
        self._news.set()

    def end(self, ending: RxPumpError = LOST) -> None:
        self._ending = ending
        self._news.set()

    def before_end(self, act: Callable[[], None]) -> None:
        pass

    async def next(self) -> Sequence[tuple[Event, int]]:
        while True:
            if self._ending is not None:
                raise self._ending
            if self._waiting:
                waiting, self._waiting = self._waiting, []
                return waiting
            self._news.clear()
            await self._news.wait()

    def ack(self, events: Sequence[Event]) -> None:
        if self._ending is None and not self.is_closed:
            self.packages.append(len(events))
            self.settlements += [event.number for event in events]

    def nack(self, events: Sequence[Event], action: NackAction, reason: str) -> None:
        if self._ending is None and not self.is_closed:
            self.settlements += [(action.value, event.number, reason) for event in events]

    def close(self) -> None:
        self.is_closed = True


class FakeGroup(FakeStore):
    """A transport with one consumer group.

    `refuse` is called before each connection is made, and can raise an error. Each connection delivers the events
    `gives`.
    """

    def __init__(self) -> None:
        super().__init__()
        self.connections: list[FakeConnection] = []
        self.gives: Sequence[int] = ()
        self.refuse: Callable[[], None] = lambda: None
        self._connected = asyncio.Event()

    async def connect_group(self, stream: str | None, group: str, buffer_size: int) -> FakeConnection:
        await asyncio.sleep(0)
        self.refuse()
        self.connections.append(FakeConnection(buffer_size))
        self.connections[-1].give(*self.gives)
        self._connected.set()
        return self.connections[-1]

    async def connected(self, count: int = 1) -> FakeConnection:
        """Wait until `count` connections were made, and return the last one."""
        while len(self.connections) < count:
            self._connected.clear()
            await self._connected.wait()
        return self.connections[-1]

    def consume(self, buffer_size: int = 10, **settings: Any) -> Deliveries:
        return Deliveries(self.runtime, self, replace(QUICK, **settings), "s", "g", buffer_size)


class Consumer:
    """A subscriber that records its deliveries."""

    def __init__(self, *, acks: bool = False) -> None:
        self.deliveries: list[Delivery] = []
        self.errors: list[Exception] = []
        self.completed = 0
        self._acks = acks
        self._news = asyncio.Event()

    def on_next(self, delivery: Delivery) -> None:
        self.deliveries.append(delivery)
        if self._acks:
            delivery.ack()
        self._news.set()

    def on_error(self, error: Exception) -> None:
        self.errors.append(error)
        self._news.set()

    def on_completed(self) -> None:
        self.completed += 1
        self._news.set()

    @property
    def numbers(self) -> list[int]:
        return [delivery.number for delivery in self.deliveries]

    def of(self, source: Any) -> Any:
        return source.subscribe(self.on_next, self.on_error, self.on_completed)

    async def until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            self._news.clear()
            await self._news.wait()


async def passed(interval: float = QUICK.ack_interval) -> None:
    """Wait until the acknowledgement interval has passed, so that buffered acknowledgements were sent."""
    await asyncio.sleep(interval)
    await settle(3)


__all__ = ["LOST", "BackgroundTasks", "Consumer", "FakeConnection", "FakeGroup", "passed"]
