"""A subscription that reads what is there, then follows what is written, for ever.

    READING ──end──▶ SUBSCRIBING ──confirmed──▶ CLOSING THE GAP ──reached──▶ LIVE
       ▲                                                                      │
       └── connection lost · dropped by the server · buffer full · left behind ──┘

Events may be written between the last page and the confirmation, so the gap is read again after subscribing;
what is then received twice is dropped by position. It is the cursor, which only ever moves past what was
delivered, that makes this exactly once: every way back starts at the event after it, whatever was lost and
in whichever phase. (docs/protocol/tcp.md, section 4.16.)

Only two things end it: an error that asking again cannot mend (access denied, the stream deleted for good,
the client closed), and its subscriber's dispose.

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
from rxpump.errors import ConnectionClosed, RxPumpError, SubscriptionDropped
from rxpump.events import Event
from rxpump.runtime import Runtime
from rxpump.settings import Settings
from rxpump.signals import CaughtUp, Examined, FellBehind, Reconnected, Signal
from rxpump.streams.cursor import Cursor
from rxpump.streams.source import Source
from rxpump.transport.base import Subscription

GRACE_SECONDS = 0.5
"""How long an event that the watchdog has seen at the head may still be on its way to us."""

_GAP_PAUSE_SECONDS = 0.005


Place = Any  # an event number or a Position, as the cursor counts
News = AsyncGenerator[Sequence[Event] | Signal, None]
"""Batches of events, and between them what becomes of the subscription."""


async def catch_up(cursor: Cursor, *, watchdog: float, retry: Backoff) -> News:
    """Follow a stream from `cursor` on; `watchdog` in seconds."""
    failures = 0
    is_live = is_cut_off = False
    while True:
        try:
            async with aclosing(_once(cursor, watchdog)) as attempt:
                async for news in attempt:
                    if is_cut_off:
                        is_cut_off = False
                        yield Reconnected()
                    if isinstance(news, CaughtUp):
                        is_live, failures = True, 0
                    yield news
        except RxPumpError as error:
            if not error.retryable:
                raise
            if is_live:
                is_live = False
                yield FellBehind(error)
            is_cut_off = is_cut_off or isinstance(error, ConnectionClosed)
            failures += 1
            await asyncio.sleep(retry.delay(failures) or retry.max_delay)


async def _once(cursor: Cursor, watchdog: float) -> News:
    """Go once from reading to live; raises what ended it."""
    if cursor.is_set:
        async with aclosing(cursor.pages()) as history:
            async for page in history:
                yield page
    subscription = await cursor.subscribe()
    try:
        if not cursor.is_set:
            cursor.start_at_end(subscription)
        while not cursor.has_reached(subscription):
            async with aclosing(cursor.pages()) as gap:
                async for page in gap:
                    yield page
            if not cursor.has_reached(subscription):
                await asyncio.sleep(_GAP_PAUSE_SECONDS)  # confirmed, but not served yet
        yield CaughtUp()
        while True:
            yield cursor.fresh(await _next(subscription, cursor, watchdog))
            if (examined := cursor.note_examined(subscription)) is not None:
                yield Examined(examined)
    finally:
        subscription.close()


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
        runtime: Runtime,
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
        """Give the same subscription, from the event after this one on."""
        place = self._place_of(event)
        return CatchUp(self._runtime, self.name, self._settings, self._cursor, place, self._place_of)

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
