"""One attempt to follow a stream or `$all` of a mock transport."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Sequence

from rxpump.errors import StreamDeleted, SubscriptionDropped
from rxpump.model.events import Event
from rxpump.model.filters import EventFilter
from rxpump.model.positions import Position, StreamDirection
from rxpump.model.signals import CaughtUp, Examined
from rxpump.model.system_names import ALL_STREAM
from rxpump.settings import Settings
from rxpump.testing.memory_log import MemoryLog
from rxpump.testing.memory_stream import StoredEvent
from rxpump.testing.mock_connection import MockConnection
from rxpump.transport import Confirmed, Subscription

News = Sequence[Event] | Confirmed | CaughtUp | Examined


class MockSubscription(Subscription, ABC):
    """Base class of subscriptions. Each call of `next` reads the log from the current place; no events are buffered.

    Args:
        log: Log of the mock transport.
        connection: The connection. When it ends, the subscription ends.
        batch_size: Largest number of events in a batch.
        settings: Settings, which limit the live events that may wait to be pulled. If there are more, the
            subscription is dropped.
        check: Function that raises an error if the user may not subscribe.
        resolve_links: Whether to deliver the targets of links.
    """

    def __init__(
        self,
        log: MemoryLog,
        connection: MockConnection,
        batch_size: int,
        settings: Settings,
        check: Callable[[], None],
        *,
        resolve_links: bool,
    ) -> None:
        self._log = log
        self._connection = connection
        self._batch_size = batch_size
        self._settings = settings
        self._check = check
        self._resolve_links = resolve_links
        self._number = 0  # number of the connection; 0 before the first `next`
        self._is_live = False
        self._signals: deque[News] = deque()

    async def next(self) -> News:
        """Return the next batch or signal."""
        if not self._number:
            await self._connection.request("Subscribe", None, self._begin)
        while True:
            ending = self._connection.ending_of(self._number)
            if ending is not None:
                raise ending
            if self._signals:
                return self._signals.popleft()
            if self._is_live:
                self._check_waiting()
            if (news := self._read()) is not None:
                return news
            if not self._is_live:
                self._is_live = True
                self._signals += [Confirmed(self._last()), CaughtUp()]
            else:
                await self._connection.changes.wait()

    async def aclose(self) -> None:
        """Do nothing, because the subscription holds nothing."""

    def _check_waiting(self) -> None:
        """Raise SubscriptionDropped if more live events wait to be pulled than the settings allow."""
        waiting, settings = self._waiting(), self._settings
        size = sum(len(each.data) + len(each.metadata) for each in waiting)
        if len(waiting) > settings.live_buffer_events or size > settings.live_buffer_bytes:
            raise SubscriptionDropped(self._name, f"{len(waiting)} events of {size} bytes wait to be pulled")

    def _begin(self) -> None:
        self._check()
        self._number = self._connection.connections
        self._start()

    _name = ALL_STREAM

    @abstractmethod
    def _start(self) -> None:
        """Set the current place to the end, if no place to start at was given."""

    @abstractmethod
    def _read(self) -> Sequence[Event] | None:
        """Return the next events, and move the current place after them; None if there are none yet."""

    @abstractmethod
    def _waiting(self) -> Sequence[StoredEvent]:
        """Return the events after the current place."""

    @abstractmethod
    def _last(self) -> int | Position:
        """Return the place of the last event."""


class MockStreamSubscription(MockSubscription):
    """An attempt to follow one stream, from the event after number `after`; None: from the end."""

    def __init__(
        self,
        log: MemoryLog,
        connection: MockConnection,
        stream: str,
        after: int | None,
        batch_size: int,
        settings: Settings,
        check: Callable[[], None],
        *,
        resolve_links: bool,
    ) -> None:
        super().__init__(log, connection, batch_size, settings, check, resolve_links=resolve_links)
        self._name = stream
        self._after = after

    def _start(self) -> None:
        if self._after is None:
            self._after = self._last()

    @property
    def _seen(self) -> int:
        return -1 if self._after is None else self._after

    def _read(self) -> Sequence[Event] | None:
        stream = self._log.stream(self._name)
        first = max(self._seen + 1, stream.first)
        stored = stream.events[first : first + self._batch_size]
        if stream.is_tombstoned and not (stored and self._is_live):
            raise StreamDeleted(self._name)
        if not stored:
            return None
        self._after = stored[-1].event_number
        return [self._log.resolved(each, resolve_links=self._resolve_links) for each in stored]

    def _waiting(self) -> Sequence[StoredEvent]:
        return self._log.stream(self._name).events[self._seen + 1 :]

    def _last(self) -> int:
        return self._log.stream(self._name).last


class MockAllSubscription(MockSubscription):
    """An attempt to follow `$all`, from the event after position `after`; None: from the end."""

    def __init__(
        self,
        log: MemoryLog,
        connection: MockConnection,
        after: Position | None,
        batch_size: int,
        settings: Settings,
        check: Callable[[], None],
        *,
        resolve_links: bool,
        where: EventFilter | None,
    ) -> None:
        super().__init__(log, connection, batch_size, settings, check, resolve_links=resolve_links)
        self._after = after
        self._where = where

    def _start(self) -> None:
        if self._after is None:
            self._after = self._log.last

    @property
    def _seen(self) -> int:
        if self._after is None:
            return 0
        return self._after.commit - (self._after.prepare < self._after.commit)

    def _read(self) -> Sequence[Event] | None:
        following = Position(self._seen + 1, self._seen + 1)
        forward = StreamDirection.FORWARD
        page = self._log.all_page(following, self._batch_size, forward, resolve_links=self._resolve_links)
        if not page:
            return None
        self._after = last = Position(page.next_position.commit - 1, page.next_position.commit - 1)
        if self._where is None:
            return page
        self._signals.append(Examined(last))
        return [event for event in page if self._where.matches(event)]

    def _waiting(self) -> Sequence[StoredEvent]:
        return self._log.events[self._seen :]

    def _last(self) -> Position:
        return self._log.last
