"""A fake transport with one stream. Tests can let it fail, drop subscriptions and stop deliveries at any step."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Any, ClassVar

from rxpump.backpressure.background_tasks import BackgroundTasks
from rxpump.errors import StreamNotFound
from rxpump.model.credentials import AnyCredentials
from rxpump.model.events import Event
from rxpump.model.filters import EventFilter
from rxpump.model.new_events import NewEvent
from rxpump.model.pages import AllPage, StreamPage
from rxpump.model.positions import FIRST_POSITION, Edge, Position, StreamDirection
from rxpump.model.results import DeleteResult, ScavengeResult, WriteResult
from rxpump.tcp.follow import AllFollowing, StreamFollowing, find_all_end, find_stream_end
from rxpump.tcp.live_subscription import LiveSubscription
from rxpump.tcp.paging import all_pages, stream_pages
from rxpump.tcp.records import IndexedEvents, PositionedEvents
from rxpump.tcp.transport import TcpTransport
from rxpump.tcp.wire.schema import ResolvedEvent
from rxpump.transport import Appender, GroupSession, Limits, ServerEnd, Subscription, Transport


class FakeStore(Transport):
    """A transport with the stream `s`, which uses the page reads and subscriptions of the TCP transport.

    It calls `step` with the name of each step before the step. A test can replace `step` to write events or raise
    errors.
    """

    protocol: ClassVar[str] = "Fake"
    limits: ClassVar[Limits] = TcpTransport.limits

    def __init__(self) -> None:
        super().__init__(BackgroundTasks("fake"), lambda status: None)
        self.records: list[Any] = []
        self.subscriptions: list[FakeSubscription] = []
        self.step: Callable[[str], None] = lambda name: None
        self.steps: list[str] = []
        self.looked_at = 0

    def write(self, number: int | None = None, *, type: str = "Counted") -> None:
        """Append an event, and deliver it to the subscriptions."""
        next_number = len(self.records) if number is None else number
        position = 100 * next_number + 100 if number is None else 10**9
        record = ResolvedEvent(commit_position=position, prepare_position=position)
        record.event.event_stream_id = "s"
        record.event.event_number = next_number
        record.event.event_type = type
        record.event.event_id = next_number.to_bytes(16, "little")
        self.records.append(record)
        for subscription in self.subscriptions:
            subscription.push(record)

    def _at(self, name: str) -> None:
        self.steps.append(name)
        self.step(name)

    @property
    def is_connected(self) -> bool:
        return True

    def with_timeout(self, timeout: float | None) -> FakeStore:
        raise NotImplementedError

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def settled(self) -> None: ...

    async def ping(self) -> None: ...

    def as_user(self, credentials: AnyCredentials) -> FakeStore:
        raise NotImplementedError

    async def delete_stream(self, stream: str, expected_version: int, *, hard: bool) -> DeleteResult:
        raise NotImplementedError

    async def start_transaction(self, stream: str, expected_version: int) -> int:
        raise NotImplementedError

    async def write_transaction(self, stream: str, transaction_id: int, events: Sequence[NewEvent]) -> None:
        raise NotImplementedError

    async def commit_transaction(self, stream: str, transaction_id: int, expected_version: int | None) -> WriteResult:
        raise NotImplementedError

    async def scavenge(self) -> ScavengeResult:
        raise NotImplementedError

    async def append(self, stream: str, events: Sequence[NewEvent], expected_version: int) -> WriteResult:
        raise NotImplementedError

    async def read_event(self, stream: str, number: int | Edge, *, resolve_links: bool) -> Event:
        raise NotImplementedError

    async def read_stream_page(
        self, stream: str, start: int | Edge, max_count: int, direction: StreamDirection, *, resolve_links: bool
    ) -> StreamPage:
        self._at("read" if direction is StreamDirection.FORWARD else "look at the head")
        await asyncio.sleep(0)
        if not self.records:
            raise StreamNotFound(stream)
        last = len(self.records) - 1
        if direction is StreamDirection.BACKWARD:
            first = start if isinstance(start, int) else last
            records = self.records[max(0, first - max_count + 1) : first + 1][::-1]
            following, ended = max(-1, first - max_count), first < max_count
        else:
            assert isinstance(start, int)
            records = self.records[start : start + max_count]
            following, ended = start + len(records), start + max_count > last
        return StreamPage(
            IndexedEvents(records),
            stream=stream,
            next_event_number=following,
            last_event_number=last,
            is_end_of_stream=ended,
        )

    async def read_all_page(
        self,
        start: Position | Edge,
        max_count: int,
        direction: StreamDirection,
        *,
        resolve_links: bool,
        where: EventFilter | None = None,
    ) -> AllPage:
        self._at("read" if direction is StreamDirection.FORWARD else "look at the head")
        await asyncio.sleep(0)
        if direction is StreamDirection.BACKWARD:
            records = self.records[: -max_count - 1 : -1]
            position = following = Position(self.records[-1].commit_position + 50 if self.records else 0, 0)
        else:
            position = FIRST_POSITION if isinstance(start, Edge) else start
            records = [each for each in self.records if each.commit_position >= position.commit][:max_count]
            following = Position(records[-1].commit_position + 50, 0) if records else position
        self.looked_at += len(records)
        page = AllPage(PositionedEvents(records), position=position, next_position=following)
        return page if where is None else page.where(where.matches)

    async def subscribe(
        self, stream: str | None, *, resolve_links: bool, where: EventFilter | None = None
    ) -> FakeSubscription:
        self._at("subscribe")
        await asyncio.sleep(0)
        subscription = FakeSubscription(self, stream, where)
        self.subscriptions.append(subscription)
        return subscription

    def appender(self, stream: str) -> Appender:
        raise NotImplementedError

    def read_stream(
        self, stream: str, start: int | Edge, direction: StreamDirection, *, batch_size: int, resolve_links: bool
    ) -> AsyncGenerator[Sequence[Event], None]:
        return stream_pages(self, stream, start, batch_size, direction, resolve_links=resolve_links)

    def read_all(
        self,
        start: Position | Edge,
        direction: StreamDirection,
        *,
        batch_size: int,
        resolve_links: bool,
        where: EventFilter | None = None,
    ) -> AsyncGenerator[Sequence[Event], None]:
        return all_pages(self, start, batch_size, direction, resolve_links=resolve_links, where=where)

    def follow_stream(self, stream: str, after: int | None, *, batch_size: int, resolve_links: bool) -> Subscription:
        return StreamFollowing(self, stream, after, batch_size, resolve_links=resolve_links)

    def follow_all(
        self, after: Position | None, *, batch_size: int, resolve_links: bool, where: EventFilter | None = None
    ) -> Subscription:
        return AllFollowing(self, after, batch_size, resolve_links=resolve_links, where=where)

    async def find_stream_end(self, stream: str) -> ServerEnd:
        return await find_stream_end(self, stream)

    async def find_all_end(self, after: Position) -> ServerEnd:
        return await find_all_end(self, after)

    async def create_group(self, stream: str | None, group: str, settings: Any) -> None:
        raise NotImplementedError

    async def update_group(self, stream: str | None, group: str, settings: Any) -> None:
        raise NotImplementedError

    async def delete_group(self, stream: str | None, group: str) -> None:
        raise NotImplementedError

    async def replay_parked(self, stream: str | None, group: str, limit: int | None = None) -> None:
        raise NotImplementedError

    async def connect_group(self, stream: str | None, group: str, buffer_size: int) -> GroupSession:
        raise NotImplementedError


class FakeSubscription(LiveSubscription):
    """A subscription that delivers the written events, unless `is_silent` is set."""

    def __init__(self, store: FakeStore, stream: str | None, where: EventFilter | None = None) -> None:
        self._where = where
        self.examined = None
        self.last_event_number = None if stream is None else len(store.records) - 1
        self.last_commit_position = store.records[-1].commit_position if store.records else -1
        self.is_silent = False
        self.ending: Exception | None = None
        self._store = store
        self._waiting: list[Any] = []
        self._has_news = asyncio.Event()

    def push(self, record: Any) -> None:
        if not self.is_silent and self.ending is None:
            self._waiting.append(record)
            self._has_news.set()

    def end(self, ending: Exception) -> None:
        self.ending = ending
        self._has_news.set()

    async def next(self) -> Sequence[Event]:
        self._store._at("next")
        await self._has_news.wait()
        self._has_news.clear()
        if not self._waiting and self.ending is not None:
            raise self.ending
        waiting, self._waiting = self._waiting, []
        if self.ending is not None:
            self._has_news.set()
        events = list(PositionedEvents(waiting))
        if self._where is None:
            return events
        self.examined = events[-1].position
        return [event for event in events if self._where.matches(event)]

    def close(self) -> None:
        if self in self._store.subscriptions:
            self._store.subscriptions.remove(self)
