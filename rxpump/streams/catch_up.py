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
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import aclosing
from typing import Any

from reactivex import abc

from rxpump.backoff import Backoff
from rxpump.backpressure.background_tasks import BackgroundTasks
from rxpump.errors import ConnectionClosed, RxPumpError, StreamRolledBack, SubscriptionDropped
from rxpump.model.events import Event
from rxpump.model.positions import Position, position_text
from rxpump.model.signals import CaughtUp, Examined, FellBehind, Reconnected, Signal
from rxpump.settings import Settings
from rxpump.streams.cursor import Cursor, Followed, Landmark, Place
from rxpump.streams.probes import CatchUpProbe
from rxpump.streams.retries import Retries
from rxpump.streams.source import Pages, TaskObservable, TaskSubscription
from rxpump.streams.wait_limit import WaitLimit
from rxpump.transport import Confirmed, Subscription

_log = logging.getLogger("rxpump.subscription")

GRACE_SECONDS = 0.5
"""Seconds in which an event that the watchdog found on the server must arrive."""

LAG_SECONDS = 2.0
"""Seconds that a node gets to receive an event that was delivered before, if only the leader serves reads."""

FOLLOWER_LAG_SECONDS = 30.0
"""Seconds for the same if followers serve reads, because they can be behind the previous node of the client."""


News = Sequence[Event] | Confirmed | CaughtUp | FellBehind | Examined
"""A batch of events or a signal of one attempt."""

Show = Callable[[Signal], Iterable[Signal] | Examined]
"""Function that returns the page for a signal: the items for subscribers, or an Examined as progress."""


async def catch_up(
    cursor: Cursor,
    show: Show,
    probe: CatchUpProbe,
    *,
    watchdog: float,
    retry: Backoff,
    max_lag: float = LAG_SECONDS,
) -> Pages[Any]:
    """Follow a stream or `$all` from the place of `cursor`, through any number of attempts.

    Args:
        cursor: Place at which to start; it moves with each batch.
        show: Returns the page for a signal.
        probe: State of the subscription, to which each batch is reported.
        watchdog: Seconds of silence after which a live subscription checks whether it has missed an event.
        retry: Pauses between attempts.
        max_lag: Seconds for which a node may lack events that were delivered.

    Yields:
        Batches of events, and pages of signals between them.

    Raises:
        RxPumpError: An attempt failed, and another attempt cannot succeed.
    """
    retries = Retries(retry, _log, f"the subscription to {cursor.followed.name}")
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
                    try:
                        news = await (silence.wait(subscription.next()) if cursor.is_live else subscription.next())
                    except TimeoutError:
                        news = await _next_overdue(subscription, cursor)
                    page = _page_of(news, cursor, show, probe)
                    if isinstance(news, Confirmed):
                        lag.end()
                    if page is None:
                        continue
                    retries.note_progress()
                    if isinstance(news, CaughtUp):
                        retries.reset()
                    if is_cut_off:
                        is_cut_off = False
                        yield show(Reconnected())
                    yield page
                    probe.end_page()
        except RxPumpError as error:
            examined = cursor.place
            if not error.retryable and not lag.allows(error) and not await _rewinds(cursor, error):
                raise
            if cursor.is_live:
                cursor.is_live = False
                yield show(FellBehind(error))
            if isinstance(cursor.place, Position) and cursor.place != examined:
                _log_lost(cursor, examined)
                yield show(Examined(cursor.place))
            is_cut_off = is_cut_off or isinstance(error, ConnectionClosed)
            may_have_moved = may_have_moved or not isinstance(error, SubscriptionDropped)  # to another node
            await retries.wait_after(error)


def _page_of(news: News, cursor: Cursor, show: Show, probe: CatchUpProbe) -> Iterable[Any] | Examined | None:
    """Move the cursor, and return the page for subscribers; None if the news of an attempt are not new to them."""
    if not isinstance(news, (Confirmed, CaughtUp, FellBehind, Examined)):
        probe.page = events = cursor.fresh(news)
        return events
    if isinstance(news, Confirmed):
        cursor.confirm(news.last)
        return None
    return show(news) if cursor.apply(news) else None


def _log_lost(cursor: Cursor, examined: Position | None) -> None:
    _log.warning(
        "the server lost events that the filter of the subscription to %s had examined, up to %s; "
        "none of them was delivered, so it continues after %s",
        cursor.followed.name,
        position_text(examined),
        position_text(cursor.place),
    )


async def _rewinds(cursor: Cursor, error: RxPumpError) -> bool:
    """Return whether another attempt can succeed after an error, because no event that was delivered is lost."""
    if not isinstance(error, StreamRolledBack):
        return False
    try:
        return await cursor.rewind(error)
    except RxPumpError as failed:
        return failed.retryable


async def _next_overdue(subscription: Subscription, cursor: Cursor) -> News:
    """Return the next batch or signal after a silence that is too long.

    It is empty if the server has no event, or is sending a large one over a slow connection.

    Raises:
        SubscriptionDropped: An event was written and did not arrive.
    """
    arrived = subscription.incomplete_bytes
    if not await cursor.is_behind():
        return ()
    try:
        async with asyncio.timeout(GRACE_SECONDS):
            return await subscription.next()
    except TimeoutError:
        if subscription.incomplete_bytes != arrived:
            return ()
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
        return self._subscribe_with(_hide, observer)

    def _subscribe_with(self, show: Show, observer: abc.ObserverBase[Any]) -> TaskSubscription[Any]:
        """Start a subscription to the events and shown signals, and include it in the metrics of the client."""
        settings = self._settings
        cursor = Cursor(self._followed, self._after, seen=self._seen, last=self._last)
        max_lag = LAG_SECONDS if settings.reads_from_leader else FOLLOWER_LAG_SECONDS
        probe = CatchUpProbe(cursor)
        pages = catch_up(cursor, show, probe, watchdog=settings.watchdog, retry=settings.retry, max_lag=max_lag)
        subscription = TaskSubscription(self._runtime, self.name, pages, observer)
        probe.upstream = subscription.upstream
        subscription.measure(self._followed.transport, probe)
        return subscription

    def with_signals(self) -> TaskObservable[Event | Signal]:
        """Return the same subscription with CaughtUp, FellBehind, Reconnected and Examined among the events."""
        return _WithSignals(self._runtime, self.name, self)

    def resume_after(self, event: Event) -> CatchUp:
        """Return the same subscription, started after `event`, which was delivered before."""
        place = self._followed.place(event)
        last = Landmark(place, event.received_id_bytes)
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
        return self._events._subscribe_with(_show, observer)


def _hide(signal: Signal) -> Iterable[Signal] | Examined:
    """Return Examined as progress, and no item for any other signal."""
    return signal if isinstance(signal, Examined) else ()


def _show(signal: Signal) -> Iterable[Signal]:
    """Return the signal as an item."""
    return (signal,)
