"""A subscription that reads what is there, then follows what is written, for ever.

    READING ──end──▶ SUBSCRIBING ──confirmed──▶ CLOSING THE GAP ──reached──▶ LIVE
       ▲                                                                      │
       └── connection lost · dropped by the server · buffer full · left behind ──┘

Events may be written between the last page and the confirmation, so the gap is read again after subscribing;
what is then received twice is dropped by position. It is the cursor, which only ever moves past what was
delivered, that makes this exactly once: every way back starts at the event after it, whatever was lost and
in whichever phase. (docs/protocol/tcp.md, section 4.16.)

Only two things end it: an error that asking again cannot mend (access denied, the stream deleted for good,
the client closed, the server without what was seen), and its subscriber's dispose.

A server that ends before an event that was seen was emptied or restored from a backup. It would be silent until the
old numbers are passed, and then deliver other events under them, so the subscription fails with StreamRolledBack. A
follower of a cluster may be behind the node that delivered the event, so it gets LAG_SECONDS to catch up.

Being pulled, it needs no mechanism for a slow consumer: while nobody pulls, live events collect in the
subscription's bounded buffer; when that is full the subscription is over, and the next pull gives what was
kept and reads on from there.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Generator, Iterable, Sequence
from contextlib import aclosing
from typing import Any

from rxpump.backoff import Backoff
from rxpump.backpressure.background_tasks import BackgroundTasks
from rxpump.errors import ConnectionClosed, RxPumpError, StreamRolledBack, SubscriptionDropped
from rxpump.model.events import Event
from rxpump.model.signals import CaughtUp, Examined, FellBehind, Reconnected, Signal
from rxpump.settings import Settings
from rxpump.streams.cursor import Cursor
from rxpump.streams.source import Source
from rxpump.transport import Subscription

GRACE_SECONDS = 0.5
"""How long an event that the watchdog has seen at the head may still be on its way to us."""

LAG_SECONDS = 2.0
"""How long a node may end before an event that another node has delivered."""

_GAP_PAUSE_SECONDS = 0.005


Place = Any  # an event number or a Position, as the cursor counts
News = AsyncGenerator[Sequence[Event] | Signal, None]
"""Batches of events, and between them what becomes of the subscription."""


async def catch_up(cursor: Cursor, *, watchdog: float, retry: Backoff) -> News:
    """Follow a stream from `cursor` on; `watchdog` in seconds."""
    failures = 0
    is_live = is_cut_off = False
    lag = _Lag()
    while True:
        try:
            async with aclosing(_once(cursor, watchdog)) as attempt:
                async for news in attempt:
                    if is_cut_off:
                        is_cut_off = False
                        yield Reconnected()
                    if isinstance(news, CaughtUp):
                        is_live, failures = True, 0
                        lag.end()
                    yield news
        except RxPumpError as error:
            if not error.retryable and not lag.allows(error):
                raise
            if is_live:
                is_live = False
                yield FellBehind(error)
            is_cut_off = is_cut_off or isinstance(error, ConnectionClosed)
            failures += 1
            await asyncio.sleep(retry.delay(failures) or retry.max_delay)


class _Lag:
    """How long nodes have ended before an event that was seen."""

    def __init__(self) -> None:
        self._began: float | None = None

    def allows(self, error: RxPumpError) -> bool:
        """Return whether `error` may be a node that is behind, and has had less than LAG_SECONDS to catch up."""
        if not isinstance(error, StreamRolledBack):
            return False
        now = asyncio.get_running_loop().time()
        if self._began is None:
            self._began = now
        return now - self._began < LAG_SECONDS

    def end(self) -> None:
        """Note that a node has everything that was seen."""
        self._began = None


async def _once(cursor: Cursor, watchdog: float) -> News:
    """Go once from reading to live; raises what ended it."""
    if cursor.is_set:
        async with aclosing(_read(cursor)) as history:
            async for news in history:
                yield news
    subscription = await cursor.subscribe()
    try:
        await cursor.check_history(subscription)
        if not cursor.is_set:
            cursor.start_at_end(subscription)
        while not cursor.has_reached(subscription):
            async with aclosing(_read(cursor)) as gap:
                async for news in gap:
                    yield news
            if not cursor.has_reached(subscription):
                await asyncio.sleep(_GAP_PAUSE_SECONDS)  # confirmed, but not served yet
        yield CaughtUp()
        while True:
            yield cursor.fresh(await _next(subscription, cursor, watchdog))
            if (examined := cursor.note_examined(subscription)) is not None:
                yield Examined(examined)
    finally:
        subscription.close()


async def _read(cursor: Cursor) -> News:
    """Read to the end; after each page that was filtered, say how far the filter has looked."""
    async with aclosing(cursor.pages()) as pages:
        async for page in pages:
            yield page
            if (examined := cursor.note_page_examined()) is not None:
                yield Examined(examined)


async def _next(subscription: Subscription, cursor: Cursor, watchdog: float) -> Sequence[Event]:
    """Wait for events; where nothing was heard for long, look whether something should have been."""
    while True:
        try:
            async with asyncio.timeout(watchdog):
                return await subscription.next()
        except TimeoutError:
            if not await cursor.is_behind():
                continue
        try:
            async with asyncio.timeout(GRACE_SECONDS):
                return await subscription.next()
        except TimeoutError:
            raise SubscriptionDropped(repr(cursor), "events were written and did not arrive") from None


class CatchUp(Source[Event]):
    """A subscription as an Observable of events; each subscriber follows from `after` on by itself.

    `cursor` makes the cursor that stands at a place, `place_of` tells the place of an event.
    """

    def __init__(
        self,
        runtime: BackgroundTasks,
        name: str,
        settings: Settings,
        cursor: Callable[[Place | None], Cursor],
        after: Place | None,
        place_of: Callable[[Event], Place | None],
    ) -> None:
        super().__init__(runtime, name, lambda: _events_only(self._follow()))
        self._settings = settings
        self._cursor = cursor
        self._after = after
        self._place_of = place_of

    def _follow(self) -> News:
        settings = self._settings
        return catch_up(self._cursor(self._after), watchdog=settings.watchdog, retry=settings.retry)

    def with_signals(self) -> Source[Event | Signal]:
        """The same, with CaughtUp, FellBehind, Reconnected and Examined as items among the events."""
        return Source(self._runtime, self.name, lambda: _events_and_signals(self._follow()))

    def resume_after(self, event: Event) -> CatchUp:
        """Return the same subscription, from the event after this one on."""
        return self.resume_at(self._place_of(event))

    def resume_at(self, place: Place | None) -> CatchUp:
        """Return the same subscription, from after `place` on, where an event was delivered before."""

        def cursor(after: Place | None) -> Cursor:
            resumed = self._cursor(after)
            if after is not None:
                resumed.note_seen()
            return resumed

        return CatchUp(self._runtime, self.name, self._settings, cursor, place, self._place_of)

    @property
    def events(self) -> CatchUp:
        """Itself, as photon-pump's subscriptions name it."""
        return self

    def __await__(self) -> Generator[Any, None, CatchUp]:  # type: ignore[override]
        """Give itself: what never ends has no last value to wait for."""
        return self._itself().__await__()

    async def _itself(self) -> CatchUp:
        return self


async def _events_only(news: News) -> AsyncGenerator[Iterable[Event], None]:
    """Leave the signals out."""
    async with aclosing(news):
        async for item in news:
            if isinstance(item, Sequence):
                yield item


async def _events_and_signals(news: News) -> AsyncGenerator[Iterable[Event | Signal], None]:
    """Let each signal through as an item among the events."""
    async with aclosing(news):
        async for item in news:
            yield item if isinstance(item, Sequence) else (item,)
