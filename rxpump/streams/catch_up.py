"""A catch-up subscription, which delivers the existing events, then new events, until it is disposed.

The transport makes one attempt after the other (`Transport.follow_stream`, `follow_all`). An attempt may end at any
time: the connection is lost, the server drops the subscription, a buffer is full because the consumer is slow. The
next attempt starts after the last event that was delivered. The cursor holds that place, moves forward only, and
drops events that arrive twice; so every event is delivered exactly once, in order.

A subscription ends only with an error after which another attempt cannot succeed (access denied, the stream deleted
permanently, the client closed, the server lost events), or when it is disposed.

A server that ends before an event that was delivered was emptied or restored from a backup. It would deliver
nothing until its numbers exceed the old ones, so events would be missed. So the subscription fails with
StreamRolledBack, which names the newest delivered event that the server still has. If only events were lost that a
filter has examined and none that was delivered, the subscription continues after the last delivered event.
A follower of a cluster may be behind the node that delivered the event, so a node gets some time to catch up.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Generator, Iterable, Sequence
from contextlib import aclosing
from typing import Any, TypeVar

from reactivex import abc

from rxpump.backoff import Backoff, Failures
from rxpump.backpressure.background_tasks import BackgroundTasks
from rxpump.errors import ConnectionClosed, RxPumpError, StreamRolledBack, SubscriptionDropped
from rxpump.model.events import Event
from rxpump.model.positions import Position, position_text
from rxpump.model.signals import CaughtUp, Examined, FellBehind, Reconnected, Signal
from rxpump.settings import Settings
from rxpump.streams.cursor import Cursor, Followed, Landmark, Place
from rxpump.streams.probes import CatchUpProbe
from rxpump.streams.source import TaskObservable, TaskSubscription
from rxpump.streams.wait_limit import WaitLimit
from rxpump.transport import Confirmed, Subscription

_log = logging.getLogger("rxpump.subscription")

GRACE_SECONDS = 0.5
"""Seconds in which an event that the watchdog found on the server must arrive."""

LAG_SECONDS = 2.0
"""Seconds in which a node that ends before an event that was delivered must have it, if only the leader serves reads.
"""

FOLLOWER_LAG_SECONDS = 30.0
"""The same time if followers serve reads, which can be behind the previous node of the client."""


News = AsyncGenerator[Sequence[Event] | Signal, None]
"""Batches of events, and signals between them."""

T = TypeVar("T")
Select = Callable[[News, CatchUpProbe], AsyncGenerator[Iterable[T] | Examined, None]]
"""Function that chooses the items for subscribers, and reports each batch to the probe."""


async def catch_up(cursor: Cursor, *, watchdog: float, retry: Backoff, max_lag: float = LAG_SECONDS) -> News:
    """Follow a stream or `$all` from the place of `cursor`, through any number of attempts.

    Args:
        cursor: Place at which to start; it moves with each batch.
        watchdog: Seconds of silence after which a live subscription checks whether it has missed an event.
        retry: Pauses between attempts.
        max_lag: Seconds for which a node may lack events that were delivered.

    Raises:
        RxPumpError: An attempt failed, and another attempt cannot succeed.
    """
    failures = Failures(retry)
    is_cut_off = may_have_moved = False
    lag = _Lag(max_lag)
    while True:
        subscription = cursor.attempt()
        try:
            async with aclosing(subscription), WaitLimit(watchdog) as silence:
                if may_have_moved:
                    await cursor.check_last()
                    may_have_moved = False
                while True:
                    news = await (_next(subscription, cursor, silence) if cursor.is_live else subscription.next())
                    match news:
                        case Confirmed():
                            cursor.confirm(news.last)
                            continue
                        case Examined():
                            if not cursor.pass_examined(news.position):
                                continue
                        case CaughtUp():
                            cursor.is_live = True
                            failures.reset()
                            lag.end()
                        case FellBehind():
                            cursor.is_live = False
                        case _:
                            news = cursor.fresh(news)
                    if is_cut_off:
                        is_cut_off = False
                        yield Reconnected()
                    yield news
        except RxPumpError as error:
            examined = cursor.place
            if not error.retryable and not lag.allows(error) and not await _rewinds(cursor, error):
                raise
            if cursor.is_live:
                cursor.is_live = False
                yield FellBehind(error)
            if isinstance(cursor.place, Position) and cursor.place != examined:
                _log.warning(
                    "the server lost events that the filter of the subscription to %s had examined, up to %s; "
                    "none of them was delivered, so it continues after %s",
                    cursor.followed.name,
                    position_text(examined),
                    position_text(cursor.place),
                )
                yield Examined(cursor.place)
            is_cut_off = is_cut_off or isinstance(error, ConnectionClosed)
            may_have_moved = may_have_moved or not isinstance(error, SubscriptionDropped)  # to another node
            await asyncio.sleep(failures.next_endless_delay())


async def _rewinds(cursor: Cursor, error: RxPumpError) -> bool:
    """Return whether another attempt can succeed after an error, because no event that was delivered is lost."""
    if not isinstance(error, StreamRolledBack):
        return False
    try:
        return await cursor.rewind(error)
    except RxPumpError as failed:
        return failed.retryable


async def _next(
    subscription: Subscription, cursor: Cursor, silence: WaitLimit
) -> Sequence[Event] | Confirmed | CaughtUp | FellBehind | Examined:
    """Wait for the next batch or signal of a live subscription.

    After a silence that is too long, check on the server whether an event should have arrived.

    Raises:
        SubscriptionDropped: An event was written and did not arrive.
    """
    while True:
        try:
            return await silence.wait(subscription.next())
        except TimeoutError:
            if not await cursor.is_behind():
                continue
        try:
            async with asyncio.timeout(GRACE_SECONDS):
                return await subscription.next()
        except TimeoutError:
            raise SubscriptionDropped(cursor.followed.name, "events were written and did not arrive") from None


class _Lag:
    """Measures the time for which the connected nodes have lacked an event that was delivered."""

    def __init__(self, longest: float) -> None:
        self._longest = longest
        self._began: float | None = None

    def allows(self, error: RxPumpError) -> bool:
        """Return whether `error` can mean that a node is behind, and the time limit for this has not passed."""
        if not isinstance(error, StreamRolledBack):
            return False
        now = asyncio.get_running_loop().time()
        if self._began is None:
            self._began = now
        return now - self._began < self._longest

    def end(self) -> None:
        """Reset the measurement, because a node has all events that were delivered."""
        self._began = None


class CatchUp(TaskObservable[Event]):
    """A catch-up subscription as an Observable; each subscriber has its own cursor, and all start at the same place.

    Args:
        runtime: Background tasks of the client.
        name: Name of the Observable in errors and logs.
        settings: Settings of the client.
        followed: Stream or `$all` to follow.
        after: Place after which to start; None to start with the events that are written from now on.
        seen: Place of an event that was delivered before; the server must still have it.
        last: Place and id of that event, if the id is known.
    """

    def __init__(
        self,
        runtime: BackgroundTasks,
        name: str,
        settings: Settings,
        followed: Followed,
        after: Place | None,
        *,
        seen: Place | None = None,
        last: Landmark | None = None,
    ) -> None:
        super().__init__(runtime, name)
        self._settings = settings
        self._followed = followed
        self._after = after
        self._seen = seen
        self._last = last

    @property
    def stream(self) -> str:
        """Name of the stream, or `$all`."""
        return self._followed.name

    def _begin(
        self, observer: abc.ObserverBase[Event], scheduler: abc.SchedulerBase | None = None
    ) -> TaskSubscription[Event]:
        return self._subscribe_with(_events_only, observer)

    def _subscribe_with(self, select: Select[T], observer: abc.ObserverBase[T]) -> TaskSubscription[T]:
        """Start a subscription to the items that `select` yields, and include it in the metrics of the client."""
        settings = self._settings
        cursor = Cursor(self._followed, self._after, seen=self._seen, last=self._last)
        max_lag = LAG_SECONDS if settings.reads_from_leader else FOLLOWER_LAG_SECONDS
        news = catch_up(cursor, watchdog=settings.watchdog, retry=settings.retry, max_lag=max_lag)
        probe = CatchUpProbe(cursor)
        subscription = TaskSubscription(self._runtime, self.name, select(news, probe), observer)
        probe.upstream = subscription.upstream
        subscription.measure(self._followed.transport, probe)
        return subscription

    def with_signals(self) -> TaskObservable[Event | Signal]:
        """Return the same subscription with CaughtUp, FellBehind, Reconnected and Examined among the events."""
        return _WithSignals(self._runtime, self.name, self)

    def resume_after(self, event: Event) -> CatchUp:
        """Return the same subscription, started after `event`, which was delivered before."""
        place = self._followed.place(event)
        last = Landmark(place, event.received.id_bytes)
        return CatchUp(self._runtime, self.name, self._settings, self._followed, place, seen=place, last=last)

    def resume_at(self, place: Place | None) -> CatchUp:
        """Return the same subscription, started after the place of an event that was delivered before."""
        return CatchUp(self._runtime, self.name, self._settings, self._followed, place, seen=place)

    @property
    def events(self) -> CatchUp:
        """The subscription itself, for programs that were written for photon-pump."""
        return self

    def __await__(self) -> Generator[Any, None, CatchUp]:  # type: ignore[override]
        """Return the subscription itself when awaited, because it never ends and so has no last value."""
        return self._itself().__await__()

    async def _itself(self) -> CatchUp:
        return self


class _WithSignals(TaskObservable[Event | Signal]):
    """A catch-up subscription with its signals among the events."""

    def __init__(self, runtime: BackgroundTasks, name: str, events: CatchUp) -> None:
        super().__init__(runtime, name)
        self._events = events

    def _begin(
        self, observer: abc.ObserverBase[Event | Signal], scheduler: abc.SchedulerBase | None = None
    ) -> TaskSubscription[Event | Signal]:
        return self._events._subscribe_with(_events_and_signals, observer)


async def _events_only(news: News, probe: CatchUpProbe) -> AsyncGenerator[Iterable[Event] | Examined, None]:
    """Yield the events, and Examined as progress. Drop all other signals."""
    async with aclosing(news):
        async for item in news:
            if isinstance(item, Examined):
                yield item
            elif not isinstance(item, Signal):
                probe.page = item
                yield item
                probe.end_page()


async def _events_and_signals(news: News, probe: CatchUpProbe) -> AsyncGenerator[Iterable[Event | Signal], None]:
    """Yield the events, and each signal as an item among them."""
    async with aclosing(news):
        async for item in news:
            if isinstance(item, Signal):
                yield (item,)
            else:
                probe.page = item
                yield item
                probe.end_page()
