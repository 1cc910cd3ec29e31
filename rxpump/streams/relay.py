"""A stream, a pipeline, a stream: every result written exactly once, with nothing kept anywhere else.

The target itself says how far the relay has come. Each event written carries in its metadata where it came
from (`$relay`: stream, number of the source event, which of its results) and an id derived from that; each
write expects the exact version that the one before it left. So on every start, and after every failure, the
relay reads the target's last events, goes back to the source event that they name, and skips the results that
are there. A write that was lost on the way is written; one of which only the answer was lost is recognised; and
two relays doing the same work take turns instead of doubling it.

A pipeline that lets nothing through leaves no trace in the target. So that a long tail of dropped events is not
read again at every start, the target stream's metadata is told from time to time how far the source has been
read; that is a hint, and never needed for correctness.

What the pipeline must keep is the order of its source, so that the results of one event come together and
before those of the next. Plain operators, `map_async` and `batch` do; what finishes out of order does not.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from typing import Any

import reactivex
from reactivex import operators as rx

from rxpump.backoff import Backoff
from rxpump.backpressure.background_tasks import BackgroundTasks
from rxpump.backpressure.upstream import Upstream, Watermarks, watch_watermarks
from rxpump.errors import InvalidArgument, RxPumpError, WrongExpectedVersion
from rxpump.model.events import Event
from rxpump.model.new_events import as_new_event
from rxpump.model.results import WriteResult
from rxpump.streams.appending import append_in_order
from rxpump.streams.catch_up import CatchUp
from rxpump.streams.relay_mark import Place, Start, find_start, leave_hint, mark
from rxpump.streams.source import PageSource
from rxpump.streams.write_buffer import Batching, WriteBuffer
from rxpump.transport import Appender, Transport

HINT_EVERY = 1000
"""How many source events without a result are read before the target's metadata is told."""

Pipeline = Callable[[reactivex.Observable[Event]], reactivex.Observable[Any]]


class Relay(PageSource[WriteResult]):
    """Emits a WriteResult per batch; goes on until it is disposed, drained, or something final happens.

    `follow` gives the source's events after a number.
    """

    completes_on_drain = False

    def __init__(
        self,
        runtime: BackgroundTasks,
        transport: Transport,
        source: str,
        target: str,
        *,
        follow: Callable[[int], CatchUp],
        pipeline: Pipeline,
        retry: Backoff,
    ) -> None:
        super().__init__(runtime, f"relay {source} to {target}", self._relay)
        self.source = source
        self.target = target
        self._transport = transport
        self._follow = follow
        self._pipeline = pipeline
        self._retry = retry

    async def _relay(self) -> AsyncGenerator[list[WriteResult], None]:
        failures = 0
        while True:
            try:
                start = await find_start(self._transport, self.source, self.target)
                async with aclosing(self._run(_Sieve(self.source, self.target, start))) as results:
                    async for result in results:
                        failures = 0
                        yield result
                return
            except RxPumpError as error:
                # A conflict means that somebody else has written: look again where the target is.
                if not error.retryable and not isinstance(error, WrongExpectedVersion):
                    raise
                failures += 1
                await asyncio.sleep(self._retry.delay(failures) or self._retry.max_delay)

    async def _run(self, sieve: _Sieve) -> AsyncGenerator[list[WriteResult], None]:
        """Go once from where the target is, until the source ends or something fails."""
        source = self._follow(sieve.start.done).pipe(rx.do_action(sieve.enter))
        with watch_watermarks() as sieve.watermarks_made:
            outcome = self._pipeline(source)
            subscription = outcome.subscribe(sieve.leave, sieve.inbox.on_error, sieve.inbox.on_completed)
        results = append_in_order(
            self._runtime, sieve.inbox, self._open_appender, sieve.start.version, max_in_flight=1
        )
        hinting = self._runtime.start(self._leave_hints(sieve), "leave hints")
        try:
            async for result in results:
                yield result
            if sieve.silent:  # the source has ended, and everything that came of it is written
                await self._leave_hint(sieve.last_entered)
        finally:
            hinting.cancel()
            sieve.inbox.close()
            subscription.dispose()
            await results.aclose()

    def _open_appender(self) -> Appender:
        return self._transport.appender(self.target)

    async def _leave_hints(self, sieve: _Sieve) -> None:
        while True:
            await sieve.hint_is_due.wait()
            sieve.hint_is_due.clear()
            await self._leave_hint(sieve.done)

    async def _leave_hint(self, done: int) -> None:
        # Not permitted, overtaken, cut off: whatever it is, the next start only reads a little more.
        with suppress(RxPumpError):
            await leave_hint(self._transport, self.source, self.target, done)


class _Sieve:
    """Watches both ends of the pipeline in one run: which event went in, which results come out of it."""

    def __init__(self, source: str, target: str, start: Start) -> None:
        self.start = start
        self.inbox = WriteBuffer("the relay", target, Batching())
        self.watermarks_made: list[Watermarks] = []
        self.silent = 0
        self.last_entered = self.done = start.done
        self.hint_is_due = asyncio.Event()
        self._source = source
        self._target = target
        self._place = Place(-1, -1)

    def enter(self, event: Event) -> None:
        """An event goes into the pipeline; where nobody keeps anything, all before it is done with."""
        self.silent += 1
        if self.silent > HINT_EVERY and not any(watermarks.count for watermarks in self.watermarks_made):
            self.silent = 0
            self.done = self.last_entered
            self.hint_is_due.set()
        self.last_entered = event.received_number

    def leave(self, item: object) -> None:
        """A result comes out: mark it with its place, and pass over what the target has."""
        flow = Upstream.current()
        origin = flow.origin if flow is not None and flow.knows_origin else None
        if not isinstance(origin, Event):
            raise InvalidArgument("pipeline", item, "operators that keep the order and the Upstream of their source")
        self.silent = 0
        number = origin.received_number
        if number < self._place.number:
            raise InvalidArgument("pipeline", item, "operators that keep the order of their source")
        self._place = Place(number, self._place.nth + 1 if number == self._place.number else 0)
        if self._place > self.start.place:
            self.inbox.on_next(mark(as_new_event(item, self._target), origin, self._source, self._place))
